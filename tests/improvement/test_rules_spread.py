"""In which order the rules agent's repairs come to the race."""

from __future__ import annotations

from aspire_tui.improvement.rules.agent import Candidate, _spread, _weight
from aspire_tui.improvement.tools import CallDetail, SkillMatch, TrialBrief

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
