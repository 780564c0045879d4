from __future__ import annotations

import ast

import pytest

from aspire_tui.environment.task import ObjectDef, Relation, Start, TaskDef
from aspire_tui.environment.task_file import find_task
from aspire_tui.improvement.rules.compose import CannotCompose, compose, plan_steps


def things(*names: str) -> tuple[ObjectDef, ...]:
    return tuple(ObjectDef(n, "box", (0.04, 0.04, 0.04), n.split()[0]) for n in names)


def task(names: tuple[str, ...], goal, start=()) -> TaskDef:  # type: ignore[no-untyped-def]
    return TaskDef(
        "made_up", "do it", things(*names), Start((0.3, 0.4), (-0.1, 0.1), relations=start), goal
    )


def steps(t: TaskDef) -> list[tuple[str, str]]:
    return [(s.act, s.object) for s in plan_steps(t) if s.act != "look"]


def test_a_task_nobody_has_seen_gets_a_program() -> None:
    names = ("white box", "black box", "pink box")
    goal = (Relation("on", "white box", "black box"), Relation("on", "pink box", "white box"))
    assert steps(task(names, goal)) == [
        ("pick", "white box"),
        ("place_on", "white box"),
        ("pick", "pink box"),
        ("place_on", "pink box"),
    ]


def test_what_stands_on_a_thing_is_put_aside_first() -> None:
    names = ("a box", "b box", "c box")
    start = (Relation("on", "b box", "a box"), Relation("on", "c box", "b box"))
    goal = (Relation("lifted", "a box"),)
    assert steps(task(names, goal, start))[:4] == [
        ("pick", "c box"),
        ("put_aside", "c box"),
        ("pick", "b box"),
        ("put_aside", "b box"),
    ]


def test_a_goal_that_already_holds_needs_nothing() -> None:
    start = (Relation("on", "b box", "a box"),)
    assert steps(task(("a box", "b box"), (Relation("on", "b box", "a box"),), start)) == []


@pytest.mark.parametrize("name", ["cube_lift", "cube_stack", "cube_restack"])
def test_programs_are_plain_python_that_look_before_they_move(name: str) -> None:
    program = compose(find_task(name))
    called = [
        n.func.id
        for n in ast.walk(ast.parse(program))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]
    assert "goto_pose" in called
    assert program.index("sample_grasp_pose") < program.index("goto_pose")


def test_a_relation_without_words_is_said() -> None:
    with pytest.raises(CannotCompose, match="inside"):
        compose(task(("a box", "b box"), (Relation("inside", "a box", "b box"),)))


def test_a_drawer_is_pulled_by_its_handle_and_a_t_slid_by_its_stem() -> None:
    drawer = compose(find_task("drawer_open"))
    assert 'find_outline("orange handle"' in drawer and "set_gripper(0.0)" in drawer
    assert "get_object_pose" not in drawer
    block = compose(find_task("push_t"))
    assert "x, y = -0.015, 0.0" in block and "home_pose()" in block
    for text in (drawer, block):
        ast.parse(text)


def test_what_no_step_is_known_for_is_said_by_name() -> None:
    with pytest.raises(CannotCompose, match="wiped"):
        compose(find_task("spill_wipe"))
