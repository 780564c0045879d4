"""``cell calibrate`` at a terminal: hands move the limp arm, LeRobot's file comes out."""

from __future__ import annotations

import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benches import Served, served
from typist import Typist

sys.path.insert(0, str(Path(__file__).parents[1] / "drivers" / "feetech"))

from sts_process import EmulatedBus, hardware_cell

from drivers.feetech.calibration import calibration_text, load_calibration
from drivers.feetech.registers import MIN_POSITION
from tests.drivers.hosts import two_armed

TICKS_PER_RAD = 4096 / (2 * math.pi)
ZEROS = [2101, 1968, 2233, 1840, 2076, 1790]
FIELDS = ["id", "drive_mode", "homing_offset", "range_min", "range_max"]
"""Of LeRobot's MotorCalibration, which its loader takes exactly."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[EmulatedBus]:
    bus = EmulatedBus(tmp_path, zero_ticks=ZEROS)
    yield bus
    bus.close()


def led(bench: EmulatedBus, to: str, seconds: float) -> str:
    """The hand does it, and only then is Enter pressed."""
    bench.inject("by_hand", to=to, seconds=seconds)
    while bench.faults.ask(do="state")["hand_moves"]:
        time.sleep(0.05)
    return "\n"


def test_an_arm_swept_by_hand_at_a_terminal_becomes_lerobots_file(bench: EmulatedBus) -> None:
    file = hardware_cell(bench.folder, bench.port)
    runtime = Path(tempfile.mkdtemp(prefix="hands"))
    bench.inject("torque", value=1)
    typist = Typist(["cell", "calibrate", str(file), "--full-turn", ""], bench.folder, runtime)
    swept: list[str] = []

    def sweep() -> str:
        # The first time a joint is forgotten: it is named, and the walk begins again.
        swept.append("sweep")
        if len(swept) == 1:
            bench.inject("by_hand", servo=2, to="sweep", seconds=0.3)
            return led(bench, "middle", 0.3)
        return led(bench, "sweep", 0.6)

    person = [
        ("then type release:", "release\n"),
        (
            "the middle of its range, the gripper half open. Enter:",
            lambda: led(bench, "middle", 0.3),
        ),
        ("from stop to stop, then Enter", sweep),
        ("or type skip:", lambda: led(bench, "zero", 0.3)),
    ]
    try:
        typist.answer(person, until="4. How well", within_s=90.0)
        assert typist.ended() == 0
    finally:
        typist.close()
        shutil.rmtree(runtime)
    assert "it hardly moved; start again" in typist.heard and len(swept) == 2
    kept = json.loads((bench.folder / "arm.json").read_text())
    assert [list(row) for row in kept.values()] == [FIELDS] * 6
    assert all(type(value) is int for row in kept.values() for value in row.values())
    for n, (row, zero) in enumerate(zip(kept.values(), ZEROS, strict=True), 1):
        assert row["id"] == n and row["homing_offset"] == pytest.approx(zero - 2047, abs=3)
        assert row["range_min"] == pytest.approx(2047 - 1.6 * TICKS_PER_RAD, abs=25)
        assert row["range_max"] == pytest.approx(2047 + 1.6 * TICKS_PER_RAD, abs=25)
    read = load_calibration(bench.folder / "arm.json")
    assert calibration_text(read).encode() == (bench.folder / "arm.json").read_bytes().rstrip()
    zeros = json.loads((bench.folder / "arm.aspire.json").read_text())
    assert max(abs(j["zero_offset_rad"]) for j in zeros["joints"].values()) < 0.02
    bench.inject("power_cycle")
    arm = bench.arm()
    arm.open()
    assert arm.bus.read_one(3, MIN_POSITION) == kept["elbow_flex"]["range_min"]
    arm.close()


@pytest.mark.long
def test_one_emulated_arm_of_two_is_calibrated_by_an_unseen_hand() -> None:
    with served("handy") as cell:
        folder = cell.path.parent
        cell.path.write_text(two_armed(cell.path.read_text()))
        shutil.copy(folder / "so101-emulated.json", folder / "right.json")
        typist = cell.type("cell", "calibrate", "handy")
        typist.answer([], until="--arm: which of arm, right?")
        assert typist.ended() == 2
        before = load_calibration(folder / "right.json")
        others = (folder / "so101-emulated.json").read_bytes()
        typist = cell.type("cell", "calibrate", "handy", "--arm", "right")
        released = [("then type release:", "release\n")]
        typist.answer(released, until="4. How well", within_s=90.0)
        assert typist.ended() == 0
        after = load_calibration(folder / "right.json")
        for name, row in after.items():
            was = before[name]
            assert row.id == was.id
            # The same arm, homed in the middle of the same stops, to half a degree of a hand.
            raw = [r.homing_offset + r.middle_ticks for r in (row, was)]
            assert raw[0] == pytest.approx(raw[1], abs=40), name
        assert after != before
        assert (folder / "so101-emulated.json").read_bytes() == others
        # Each arm's servos hold what its own file says, or one would be taken for the other.
        checked = cell.type("cell", "check", "handy")
        checked.answer([], until="nothing stands in the way", within_s=60.0)
        for bus in ("drives of arm arm", "drives of arm right"):
            assert bus in checked.heard


def test_a_shipped_cell_is_not_written_to(tmp_path: Path) -> None:
    typist = Typist(["cell", "calibrate", "so101-emulated"], tmp_path, tmp_path)
    try:
        typist.answer([], until="make your own", within_s=30.0)
        assert typist.ended() == 2
    finally:
        typist.close()


def left(cell: Served) -> list[str]:
    return list(json.loads((cell.path.parent / "walked.setup.json").read_text())["done"])


@pytest.mark.long
def test_setup_goes_through_calibration_and_on_and_takes_up_where_it_was_left() -> None:
    with served("walked") as cell:
        done = {"at": "2026-05-01T10:00:00+00:00", "who": "ann", "note": "earlier"}
        kept = {"cell": "walked", "done": {"port": done, "ids": done}}
        (cell.path.parent / "walked.setup.json").write_text(json.dumps(kept))
        again = ("Do it again? [y/n]:", "y\n")
        typist = cell.type("cell", "setup", "walked")
        typist.answer([again, ("then type release:", "\n")], until="nothing was done")
        assert typist.ended() == 3 and left(cell) == ["port", "ids"]
        typist = cell.type("cell", "setup", "walked")
        typist.answer([again, ("then type release:", "release\n")], until="4/8 cameras")
        assert "by hand" in typist.heard and left(cell) == ["port", "ids", "calibrate"]
