"""Borrowing joins edits; it never puts one program behind the other."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.evolution.merge import MergeConflict, merge, units_of

BASE = """# Stack the cubes.
grasp, turned = sample_grasp_pose("red cube")
open_gripper()
goto_pose(grasp, turned, z_approach=0.1)
close_gripper()
goto_pose(grasp + np.array([0.0, 0.0, 0.12]), turned)
place, _ = get_object_pose("green cube")
goto_pose(place, turned)
open_gripper()
RESULT = True
"""
LOOKS = BASE.replace(
    "goto_pose(grasp, turned, z_approach=0.1)\n",
    """# skill look-closer (height_m=0.12): begin
answer = look_at_object("red cube", 0.12)
if answer:
    grasp = answer.position
goto_pose(grasp, turned, z_approach=0.1)
# skill look-closer: end
""",
)
REGRASPS = BASE.replace(
    "close_gripper()\n",
    """# skill regrasp (tries=2): begin
answer = close_gripper()
for attempt in range(2):
    if answer:
        break
    open_gripper()
    answer = close_gripper()
# skill regrasp: end
""",
)


def calls(program: str) -> list[str]:
    tree = ast.parse(program)
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    return [n.func.id for n in found if isinstance(n.func, ast.Name)]


def test_two_repairs_at_different_calls_become_one_program() -> None:
    merged = merge(BASE, LOOKS, REGRASPS)
    assert merged.count('sample_grasp_pose("red cube")') == 1 and merged.count("RESULT") == 1
    assert merged.index("look_at_object") < merged.index("# skill regrasp") < merged.index("place,")
    assert merged.startswith("# Stack the cubes.\n")
    assert len(calls(merged)) == len(calls(LOOKS)) + len(calls(REGRASPS)) - len(calls(BASE))


def test_names_both_sides_invented_stay_apart() -> None:
    merged = merge(BASE, LOOKS, REGRASPS)
    assert 'answer = look_at_object("red cube", 0.12)' in merged
    assert "answer_2 = close_gripper()" in merged and "if answer_2:" in merged
    assert "\nanswer = close_gripper()" not in merged


def test_two_arguments_of_one_call_are_two_edits() -> None:
    mine = BASE.replace("z_approach=0.1", "z_approach=0.15")
    theirs = BASE.replace("goto_pose(grasp, turned, z", "goto_pose(grasp - low, turned, z")
    assert "goto_pose(grasp - low, turned, z_approach=0.15)\n" in merge(BASE, mine, theirs)
    assert "goto_pose(grasp - low, turned, z_approach=0.15)\n" in merge(BASE, theirs, mine)


def test_the_same_place_changed_twice_is_a_conflict_in_one_line() -> None:
    mine = BASE.replace("z_approach=0.1", "z_approach=0.15")
    theirs = BASE.replace("z_approach=0.1", "z_approach=0.2")
    with pytest.raises(MergeConflict, match=r"line 4: both changed it: .*0\.15.*0\.2") as found:
        merge(BASE, mine, theirs)
    assert "\n" not in str(found.value)
    inserted = BASE.replace("close_gripper()\n", "wait(0.2)\nclose_gripper()\n")
    other = BASE.replace("close_gripper()\n", "home_pose()\nclose_gripper()\n")
    with pytest.raises(MergeConflict):
        merge(BASE, inserted, other)


def test_a_change_of_layout_is_no_change() -> None:
    wrapped = BASE.replace("goto_pose(grasp, turned, z_", "goto_pose(\n    grasp,\n    turned, z_")
    merged = merge(BASE, wrapped, LOOKS)
    assert calls(merged) == calls(LOOKS)


def test_edits_inside_of_one_loop_meet_only_where_they_touch() -> None:
    base = "for i in range(3):\n    a()\n    b()\n    c()\n    d()\n"
    mine, theirs = base.replace("a()", "a(1)"), base.replace("d()", "d(2)")
    assert merge(base, mine, theirs) == "for i in range(3):\n    a(1)\n    b()\n    c()\n    d(2)\n"


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(MergeConflict, match="second program is not Python"):
        merge(BASE, LOOKS, "goto_pose(")


STATEMENTS = st.sampled_from([f"p{i}(x, {i})\n" for i in range(9)])
PROGRAMS = st.lists(STATEMENTS, max_size=9, unique=True).map("".join)


@settings(deadline=None)
@given(PROGRAMS, PROGRAMS)
def test_joining_with_no_change_gives_the_other(base: str, side: str) -> None:
    assert merge(base, side, base) == side
    assert merge(base, base, side) == side
    assert merge(base, side, side) == side


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=4, max_size=10, unique=True), st.data())
def test_edits_of_different_statements_are_all_there(numbers: list[int], data) -> None:
    lines = [f"p{n}(x, {n})\n" for n in numbers]
    one, other = data.draw(
        st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True)
    )
    mine = [line.replace("(x", "(mine") if i == one else line for i, line in enumerate(lines)]
    theirs = [line.replace("(x", "(theirs") if i == other else line for i, line in enumerate(lines)]
    merged = merge("".join(lines), "".join(mine), "".join(theirs)).splitlines(keepends=True)
    assert merged[one] == mine[one] and merged[other] == theirs[other]
    assert len(merged) == len(lines)


@settings(deadline=None)
@given(PROGRAMS)
def test_every_line_is_in_exactly_one_unit(program: str) -> None:
    assert "".join(u.text for u in units_of(program)) == program
    assert "".join(u.text for u in units_of(LOOKS)) == LOOKS
