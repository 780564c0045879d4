"""``cell setup`` at a terminal, from the box to a proven cell, on an emulated SO-101 bus."""

from __future__ import annotations

import json
from collections.abc import Iterator

import mujoco
import numpy as np
import pytest
from benches import Served, served

from drivers.cameras.calibration.solve import apart
from drivers.cellfile import load_cell
from drivers.sim.noise import CellNoise, NoiseSpec
from drivers.sim.world import calibrated_pose

PERSON = [
    ("all the same? [y/n]:", "y\n"),
    ("type move:", "move\n"),
    ("[y/n]:", "y\n"),
    ("Enter to acknowledge:", "\n"),
    ("move it, Enter:", "\n"),
    ("beside it?:", "5\n"),
]
"""What somebody answers for whom all is well. A busy computer may stop the arm meanwhile."""


@pytest.fixture
def cell() -> Iterator[Served]:
    with served("boxed") as made:
        yield made


def plug(cell: Served, fault: str) -> str:
    cell.inject(fault)
    return ""


def test_the_port_is_found_and_unset_ids_are_set_and_kept_as_done(cell: Served) -> None:
    typist = cell.type("cell", "setup", "boxed", "--step", "port")
    hands = [
        ("Unplug it:", lambda: plug(cell, "unplug")),
        ("Plug it in again", lambda: plug(cell, "replug")),
    ]
    typist.answer(hands, until="done:", within_s=60.0)
    assert typist.ended() == 0 and "gone: " in typist.heard
    typist = cell.type("cell", "setup", "boxed", "--step", "hover")
    typist.answer([], until="rests on poses, zero, not done yet")
    assert typist.ended() == 2
    typist = cell.type("cell", "setup", "boxed", "--step", "ids")
    # Asked again although they are right: meanwhile they are lost, as from the box.
    lost = ("all the same? [y/n]:", lambda: plug(cell, "ids_unset") + "y\n")
    typist.answer([lost], until="done: ids 1, 2, 3, 4, 5, 6", within_s=60.0)
    assert typist.ended() == 0
    kept = json.loads((cell.path.parent / "boxed.setup.json").read_text())
    assert list(kept["done"]) == ["port", "ids"] and kept["done"]["ids"]["who"]


@pytest.mark.timeout(480)
@pytest.mark.long
def test_cameras_are_found_where_they_truly_are_and_the_proof_is_dated(cell: Served) -> None:
    done = {"at": "2026-05-01T10:00:00+00:00", "who": "ann", "note": "earlier"}
    earlier = {"cell": "boxed", "done": {"port": done, "ids": done, "calibrate": done}}
    (cell.path.parent / "boxed.setup.json").write_text(json.dumps(earlier))
    before = {c.name: c for c in load_cell(cell.path).info.cameras}
    typist = cell.type("cell", "setup", "boxed", "--views", "9")
    typist.answer(PERSON, until="boxed is set up", within_s=450.0)
    assert typist.ended() == 0 and "4/8 cameras" in typist.heard
    found = load_cell(cell.path)
    for camera in found.info.cameras:
        truth = true_pose(found.sim.noise, before[camera.name])
        metres, radians = apart(calibrated_pose(camera), truth)
        record = found.calibrated[camera.name]
        assert metres < 3e-3 * record.spread_mm + 0.002
        assert np.degrees(radians) < 3.0 * record.spread_deg + 0.2
        assert found.emulator.cameras[camera.name].xyz_m == before[camera.name].mount_xyz_m
    assert found.hover is not None and len(found.hover.error_mm) == 4
    assert max(found.hover.error_mm) < 15.0
    assert (cell.path.parent / "boxed-zero.png").is_file()


def true_pose(noise: dict[str, float], stands: object) -> np.ndarray:
    """Where a camera of the emulated bench really is: no client of a cell is told."""
    drawn = CellNoise(NoiseSpec(**noise), 0).camera_error(
        stands.name, on_arm=stands.mount != "base"
    )
    quat, turn = np.zeros(4), np.zeros(9)
    size = float(np.linalg.norm(drawn.rotvec_rad))
    mujoco.mju_axisAngle2Quat(quat, drawn.rotvec_rad / size, size)
    mujoco.mju_quat2Mat(turn, quat)
    T = calibrated_pose(stands)
    T[:3, 3] += drawn.xyz_m
    T[:3, :3] = T[:3, :3] @ turn.reshape(3, 3)
    return T
