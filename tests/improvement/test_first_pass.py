"""Trials to a first success: the best match first, one repair a trial, each scene by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aspire_tui.improvement.rules.first_pass import FirstPass
from aspire_tui.improvement.tools import (
    CallDetail,
    Opened,
    SkillMatch,
    ToolRefused,
    TrialBrief,
)

PLAIN = "grasp()\n"


@dataclass
class Desk:
    """Scenes that fail unless a program names the skill that mends them."""

    mends: dict[int, str]
    """By scene; empty: it passes as it is."""
    library: tuple[str, ...]
    programs: list[str] = field(default_factory=list)
    ran: list[tuple[int, int]] = field(default_factory=list)
    finished: tuple[int | None, str] = (0, "")

    def open_hypothesis(self, *, program: str, **_: Any) -> Opened:
        self.programs.append(program)
        return Opened(len(self.programs), "sha")

    def run(self, hypothesis: int, scenes: list[int], *, bench: bool) -> list[TrialBrief]:
        (scene,) = scenes
        self.ran.append((scene, hypothesis))
        ok = self.mends[scene] in self.programs[hypothesis - 1]
        outcome = "PASS" if ok else "FAIL"
        return [TrialBrief(len(self.ran), scene, outcome, "returned", "", None if ok else 1)]

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

    def say(self, *_: object) -> None: ...

    def finish(self, best: int | None, told: str) -> None:
        self.finished = (best, told)


def trials_of(desk: Desk) -> dict[int, int]:
    FirstPass(desk, PLAIN, len(desk.mends), 8).run()  # type: ignore[arg-type]
    return {s: sum(scene == s for scene, _ in desk.ran) for s in desk.mends}


def test_a_library_with_the_right_skill_first_takes_two_trials_a_failing_scene() -> None:
    mends = {0: "", 1: "looks", 2: "looks", 3: "regrasps"}
    good = Desk(mends, ("looks", "refused", "regrasps"))
    assert trials_of(good) == {0: 1, 1: 2, 2: 2, 3: 3}
    assert len(good.programs) == 3, "a program is opened once, however many scenes it runs"
    assert good.finished == (None, "a first success on 4 of 4 scenes")
    without = Desk(mends, ("waits", "regrasps"))
    assert trials_of(without) == {0: 1, 1: 3, 2: 3, 3: 3}
    assert "2 of 4" in without.finished[1]


def test_a_scene_takes_no_more_trials_than_it_may() -> None:
    desk = Desk({0: "nothing"}, ("a", "b", "c"))
    FirstPass(desk, PLAIN, 1, 3).run()  # type: ignore[arg-type]
    assert [h for _, h in desk.ran] == [1, 2, 3]
