"""The tasks beyond the cubes: what each one's end is judged by, and what only it can get wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aspire_tui.environment.draw import draw
from aspire_tui.environment.footprint import bar_to_hold, patches_of, rows_of
from aspire_tui.environment.judging import Look, Sensed, Truth, TruthPose
from aspire_tui.environment.perception.outlines import coverage
from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.seen_end import fuse
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import TaskError, find_task, task_names
from drivers.sim.scene import SceneObject, SceneSpec, scene_hash

OPEN = Sensed(0.075, (0.28, 0.0, 0.3), 0.0, (0.075,))
NEW = ("can_lift", "push_t", "nut_assembly", "spill_wipe", "drawer_open", "tidy")
TWO_ARMS = ("two_arm_lift", "two_arm_handover")


def turned(yaw: float) -> tuple[float, float, float, float]:
    return (float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2)))


def lying(x: float, y: float, z: float, yaw: float = 0.0) -> TruthPose:
    return TruthPose((x, y, z), 0.0, turned(yaw))


def truly(task: TaskDef, truth: Truth) -> bool:
    return all(RELATIONS[r.relation].truth(task, r, truth)[0] for r in task.goal)


def world(objects: dict[str, TruthPose], **more: object) -> Truth:
    base = Truth(objects=objects, gripped=frozenset(), table_z_m=0.0)
    return replace(base, **more)  # type: ignore[arg-type]


def seen(task: TaskDef, measured: dict[str, float], sensed: Sensed = OPEN) -> str:
    looks = [Look("scene", {}, {}, measured)]
    checks = [c for r in task.goal for c in RELATIONS[r.relation].checks(task, r, looks, sensed)]
    return fuse(checks)[0]


@pytest.mark.parametrize("name", [*NEW, *TWO_ARMS])
def test_every_seed_has_a_start_and_the_same_seed_the_same(name: str) -> None:
    task = find_task(name)
    first = [draw(task, seed, 1, 0.0)[1] for seed in range(12)]
    assert first == [draw(task, seed, 1, 0.0)[1] for seed in range(12)]
    assert len({scene_hash(spec) for spec in first}) == 12


@pytest.mark.parametrize("name", [*NEW, *TWO_ARMS])
def test_a_covered_camera_is_unsure_whatever_the_task(name: str) -> None:
    task = find_task(name)
    holding = replace(OPEN, width_m=0.0525, widths_m=(0.014, 0.014))
    if name == "two_arm_handover":
        holding = replace(OPEN, widths_m=(0.075, 0.022))
    sensed = OPEN if RELATIONS[task.goal[0].relation].parked else holding
    assert seen(task, {}, sensed) == "UNSURE"


def test_no_two_tasks_are_judged_by_the_same_relations_of_the_same_things() -> None:
    goals = {}
    for name in task_names():
        task = find_task(name)
        key = (
            tuple((r.relation, r.object, r.target) for r in task.goal),
            tuple(r.relation for r in task.start.relations),
        )
        assert goals.setdefault(key, name) == name


def test_a_t_the_wrong_way_round_covers_less_than_half() -> None:
    task = find_task("push_t")
    target = lying(0.37, -0.12, 0.0002, 0.4)
    there = world({"blue target": target, "green block": lying(0.37, -0.12, 0.0125, 0.4)})
    flipped = world({"blue target": target, "green block": lying(0.37, -0.12, 0.0125, 0.4 + np.pi)})
    off = world({"blue target": target, "green block": lying(0.37, -0.105, 0.0125, 0.4)})
    assert truly(task, there) and not truly(task, flipped) and not truly(task, off)


def test_a_block_that_is_still_held_has_not_been_let_go() -> None:
    task = find_task("push_t")
    pose = {"blue target": lying(0.37, 0, 0.0002), "green block": lying(0.37, 0, 0.0125)}
    assert not truly(task, world(pose, gripped=frozenset({"green block"})))
    measured = {"green block coverage": 0.98}
    assert seen(task, measured) == "PASS"
    assert seen(task, measured, replace(OPEN, width_m=0.030)) == "FAIL"
    assert seen(task, measured, replace(OPEN, width_m=0.001)) == "PASS"


def test_a_can_that_leans_or_lies_is_not_held_upright() -> None:
    task = find_task("can_lift")

    def can(tilt: float) -> Truth:
        pose = TruthPose((0.3, 0, 0.2), 0.0, (np.cos(tilt / 2), np.sin(tilt / 2), 0.0, 0.0))
        return world({"red can": pose}, gripped=frozenset({"red can"}))

    assert truly(task, can(0.1)) and not truly(task, can(0.5)) and not truly(task, can(np.pi / 2))
    held = replace(OPEN, width_m=0.0525)
    up = {"red can bottom": 0.12, "red can tilt": 0.08}
    assert seen(task, up, held) == "PASS"
    assert seen(task, {**up, "red can tilt": 0.8}, held) == "FAIL"
    assert seen(task, {**up, "red can tilt": 0.33}, held) == "UNSURE"


def test_a_nut_on_top_of_the_peg_or_beside_it_is_not_on_it() -> None:
    task = find_task("nut_assembly")
    peg = {"blue peg": lying(0.35, -0.12, 0.025)}
    assert truly(task, world({**peg, "green nut": lying(0.357, -0.12, 0.011)}))
    assert not truly(task, world({**peg, "green nut": lying(0.357, -0.12, 0.061)}))
    assert not truly(task, world({**peg, "green nut": lying(0.40, -0.12, 0.011)}))


def test_a_missed_strip_fails_and_a_sponge_left_on_the_spill_hides_it() -> None:
    task = find_task("spill_wipe")
    sponge = {"yellow sponge": lying(0.3, 0.15, 0.02)}
    assert truly(task, world(sponge, film_left=0.0))
    assert not truly(task, world(sponge, film_left=1 / 12))
    assert seen(task, {"spill left": 0.0, "spill hidden": 0.0}) == "PASS"
    assert seen(task, {"spill left": 0.09, "spill hidden": 0.0}) == "FAIL"
    assert seen(task, {"spill left": 0.0, "spill hidden": 0.15}) == "UNSURE"


def test_a_drawer_that_is_shut_on_nothing_is_not_tidy() -> None:
    task = find_task("tidy")
    yaw = np.pi / 2
    drawer = lying(0.33, -0.25, 0.03, yaw)
    inside = world(
        {"blue drawer": drawer, "green can": lying(0.33, -0.25, 0.033)},
        slides_m={"blue drawer": 0.001},
    )
    assert truly(task, inside)
    assert not truly(task, replace(inside, slides_m={"blue drawer": 0.06}))
    beside = {"blue drawer": drawer, "green can": lying(0.42, -0.25, 0.025)}
    assert not truly(task, replace(inside, objects=beside))
    on_rim = {"blue drawer": drawer, "green can": lying(0.33, -0.25, 0.09)}
    assert not truly(task, replace(inside, objects=on_rim))


def test_both_hands_or_the_second_alone() -> None:
    pot, hammer = find_task("two_arm_lift"), find_task("two_arm_handover")
    up = {"red pot": lying(0.33, 0, 0.17)}
    both = {"left": ("red pot",), "right": ("red pot",)}
    assert truly(pot, world(up, holding=both))
    assert not truly(pot, world(up, holding={**both, "right": ()}))
    high = {"green hammer": lying(0.33, 0, 0.2)}
    second = {"left": (), "right": ("green hammer",)}
    assert truly(hammer, world(high, holding=second))
    assert not truly(hammer, world(high, holding={**second, "left": ("green hammer",)}))


def test_coverage_is_one_on_the_spot_and_falls_by_the_edge_that_is_off() -> None:
    patches = patches_of(find_task("push_t").objects[1])
    assert coverage(patches, (0.3, 0.1, 0.7), (0.3, 0.1, 0.7)) == pytest.approx(1.0, abs=0.002)
    moved = coverage(patches, (0.0, 0.0, 0.0), (0.005, 0.0, 0.0))
    assert moved == pytest.approx(1 - 0.005 * 0.12 / 0.0063, abs=0.01)


def test_a_t_is_held_by_its_stem_because_the_bar_leaves_no_room() -> None:
    row = bar_to_hold(rows_of(find_task("push_t").objects[1]))
    assert row is not None and row[2] == pytest.approx(0.09)


# -- steps and variants --------------------------------------------------------------------------


def test_a_step_is_a_task_with_the_same_start() -> None:
    whole, step = find_task("tidy"), find_task("tidy@open")
    assert step.goal[0].relation == "opened" and step.objects == whole.objects
    with pytest.raises(TaskError, match="its steps: open, fill"):
        find_task("tidy@shut")


@pytest.mark.parametrize("name", [*NEW, "cube_stack", "cube_restack", "cube_lift"])
@pytest.mark.parametrize("kind", ["object", "goal", "spatial"])
def test_variants_repeat_differ_by_seed_and_can_be_set_up(name: str, kind: str) -> None:
    if (name, kind) in {("nut_assembly", "goal")}:
        with pytest.raises(TaskError, match="no goal variant"):
            find_task(f"{name}+{kind}-1")
        return
    base, one = find_task(name), find_task(f"{name}+{kind}-1")
    assert one == find_task(f"{name}+{kind}-1") and one.name == f"{name}+{kind}-1"
    assert one != base
    for seed in range(6):
        draw(find_task(f"{name}+{kind}-{seed}"), seed, 1, 0.0)
    if kind == "object":
        assert {o.name for o in one.objects} != {o.name for o in base.objects}
        for r in one.goal:
            assert r.object in {o.name for o in one.objects}


def test_the_other_goal_of_a_stack_is_not_there_at_the_start() -> None:
    other = find_task("cube_restack+goal-1")
    start, goal = other.start.relations[0], other.goal[0]
    assert (start.object, start.target) != (goal.object, goal.target)


@pytest.mark.parametrize("name", ["cube_stack+sideways-1", "cube_stack+object", "tidy+object-x"])
def test_a_variant_that_is_none_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(TaskError):
        find_task(name)


def test_scenes_of_before_keep_their_names() -> None:
    cube = SceneObject("red cube", "box", (0.06, 0.06, 0.06), (0.8, 0.1, 0.1), 0.08, (0.3, 0, 0.03))
    assert scene_hash(SceneSpec(objects=(cube,))) == BEFORE


BEFORE = "367bffc8bbdbb652"
