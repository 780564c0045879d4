"""Signature first: which skills answer which failure, in which order, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from aspire_tui.library.load import Library, load_library
from aspire_tui.library.match import Failure, Match, context_of, judge, match
from aspire_tui.library.skill import Between, Evidence, Signature, Skill

LIBRARY = load_library([Path(__file__).parent / "fixtures"])
REGRASP = LIBRARY.get("regrasp-after-empty")
EMPTY = Failure(
    primitive="close_gripper",
    status="EMPTY_GRASP",
    earlier=("get_object_pose", "open_gripper", "goto_pose"),
    facts={"width_m": 0.001},
    kinds=("arm", "parallel-gripper"),
)


def changed(skill: Skill, name: str = "", **signature: Any) -> Skill:
    """The skill with another name and parts of its signature replaced."""
    new = msgspec.structs.replace(skill.definition.signature, **signature)
    definition = msgspec.structs.replace(skill.definition, signature=new)
    return msgspec.structs.replace(skill, name=name or skill.name, definition=definition)


def test_a_failure_finds_its_skill_and_says_why() -> None:
    (found,) = match(EMPTY, LIBRARY)
    assert found.skill is REGRASP
    assert found.why.startswith("close_gripper ended EMPTY_GRASP, after goto_pose, width_m in [")
    assert "proven lift" in found.why


@pytest.mark.parametrize(
    ("failure", "why_not"),
    [
        ({"primitive": "open_gripper"}, "answers close_gripper, not open_gripper"),
        ({"status": "SLIPPED"}, "answers EMPTY_GRASP, not SLIPPED"),
        ({"earlier": ("open_gripper",)}, "needs goto_pose earlier"),
        ({"facts": {}}, "needs measured width_m, which this failure does not have"),
        ({"facts": {"width_m": 0.03}}, "needs measured width_m in [-inf, 0.004], got 0.03"),
        ({"facts": {"width_m": True}}, "got True"),
        ({"kinds": ("suction",)}, "is for parallel-gripper, this cell is suction"),
    ],
)
def test_every_part_of_the_signature_must_hold(failure: dict[str, Any], why_not: str) -> None:
    other = msgspec.structs.replace(EMPTY, **failure)
    judged = judge(other, REGRASP)
    assert isinstance(judged, str) and why_not in judged
    assert match(other, LIBRARY) == ()


def test_a_skill_that_needs_an_undeclared_primitive_does_not_match() -> None:
    assert match(EMPTY, LIBRARY, declared=set(REGRASP.uses))
    judged = judge(EMPTY, REGRASP, declared=set(REGRASP.uses) - {"home_pose"})
    assert judged == "calls home_pose, which is not declared here"


def test_checks_of_the_verdict_are_signatures_too() -> None:
    skill = changed(REGRASP, statuses=(), checks=("lifted", "on"), after=(), scene={})
    ended_well = msgspec.structs.replace(EMPTY, status="OK", checks=("on",))
    judged = judge(ended_well, skill)
    assert isinstance(judged, Match) and "check on failed" in judged.why
    assert isinstance(judge(msgspec.structs.replace(ended_well, checks=("at",)), skill), str)


def test_earlier_calls_must_come_in_order() -> None:
    skill = changed(REGRASP, after=("goto_pose", "close_gripper"))
    in_order = msgspec.structs.replace(EMPTY, earlier=("goto_pose", "wait", "close_gripper"))
    reversed_ = msgspec.structs.replace(EMPTY, earlier=("close_gripper", "goto_pose"))
    assert isinstance(judge(in_order, skill), Match)
    assert isinstance(judge(reversed_, skill), str)


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("*CUBE", "red cube", True),
        ("*cube", "red ball", False),
        ("*", 3, False),
        (True, True, True),
        (True, 1, False),
        (Between(lo=0.1), 0.2, True),
        (Between(lo=0.1), True, False),
        (Between(hi=0.05, index=2), [1.0, 2.0, 0.04], True),
        (Between(hi=0.05, index=2), [1.0, 2.0, 0.06], False),
        (Between(index=3), [1.0, 2.0], False),
        (Between(index=0), 1.0, False),
    ],
)
def test_argument_patterns(pattern: Any, value: Any, fits: bool) -> None:
    skill = changed(REGRASP, args={"a": pattern})
    judged = judge(msgspec.structs.replace(EMPTY, args={"a": value}), skill)
    assert isinstance(judged, Match) is fits


def test_the_more_specific_skill_comes_first_then_the_better_proven() -> None:
    vague = changed(REGRASP, "a-vague", after=(), scene={})
    unproven = msgspec.structs.replace(REGRASP, name="a-unproven", evidence=Evidence())
    library = Library((vague, unproven, REGRASP))
    proof = REGRASP.evidence.proofs[0]
    good = msgspec.structs.replace(
        proof,
        rate_with=msgspec.structs.replace(proof.rate_with, k=10, lo=0.72, hi=1.0),
        rate_without=msgspec.structs.replace(proof.rate_without, k=0, lo=0.0, hi=0.28),
    )
    proven = msgspec.structs.replace(REGRASP, name="z-proven", evidence=Evidence((good,)))
    names = [m.skill.name for m in match(EMPTY, library)]
    assert names == ["a-unproven", "regrasp-after-empty", "a-vague"]
    names = [m.skill.name for m in match(EMPTY, Library((vague, unproven, proven)))]
    assert names == ["z-proven", "a-unproven", "a-vague"]


def test_a_superseded_skill_is_kept_but_not_offered() -> None:
    definition = msgspec.structs.replace(REGRASP.definition, supersedes=(REGRASP.name,))
    newer = msgspec.structs.replace(REGRASP, name="regrasp-two", definition=definition)
    library = Library((REGRASP, newer))
    assert [m.skill.name for m in match(EMPTY, library)] == ["regrasp-two"]
    assert library.get(REGRASP.name) is REGRASP


def test_context_is_the_newest_text_and_never_a_number() -> None:
    calls = [
        ("get_object_pose", {"object_name": "green cube"}),
        ("get_object_pose", {"object_name": "red 'cube'", "return_bbox_extent": True}),
        ("goto_pose", {"position": [0.3, 0.0, 0.1], "z_approach": 0.1}),
    ]
    assert context_of(calls) == {"object_name": repr("red 'cube'")}


def test_signature_defaults_ask_for_nothing() -> None:
    bare = Signature(primitives=("close_gripper",), statuses=("EMPTY_GRASP",))
    definition = msgspec.structs.replace(REGRASP.definition, signature=bare)
    skill = msgspec.structs.replace(REGRASP, definition=definition)
    assert isinstance(judge(Failure("close_gripper", "EMPTY_GRASP"), skill), Match)
