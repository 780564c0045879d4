"""``cell teach`` at a terminal, on an emulated cell: jogged, guided, refused, kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benches import Served, served

from drivers.cellfile import load_cell

# A busy machine may have lost the last lease, or tripped a limit: then the cell asks first.
ACK = [("Enter to acknowledge:", "\n"), ("then type resume:", "resume\n")]


@pytest.fixture(scope="module")
def cell() -> Iterator[Served]:
    with served("taught") as made:
        yield made


def test_a_pose_is_jogged_to_and_a_box_touched(cell: Served) -> None:
    before = load_cell(cell.path).info
    typist = cell.type("cell", "teach", "taught", "home")
    # More than the driver allows at once, nonsense, then two steps, each made before the next.
    for step, said in (
        ("wrist_roll+40", "a step is at most"),
        ("sideways", "is no step"),
        ("wrist_roll-6", "tool at"),
        ("z+10", "tool at"),
    ):
        typist.answer([("   step:", f"{step}\n"), *ACK], until=said, within_s=60.0)
    typist.answer([("   step:", "ok\n"), *ACK], until="it counts from the next start")
    assert typist.ended() == 0
    cell_file = load_cell(cell.path)
    home = cell_file.info.arms[0].home_rad
    assert home[4] == pytest.approx(before.arms[0].home_rad[4] - 0.105, abs=0.04)
    assert cell_file.taught["home"].q_rad == home and cell_file.taught["home"].who
    assert "# On a block of 60 mm" in cell.path.read_text()


def test_leaving_writes_nothing(cell: Served) -> None:
    before = cell.path.read_text()
    typist = cell.type("cell", "teach", "taught", "region:left")
    typist.answer([("   step:", "q\n"), *ACK], until="nothing was written")
    assert typist.ended() == 0 and cell.path.read_text() == before


def test_a_start_pose_is_shown_by_hand(cell: Served) -> None:
    typist = cell.type("cell", "teach", "taught", "start:low")
    answers = [
        ("type guide:", "guide\n"),
        ("hold still. Enter:", "\n"),
        *ACK,
    ]
    typist.answer([("   step:", "guide\n"), *ACK], until="support it")
    typist.answer(answers, until="tool at", within_s=40.0)
    typist.answer([("   step:", "ok\n"), *ACK], until="it counts from the next start")
    assert typist.ended() == 0
    assert load_cell(cell.path).taught["low"].kind == "start"
