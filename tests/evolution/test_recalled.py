"""A bench repair: k of n recalled scenes, its mechanism in the trace, never added to simulation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from stopped_clock import StoppedClock
from story import opening

from aspire_tui.domain import Blob, Repair, sha256_hex
from aspire_tui.events import (
    CallIntent,
    CallResult,
    HypothesisOpened,
    ProgramStored,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.evolution.gate import primitives_here, ruling_of
from aspire_tui.evolution.recalled import recalled_of
from aspire_tui.library.load import load_skill
from aspire_tui.library.skill import Evidence
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

SKILL = msgspec.structs.replace(
    load_skill(Path(__file__).parents[2] / "skills" / "regrasp-after-empty"), evidence=Evidence()
)
NAMES = primitives_here()
PLAIN = "open_gripper()\nclose_gripper()\n"
MENDED = (
    f"open_gripper()\n# skill {SKILL.name} (tries=2): begin\nanswer = close_gripper()\n"
    f"home_pose()\n# skill {SKILL.name}: end\n"
)


def bench_session(
    path: Path,
    without: Sequence[str],
    with_it: Sequence[str],
    kind: str = "hardware",
    status: str = "OK",
) -> Path:
    """The same scenes at a bench, before and after the repair."""
    spec = msgspec.structs.replace(opening().spec, tasks=("cube_stack",), cell="bench-2")
    repair = Repair(1, 1, "close_gripper", "EMPTY_GRASP", SKILL.name, {"tries": 2.0}, False)
    texts = {sha256_hex(t.encode()): t.encode() for t in (PLAIN, MENDED)}
    plain, mended = texts
    events: list[object] = [
        msgspec.structs.replace(opening(), spec=spec, cell={"kind": kind, "name": "bench-2"}),
        *(
            ProgramStored(sha, Blob(sha, "text/x-python", len(data)), "rules")
            for sha, data in texts.items()
        ),
        HypothesisOpened(1, None, "plain", "", "", plain, "rules"),
        HypothesisOpened(2, 1, "mended", "", "", mended, "rules", (repair,)),
    ]
    trial = 0
    for hypothesis, program, outcomes in ((1, plain, without), (2, mended, with_it)):
        for i, outcome in enumerate(outcomes):
            trial += 1
            events += [
                TrialOpened(
                    trial, "cube_stack", 4 * i, "dev", program, hypothesis, "bench", "wall"
                ),
                CallIntent(trial, 1, 1, "close_gripper", {}, 3, 0.0),
                CallResult(trial, 1, 1, "close_gripper", status, "", 1.0, 1.0),  # type: ignore[arg-type]
                CallIntent(trial, 1, 2, "home_pose", {}, 4, 1.0),
                CallResult(trial, 1, 2, "home_pose", "OK", "", 1.0, 2.0),
                TrialClosed(trial, outcome, "returned", None, 1.0, 1.0),  # type: ignore[arg-type]
            ]
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        blobs = {sha: ("text/x-python", data) for sha, data in texts.items()}
        for event in events:
            recorder.append([event], blobs)  # type: ignore[list-item]
    return path


def test_three_of_ten_with_its_mechanism_is_provisional(tmp_path: Path) -> None:
    path = bench_session(tmp_path / "b.db", ["FAIL"] * 10, ["PASS"] * 3 + ["FAIL"] * 7)
    ruling = ruling_of(SKILL, [path], NAMES)
    assert ruling.standing == "provisional"
    assert ruling.proofs == ("cube_stack on bench-2: fixed 3/10, provisional",)


@pytest.mark.parametrize(
    ("without", "with_it", "status", "said"),
    [
        (["FAIL"] * 2, ["PASS"] * 2, "OK", "2 recalled failing scenes, at least 3"),
        (["FAIL"] * 4 + ["PASS"], ["PASS"] * 4 + ["FAIL"], "OK", "broke 1 scenes"),
        (["FAIL"] * 4, ["FAIL"] * 4, "OK", "fixed none of 4"),
        (["FAIL"] * 4, ["PASS"] * 4, "EMPTY_GRASP", "mechanism is not in the trace"),
    ],
)
def test_less_than_that_is_refused_in_words(
    tmp_path: Path, without: list[str], with_it: list[str], status: str, said: str
) -> None:
    path = bench_session(tmp_path / "b.db", without, with_it, status=status)
    ruling = ruling_of(SKILL, [path], NAMES)
    assert ruling.standing == "refused"
    assert any(said in line for line in ruling.missing), ruling.missing


def test_a_simulated_cell_recalls_nothing(tmp_path: Path) -> None:
    path = bench_session(tmp_path / "b.db", ["FAIL"] * 9, ["PASS"] * 9, kind="sim")
    with SessionReader(path) as reader:
        assert recalled_of(reader, SKILL, NAMES) == ()
