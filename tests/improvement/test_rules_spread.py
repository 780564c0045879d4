"""In which order the rules agent's repairs come to the race."""

from __future__ import annotations

from aspire_tui.improvement.rules.agent import (
    Candidate,
    Node,
    RulesAgent,
    RulesOptions,
    _spread,
    _weight,
)
from aspire_tui.improvement.tools import CallDetail, SkillMatch, ToolRefused, TrialBrief

FAILED = TrialBrief(1, 0, "FAIL", "returned", "not lifted", 4)


def seen(call: int, line: int, trial: TrialBrief = FAILED) -> tuple[TrialBrief, CallDetail]:
    return trial, CallDetail(call, "goto_pose", "BLOCKED", line, {}, None, "", None)


def repair(name: str, call: int, line: int, *, first: bool = True) -> Candidate:
    failure, detail = seen(call, line)
    return Candidate(SkillMatch(name, "", False, {}), {}, failure, detail, name, 1, first)


def test_what_explains_a_failure_is_mended_before_what_went_wrong_after_it() -> None:
    symptoms = [repair(f"after-{n}", 5, 10 + n) for n in range(4)]
    causes = [repair("turn", 4, 9), repair("look", 4, 9), repair("aside", 4, 17)]
    varied = repair("look-lower", 4, 9, first=False)
    names = [c.match.skill for c in _spread([*symptoms, varied, *causes])]
    assert names[:3] == ["turn", "aside", "look"], "each failure one before one gets two"
    assert names[3:] == ["after-0", "after-1", "after-2", "after-3", "look-lower"]


def test_a_failure_weighs_by_what_it_explains_and_not_by_what_it_drags_along() -> None:
    late = TrialBrief(2, 1, "FAIL", "returned", "not lifted", 7)
    assert _weight([seen(4, 9)]) > _weight([seen(5, 10), seen(5, 10), seen(5, 10)])
    assert _weight([seen(4, 9), seen(4, 9, late)]) > _weight([seen(4, 9)])


class Shelf:
    """Tools with three skills that fit, of which the first stands at that line already."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def calls(self, trial: int) -> list[CallDetail]:
        return [seen(4, 9)[1]]

    def call(self, trial: int, call: int) -> CallDetail:
        return seen(call, 9)[1]

    def match_skills(self, trial: int, call: int, program: str) -> list[SkillMatch]:
        return [SkillMatch(n, "it fits", False, {}) for n in ("there", "look", "aside")]

    def apply_skill(self, skill: str, trial: int, call: int, program: str, _: object) -> str:
        if skill == "there":
            raise ToolRefused("line 9 already carries the skill there")
        return program + f"# {skill}\n"

    def say(self, text: str, *_: object) -> None:
        self.said.append(text)


def test_a_skill_that_cannot_go_there_ends_no_search() -> None:
    shelf = Shelf()
    agent = RulesAgent(shelf, RulesOptions())  # type: ignore[arg-type]
    found = agent._candidates(Node(2, "grasp()\n"), [FAILED])
    assert [c.match.skill for c in found] == ["look", "aside"]
    assert any("already carries" in line for line in shelf.said)


def test_members_of_a_team_that_may_try_one_repair_each_try_different_ones() -> None:
    tried = []
    for member in (1, 2):
        agent = RulesAgent(Wide(), RulesOptions(candidates=1, team=2, member=member))  # type: ignore[arg-type]
        found = agent._candidates(Node(2, "grasp()\n"), [FAILED])
        tried += [c.match.skill for c in agent._share(_spread(found), 1)]
    assert sorted(tried) == ["aside", "look"]


class Wide(Shelf):
    """Every skill that fits can go there."""

    def match_skills(self, trial: int, call: int, program: str) -> list[SkillMatch]:
        return super().match_skills(trial, call, program)[1:]
