from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from drivers.cellfile import find_cell, load_cell
from drivers.errors import CellFileError

SHIPPED = Path(drivers.__file__).parent / "cells"
YAM = (SHIPPED / "yam.toml").read_text()


def load(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "cell.toml"
    file.write_text(text)
    return load_cell(file)


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda f: f.stem)
def test_shipped_cell_files_load(file: Path) -> None:
    cell = load_cell(file)
    assert cell.info.name == file.stem
    assert (cell.sim is None) == (cell.info.kind == "hardware")
    assert bool(cell.devices) == (cell.info.kind != "sim")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_force_N = 40.0", "max_forse_N = 40.0", ["max_forse_N", "max_force_N", "[arms.grip"]),
        ("control_hz = 128.0", "control_herz = 128.0", ["control_herz", "'control_hz'"]),
        ("max_force_N = 40.0", "", ["missing required field", "max_force_N"]),
        ("control_hz = 128.0", "control_hz = 'fast'", ["Expected `float`, got `str`"]),
        ("control_hz = 128.0", "control_hz = inf", ["finite"]),
        ("control_hz = 128.0", "control_hz = 5000.0", ["20 to 1000"]),
        ("lo_rad = -2.61799", "lo_rad = 4.0", ["joint1", "lo_rad must be < hi_rad"]),
        ("mount = \"base\"", "mount = \"bass\"", ["scene", "'bass'", "base, arm"]),
        ("kind = \"sim\"", "kind = \"hardware\"", ["hardware cell"]),
        ("kind = \"sim\"", "kind = \"emulated\"", ["emulated", "wall clock"]),
        ("tool_site =", "rest_rad = [0.0]\ntool_site =", ["rest_rad has 1 values for 6"]),
        ("name = \"yam\"", "name = \"My Cell/..\"", ["lower case"]),
        ("name = \"yam\"", "name = ", ["not TOML", "line"]),
        pytest.param("name = \"yam\"", "name = " + "[" * 5000, ["too deep"], id="deep"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_way_out(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in YAM
    with pytest.raises(CellFileError) as caught:
        load(tmp_path, YAM.replace(old, new, 1))
    message = str(caught.value)
    assert "cell.toml" in message and "\n" not in message
    for word in words:
        assert word in message


def test_an_unknown_key_names_its_line(tmp_path: Path) -> None:
    text = YAM.replace("tool_site =", "tool_syte =", 1)
    line = next(n for n, x in enumerate(text.splitlines(), 1) if "tool_syte" in x)
    with pytest.raises(CellFileError, match=rf"cell.toml:{line}: unknown key 'tool_syte' in "):
        load(tmp_path, text)


def test_find_by_name_and_by_path_and_the_nearest(tmp_path: Path) -> None:
    assert find_cell("yam", [tmp_path, SHIPPED]) == SHIPPED / "yam.toml"
    assert find_cell(str(SHIPPED / "yam.toml"), []) == SHIPPED / "yam.toml"
    with pytest.raises(CellFileError, match="did you mean 'yam'"):
        find_cell("yamm", [SHIPPED])
    with pytest.raises(CellFileError, match="no such cell file"):
        find_cell(str(tmp_path / "gone.toml"), [SHIPPED])


SO101 = (SHIPPED / "so101.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sag_rad_per_Nm = [0.0167, ", "sag_rad_per_Nm = [", ["sag_rad_per_Nm", "4 values for 5"]),
        ("orientation_tolerance_rad = 0.35", "orientation_tolerance_rad = 0.0", ["above 0"]),
        ("trim_rad = 0.03", "trim_rad = 3.0", ["trim_rad must be 0 to 0.2"]),
        ("angle_rad = [-0.1745, -0.0496", "angle_rad = [-0.0496, -0.1745", ["jaw", "must rise"]),
        ("lever_m = 0.066", "lever_m = 0.0", ["lever_m must be positive"]),
        ("open_width_m = 0.070", "open_width_m = 0.090", ["the jaw opens", "0.09 m"]),
        ("longest_side_m", "longest_side", ["unknown key 'longest_side'", "longest_side_m"]),
    ],
)
def test_a_mistake_about_servos_or_jaw_is_named(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in SO101
    with pytest.raises(CellFileError) as caught:
        load(tmp_path, SO101.replace(old, new, 1))
    for word in words:
        assert word in str(caught.value)


def test_an_arm_that_says_nothing_of_it_is_as_before() -> None:
    arm = load_cell(SHIPPED / "yam.toml").info.arms[0]
    assert (arm.orientation_tolerance_rad, arm.sag_rad_per_Nm, arm.trim_rad) == (0.01, (), 0.0)
    assert arm.gripper.jaw is None
    assert load_cell(SHIPPED / "yam.toml").info.task_area is None
