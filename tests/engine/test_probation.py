"""On a cell it was not proven on a skill is shown first, slow, and counted by itself."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aspire_tui.domain import Breakpoint
from aspire_tui.engine.gate import GateState
from aspire_tui.engine.probation import SLOW, Probation
from aspire_tui.events import CallIntent, CallResult, SkillOnProbation, TrialClosed, TrialOpened
from aspire_tui.evolution.admission import PROBATION
from aspire_tui.library.load import load_skill
from aspire_tui.library.uses import Uses
from aspire_tui.session.recorder import Recorder
from tests.session.story import opening

ROOT = Path(__file__).parents[2]
NAME = "regrasp-after-empty"
PROGRAM = f"""open_gripper()
# skill {NAME} (tries=2): begin
answer = close_gripper()
home_pose()
# skill {NAME}: end
"""


@dataclass
class Run:
    """An engine's parts that probation touches."""

    tmp: Path
    cell: str
    watched: bool
    written: list[Any] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        skills = self.tmp / "shipped"
        if not skills.exists():
            shutil.copytree(ROOT / "skills" / NAME, skills / NAME)
        self.job = SimpleNamespace(
            spec=SimpleNamespace(cell=self.cell),
            shelf=str(self.tmp / "skills"),
            skill_folders=[str(skills)],
            session=str(self.tmp / "s.db"),
        )
        self.trials = SimpleNamespace(before_bench=None, after_bench=None)
        self.attendance = SimpleNamespace(someone=lambda: self.watched)
        self.host = SimpleNamespace(seen=SimpleNamespace(speed=1.0))
        self.bench = SimpleNamespace(
            gate=GateState(), set_speed=lambda fraction, who: self.speeds.append(fraction)
        )
        self.book = self
        self.probation = Probation(self)  # type: ignore[arg-type]

    async def write(self, *events: Any) -> int:
        self.written += events
        return len(self.written)

    def trial(self, outcome: str) -> None:
        asyncio.run(self.probation.begin(PROGRAM))
        self.standing = self.bench.gate.breakpoints
        asyncio.run(
            self.probation.end(TrialClosed(1, outcome, "returned", None, 1.0, 1.0))  # type: ignore[arg-type]
        )


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    """With a recording in which the skill's own call ran, and was blocked."""
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        for event in (
            opening(),
            TrialOpened(1, "cube_stack", 1, "dev", "p", None, "bench", "wall"),
            CallIntent(1, 1, 1, "close_gripper", {}, 3, 0.0),
            CallResult(1, 1, 1, "close_gripper", "BLOCKED", "", 1.0, 1.0),
        ):
            recorder.append([event], {})
    return tmp_path


def test_where_it_was_proven_nothing_is_different(tmp: Path) -> None:
    run = Run(tmp, "yam", watched=True)
    run.trial("PASS")
    assert not run.speeds and not run.standing
    assert not [e for e in run.written if isinstance(e, SkillOnProbation)]


def test_elsewhere_it_is_slow_and_stands_before_its_calls_when_somebody_watches(tmp: Path) -> None:
    run = Run(tmp, "bench-2", watched=True)
    run.trial("PASS")
    assert run.speeds == [SLOW, 1.0], "and back to what it was"
    assert {b.line for b in run.standing} == {2, 3, 4, 5}
    assert not run.bench.gate.breakpoints
    told = next(e for e in run.written if isinstance(e, SkillOnProbation))
    assert (told.skill, told.cell, told.k, told.n, told.previewed) == (NAME, "bench-2", 0, 0, True)


def test_an_operators_own_breakpoint_is_left_where_it_was(tmp: Path) -> None:
    run = Run(tmp, "bench-2", watched=True)
    mine = run.bench.gate.add(Breakpoint(0, "primitive", "home_pose"))
    run.trial("PASS")
    assert run.bench.gate.breakpoints == (mine,)


def test_nobody_there_leaves_it_slow_and_counts_are_its_own(tmp: Path) -> None:
    for n in range(PROBATION):
        run = Run(tmp, "so101", watched=False)
        run.trial("FAIL" if n == 0 else "PASS")
        told = next(e for e in run.written if isinstance(e, SkillOnProbation))
        assert (told.k, told.n, told.previewed) == (max(0, n - 1), n, False)
    digest = load_skill(tmp / "shipped" / NAME).digest
    uses = Uses(tmp / "skills").of(NAME, digest)
    assert (
        str(uses["so101"]) == f"{PROBATION - 1}/{PROBATION} on so101" and uses["so101"].broken == 1
    )
    assert list(uses) == ["so101"], "no other cell's counts"
    last = Run(tmp, "so101", watched=False)
    last.trial("PASS")
    broke = next(e for e in last.written if isinstance(e, SkillOnProbation))
    assert "broke 1 on so101" in broke.why, "one it broke keeps it on probation"


def test_a_damaged_count_is_said_and_stops_nothing(tmp: Path) -> None:
    path = Uses(tmp / "skills").path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    run = Run(tmp, "so101", watched=False)
    asyncio.run(run.probation.begin(PROGRAM))
    assert "remove it to count anew" in run.written[0].text
