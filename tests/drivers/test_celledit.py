"""What is found out at the bench goes into the cell file; everything else in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from drivers.cameras.section import CameraCalibration, CameraDevice, HoverRecord
from drivers.celledit import CellText
from drivers.cellfile import load_cell
from drivers.errors import CellFileError
from drivers.taught import Taught, box_of

SHIPPED = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"
AT = "2026-05-01T10:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = tmp_path / "mine.toml"
    copy.write_text(SHIPPED.read_text())
    return copy


def test_a_taught_pose_is_used_and_dated_and_every_comment_stays(path: Path) -> None:
    q = (0.1, -1.2, 0.5, 1.1, 0.3)
    text = CellText(path)
    text.joints("arm", "home_rad", q)
    text.taught("home", Taught("home", "arm", AT, "ann", q_rad=q))
    text.taught("left", Taught("start", "arm", AT, "ben", q_rad=q))
    cell = text.save()
    assert cell.info.arms[0].home_rad == q
    assert cell.taught["home"].who == "ann" and cell.taught["left"].kind == "start"
    before, after = SHIPPED.read_text().splitlines(), path.read_text().splitlines()
    changed = [line for line in before if line not in after]
    assert changed == ["home_rad = [0.0, -1.5, 0.6, 1.6, 1.52]"]
    again = CellText(path)
    again.taught("left", Taught("start", "arm", AT, "cem", q_rad=q))
    assert again.save().taught["left"].who == "cem"
    assert path.read_text().count("[taught.left]") == 1


def test_what_would_be_no_cell_is_not_written(path: Path) -> None:
    before = path.read_text()
    text = CellText(path)
    text.joints("arm", "home_rad", (9.0, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(CellFileError, match=r"not written: .*mine\.toml.*home is out of range"):
        text.save()
    assert path.read_text() == before and list(path.parent.iterdir()) == [path]


def test_cameras_are_written_where_they_were_found_to_be(path: Path) -> None:
    scene = load_cell(path).info.cameras[0]
    text = CellText(path)
    text.stands(scene)
    text.camera_pose("scene", (0.5, 0.1, 0.4), (0.0, 0.6, 0.8, 0.0))
    text.calibrated("scene", CameraCalibration(AT, "ann", 0.3, 1.2, 0.1, 12, 24.0))
    text.camera_device(CameraDevice("scene", "v4l2", "/dev/v4l/by-id/a", controls={"gain": 3}))
    text.camera_device(CameraDevice("scene", "v4l2", "/dev/v4l/by-id/b"))
    text.hover(HoverRecord(AT, "ann", (1.0, 2.5, 3.0, 0.5), "wrist"))
    cell = text.save()
    assert cell.info.cameras[0].mount_xyz_m == (0.5, 0.1, 0.4)
    assert cell.calibrated["scene"].views == 12
    assert [d.path for d in cell.camera_devices] == ["/dev/v4l/by-id/b"]
    assert cell.hover is not None and cell.hover.error_mm == (1.0, 2.5, 3.0, 0.5)
    assert cell.emulator is not None
    assert cell.emulator.cameras["scene"].xyz_m == scene.mount_xyz_m
    later = CellText(path)
    later.stands(cell.info.cameras[0])
    assert later.save().emulator.cameras["scene"].xyz_m == scene.mount_xyz_m


def test_wrong_entries_are_refused_by_name(path: Path) -> None:
    base = path.read_text()
    for wrong, said in (
        ('[taught.x]\nkind = "start"\narm = "no"\nat = "t"\nwho = "w"\n', "no arm 'no'"),
        ('[taught.x]\nkind = "start"\narm = "arm"\nat = "t"\nwho = "w"\nq_rad = [0]\n', "1 values"),
        ('[taught.x]\nkind = "box"\narm = "arm"\nat = "t"\nwho = "w"\n', "two points"),
        ('[[camera_device]]\ncamera = "no"\ndriver = "v4l2"\npath = "p"\n', "no such camera"),
        ('[[camera_device]]\ncamera = "scene"\ndriver = "v4l2"\npath = ""\n', "path is empty"),
    ):
        path.write_text(base + "\n" + wrong)
        with pytest.raises(CellFileError, match=said):
            load_cell(path)


def test_corners_make_a_box_whichever_way_they_are_touched() -> None:
    assert box_of([(0.3, -0.1, 0.4), (0.1, 0.2, 0.0)]) == ((0.1, -0.1, 0.0), (0.3, 0.2, 0.4))
    with pytest.raises(ValueError, match="along z"):
        box_of([(0.3, -0.1, 0.005), (0.1, 0.2, 0.0)])
