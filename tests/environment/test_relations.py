from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from aspire_tui.domain import Check
from aspire_tui.environment.relations import (
    RELATIONS,
    Look,
    Sensed,
    Sighting,
    Truth,
    TruthPose,
    judge_range,
)
from aspire_tui.environment.seen_end import fuse
from aspire_tui.environment.task_file import TaskError, find_task, load_task

STACK = find_task("cube_stack")
ON = STACK.goal[0]
TOP = 0.126
STACKED = {
    "red cube": Sighting(0.30, 0.0, TOP),
    "green cube": Sighting(0.302, 0.001, 0.063),
}
OPEN = Sensed(width_m=0.075, tool_xyz_m=(0.28, 0.0, 0.3), table_z_m=0.0)


def verdict(first, second, sensed=OPEN):  # type: ignore[no-untyped-def]
    checks = RELATIONS["on"].checks(STACK, ON, [Look("scene", first, second)], sensed)
    return fuse(checks)


def test_a_stack_at_rest_with_the_gripper_away_passes() -> None:
    assert verdict(STACKED, STACKED)[0] == "PASS"


def test_a_cube_beside_the_other_fails_by_height() -> None:
    beside = {**STACKED, "red cube": Sighting(0.40, 0.0, 0.063)}
    outcome, reason = verdict(beside, beside)
    assert outcome == "FAIL"
    assert "top of red cube" in reason


@pytest.mark.parametrize(
    ("apart_m", "outcome"), [(0.02, "PASS"), (0.033, "UNSURE"), (0.06, "UNSURE"), (0.08, "FAIL")]
)
def test_a_cube_seen_over_the_edge_is_no_pass(apart_m: float, outcome: str) -> None:
    over = {"red cube": Sighting(0.30 + apart_m, 0.0, TOP), "green cube": Sighting(0.30, 0, 0.063)}
    assert verdict(over, over)[0] == outcome


def test_a_thing_in_the_hand_is_judged_as_well_as_that_camera_can_tell() -> None:
    task = find_task("cube_lift")
    held = Sensed(0.0627, (0.3, 0.0, 0.08), 0.0)
    near = Sighting(0.3, 0.0, 0.063 + 0.046)
    for doubt_m, outcome in ((0.004, "PASS"), (0.03, "UNSURE")):
        seen = {"red cube": replace(near, height_sd_m=doubt_m)}
        looks = [Look("scene", seen, seen)]
        checks = RELATIONS["lifted"].checks(task, task.goal[0], looks, held)
        assert fuse(checks)[0] == outcome


def test_a_cube_that_still_moves_is_not_a_stack() -> None:
    later = {**STACKED, "red cube": Sighting(0.32, 0.0, TOP)}
    assert verdict(STACKED, later)[0] == "FAIL"


def test_a_gripper_that_has_not_let_go_fails_by_its_own_sensor() -> None:
    outcome, reason = verdict(STACKED, STACKED, replace(OPEN, width_m=0.063))
    assert outcome == "FAIL"
    assert "gripper" in reason


def test_a_covered_camera_is_unsure_not_a_guess() -> None:
    assert verdict({}, {})[0] == "UNSURE"


def test_one_camera_may_be_blind_when_another_sees() -> None:
    looks = [Look("scene", STACKED, STACKED), Look("wrist", {}, {})]
    assert fuse(RELATIONS["on"].checks(STACK, ON, looks, OPEN))[0] == "PASS"


@pytest.mark.parametrize(
    ("value", "outcome"), [(0.05, "PASS"), (0.042, "UNSURE"), (0.038, "UNSURE"), (0.02, "FAIL")]
)
def test_close_to_a_limit_is_unsure(value: float, outcome: str) -> None:
    assert judge_range("x", "scene", value, "m", 0.04, None, sd=0.004).outcome == outcome


def test_one_failing_check_outweighs_all_others() -> None:
    ok = Check("a", "scene", 1.0, "m", 0.0, 2.0, "PASS")
    bad = Check("b", "wrist", 3.0, "m", 0.0, 2.0, "FAIL")
    assert fuse([ok, bad])[0] == "FAIL"


@pytest.mark.parametrize(
    ("change", "holds"),
    [({}, True), ({"gripped": frozenset({"red cube"})}, False)],
)
def test_the_referee_wants_the_gripper_off_the_stack(change, holds) -> None:  # type: ignore[no-untyped-def]
    truth = Truth(
        objects={
            "red cube": TruthPose((0.3, 0.0, 0.0945), 0.0),
            "green cube": TruthPose((0.3, 0.0, 0.0315), 0.0),
        },
        gripped=frozenset(),
        table_z_m=0.0,
    )
    assert RELATIONS["on"].truth(STACK, ON, replace(truth, **change))[0] is holds


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(TaskError, match="did you mean cube_stack"):
        find_task("cube_stak")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1", "name"),
        ("not toml at all [", "not TOML"),
        pytest.param("name = " + "[" * 5000, "not TOML: nested too deep", id="deep"),
        (
            'name="t"\ninstruction="x"\nobjects=[]\ngoal=[{relation="onn", object="a"}]\n'
            "[start]\nx_m=[0,1]\ny_m=[0,1]",
            "onn",
        ),
    ],
)
def test_a_wrong_task_file_is_one_line(tmp_path, text: str, said: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(TaskError, match=said) as caught:
        load_task(path)
    assert "\n" not in str(caught.value)


def test_a_stack_may_rest_while_a_hand_holds_something_else() -> None:
    busy = Sensed(width_m=0.022, tool_xyz_m=(0.34, -0.05, 0.2), table_z_m=0.0, grip_force_N=20.0)
    assert verdict(STACKED, STACKED, busy)[0] == "FAIL"  # ``on`` wants the gripper away
    looks = [Look("scene", STACKED, STACKED)]
    assert fuse(RELATIONS["rests_on"].checks(STACK, ON, looks, busy))[0] == "PASS"
    fallen = {**STACKED, "red cube": Sighting(0.40, 0.0, 0.063)}
    looks = [Look("scene", fallen, fallen)]
    assert fuse(RELATIONS["rests_on"].checks(STACK, ON, looks, busy))[0] == "FAIL"
    assert fuse(RELATIONS["rests_on"].checks(STACK, ON, [Look("scene", {}, {})], busy))[0] == (
        "UNSURE"
    )


def test_what_is_judged_can_be_recorded() -> None:
    """A range that is a number of numpy's ends the session, not the trial."""
    can = find_task("can_lift")
    look = Look("scene", {}, {}, {"red can bottom": 0.09, "red can tilt": 0.05})
    held = replace(OPEN, width_m=0.05)
    checks = RELATIONS["upright_above"].checks(can, can.goal[0], [look], held)
    assert msgspec.json.decode(msgspec.json.encode(checks), type=list[Check]) == list(checks)
