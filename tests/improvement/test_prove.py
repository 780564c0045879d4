"""A proof judges each skill alone; only one judged by itself is what the run stands by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aspire_tui.improvement.rules.prove import Prover
from aspire_tui.improvement.tools import (
    CallDetail,
    Judged,
    Opened,
    SkillMatch,
    ToolRefused,
    TrialBrief,
)

PLAIN = "grasp()\n"


@dataclass
class Bench:
    """All dev scenes fail at one call; what is judged is noted."""

    library: tuple[str, ...]
    programs: list[str] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    finished: tuple[int | None, str] = (0, "")

    def open_hypothesis(self, *, program: str, **_: Any) -> Opened:
        self.programs.append(program)
        return Opened(len(self.programs), "sha")

    def run(self, hypothesis: int, scenes: list[int], *, bench: bool) -> list[TrialBrief]:
        return [TrialBrief(s + 1, s, "FAIL", "returned", "", 1) for s in scenes]

    def calls(self, trial: int) -> list[Any]:
        return []

    def call(self, trial: int, call: int) -> CallDetail:
        return CallDetail(1, "goto_pose", "BLOCKED", 3, {}, None, "", None)

    def match_skills(self, trial: int, call: int, program: str) -> list[SkillMatch]:
        return [SkillMatch(name, "fits", False, {}) for name in self.library]

    def apply_skill(self, skill: str, trial: int, call: int, program: str, _: object) -> str:
        if skill == "refused":
            raise ToolRefused("it does not fit")
        return f"{program}# {skill}\n"

    def judge(self, hypothesis: int) -> Judged:
        self.judged.append(hypothesis)
        return Judged("kept", "fixed 8, broken 0", 20, 20)

    def say(self, *_: object) -> None: ...

    def finish(self, best: int | None, told: str) -> None:
        self.finished = (best, told)


def proved(*library: str) -> Bench:
    bench = Bench(library)
    Prover(bench, PLAIN, 3).run()  # type: ignore[arg-type]
    return bench


def test_a_skill_judged_by_itself_is_stood_by_so_that_its_held_out_scenes_are_run() -> None:
    bench = proved("looks")
    assert bench.judged == [2] and bench.programs[1] == f"{PLAIN}# looks\n"
    assert bench.finished == (2, "judged alone: looks")


def test_of_several_skills_none_is_stood_by() -> None:
    bench = proved("looks", "regrasps")
    assert bench.judged == [2, 3]
    assert [p.count("#") for p in bench.programs] == [0, 1, 1], "each alone, never together"
    assert bench.finished == (None, "judged alone: looks, regrasps")


def test_a_skill_that_does_not_fit_is_judged_nowhere() -> None:
    bench = proved("refused")
    assert bench.judged == [] and bench.finished[0] is None
