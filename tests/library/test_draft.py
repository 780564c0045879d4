"""A sketch drafted from what a repair changed makes that very change again, and elsewhere."""

from __future__ import annotations

import pytest

from aspire_tui.errors import ConfigError
from aspire_tui.library.draft import draft_sketch, makes
from aspire_tui.library.sketch import read_sketch
from aspire_tui.library.skill import (
    Applies,
    Evidence,
    Provenance,
    Repair,
    Signature,
    Skill,
    SkillFile,
)
from aspire_tui.library.splice import Call

PLAIN = """# pick it up
pos, quat = sample_grasp_pose("red cube")
open_gripper()
goto_pose(pos, quat, z_approach=0.1)
ok = close_gripper()
if ok:
    goto_pose(pos + np.array([0, 0, 0.1]), quat)
RESULT = True
"""
GOTO = Call(
    4,
    ("goto_pose",),
    {"position": None, "quaternion_wxyz": None, "z_approach": "0.0"},
    {"object_name": "'red cube'"},
)
CLOSE = Call(5, ("close_gripper",), {}, {"object_name": "'red cube'"})


def skill_of(text: str, splice: str, names: tuple[str, ...]) -> Skill:
    definition = SkillFile(
        1,
        Signature(names, ("BLOCKED",)),
        Applies("when it fails"),
        Repair(splice, "repair.py"),  # type: ignore[arg-type]
        Provenance("operator", "2026-11-21"),
    )
    return Skill("mine", "what it does", {}, "", "", definition, text, (), Evidence(), "")


def drafted(after: str, call: Call) -> tuple[str, str, tuple[str, ...]]:
    draft = draft_sketch(PLAIN, after, call)
    assert makes(skill_of(draft.text, draft.splice, call.names), {}, PLAIN, after, call)
    return draft


def test_lines_before_the_call_take_its_arguments_and_the_objects_name() -> None:
    after = PLAIN.replace(
        "goto_pose(pos, quat, z",
        'goto_pose(pos + np.array([0, 0, 0.12]), quat)\nseen = look_at_object("red cube")[0]\n'
        "goto_pose(pos, quat, z",
    )
    assert drafted(after, GOTO) == (
        "before",
        "goto_pose({position} + np.array([0, 0, 0.12]), {quaternion_wxyz})\n"
        "seen = look_at_object({object_name})[0]\n",
        (),
    )


def test_a_retry_of_an_assigned_call_replaces_it_and_names_what_is_the_programs_own() -> None:
    after = PLAIN.replace(
        "ok = close_gripper()",
        "ok = close_gripper()\nfor k in range(2):\n    if not ok:\n        open_gripper()\n"
        "        goto_pose(pos, quat)\n        ok = close_gripper()",
    )
    splice, text, leftovers = drafted(after, CLOSE)
    assert splice == "replace" and text.count("answer = {call}") == 2
    assert [line.split(",")[0] for line in leftovers] == [
        "sketch line 5: reads quat",
        "sketch line 5: reads pos",
    ] or [line.split(",")[0] for line in leftovers] == [
        "sketch line 5: reads pos",
        "sketch line 5: reads quat",
    ]


@pytest.mark.parametrize(
    ("new", "splice"),
    [
        (
            "for k in range(3):\n    if goto_pose(pos, quat, z_approach=0.1):\n        break",
            "replace",
        ),
        ("goto_pose(pos, quat, z_approach=0.05)", "replace"),
        ("home_pose()\ngoto_pose(pos, quat, z_approach=0.1)\nopen_gripper()", "wrap"),
        ("goto_pose(pos, quat, z_approach=0.1)\nopen_gripper()", "after"),
    ],
)
def test_every_shape_of_a_change_is_found_again(new: str, splice: str) -> None:
    after = PLAIN.replace("goto_pose(pos, quat, z_approach=0.1)", new)
    assert drafted(after, GOTO)[0] == splice


def test_a_change_elsewhere_is_no_repair_of_this_call() -> None:
    with pytest.raises(ConfigError, match="do not differ at the failing call in line 4, but at"):
        draft_sketch(PLAIN, PLAIN.replace("RESULT", "home_pose()\nRESULT"), GOTO)


def test_a_second_change_is_named_and_the_sketch_alone_does_not_make_the_program() -> None:
    after = PLAIN.replace("open_gripper()", "open_gripper()\nhome_pose()")
    after = after.replace("RESULT = True", "home_pose()\nRESULT = True")
    draft = draft_sketch(PLAIN, after, GOTO)
    assert draft.leftovers == ("the judged program also differs at line 8: home_pose()",)
    assert not makes(skill_of(draft.text, draft.splice, GOTO.names), {}, PLAIN, after, GOTO)


def test_an_enormous_sketch_is_refused_by_its_length() -> None:
    with pytest.raises(ConfigError, match="sketch has 40000 characters, at most 16384"):
        read_sketch("home_pose()\n\n\n\n\n\n\n\n\n" * 2000, "before", ())


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 199, "x = " + "-" * 3000, "{c\nt in" + "[" * 191 + "="]
)
def test_a_sketch_nested_as_deep_as_it_goes_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"sketch (line|is nested)"):
        read_sketch(text, "before", ())
