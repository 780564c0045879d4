"""Set-up of a cell of several arms does every arm, not only the first."""

from __future__ import annotations

from pathlib import Path

import drivers
from aspire_tui.commands.bringup import Bringup
from aspire_tui.commands.person import Person
from aspire_tui.commands.setup_bench import device_of, each_arm
from drivers.cameras.calibration.board import BoardSpec
from drivers.cellfile import CellFile, load_cell
from tests.drivers.hosts import two_armed

CELL = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"


def two_arms(folder: Path) -> CellFile:
    """A second arm like the first, on a port of its own; neither has a calibration."""
    file = folder / "two.toml"
    text = two_armed(CELL.read_text())
    for name in ("so101-emulated.json", "right.json"):
        text = text.replace(f'"{name}"', '""')
    file.write_text(text)
    return load_cell(file)


def test_a_step_is_done_for_each_arm_in_turn_and_tells_them_apart(tmp_path: Path) -> None:
    cell = two_arms(tmp_path)
    bringup = Bringup(cell.path, cell, Person(), "ann", BoardSpec(), 12)
    done: list[tuple[str, str]] = []

    def step(at: Bringup) -> str:
        done.append((at.arm.name, device_of(at).arm))
        return "fine"

    assert each_arm(bringup, step) == "arm: fine; right: fine"
    assert done == [("arm", "arm"), ("right", "right")]
    assert bringup.arm.name == "arm"
