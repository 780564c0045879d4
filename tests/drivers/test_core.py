"""The control core with kinematic arms on an injected clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand import AMAX, DT_S, VMAX, Stand, arm_spec, cell_info, smooth

from drivers.errors import CellRefused
from drivers.follower import MAX_BRIDGE_RAD, GripFollower
from drivers.safety import ACCELERATION_MARGIN, VELOCITY_MARGIN
from drivers.types import Finding, MotionReport


@pytest.fixture
def stand() -> Stand:
    stand = Stand()
    stand.core.open()
    return stand


def assert_written_within_limits(stand: Stand) -> None:
    for arm in stand.arms.values():
        before = None
        step_before = [0.0] * len(arm.spec.joints)
        for row in arm.written:
            for i, joint in enumerate(arm.spec.joints):
                assert joint.lo_rad <= row[i] <= joint.hi_rad
                if before is not None:
                    step = row[i] - before[i]
                    assert abs(step) <= VMAX * VELOCITY_MARGIN * DT_S + 1e-9
                    change = abs(step - step_before[i])
                    assert change <= AMAX * ACCELERATION_MARGIN * DT_S**2 + 1e-9
                    step_before[i] = step
            before = row
        for width, force in arm.written_grip:
            grip = arm.spec.gripper
            assert grip.closed_width_m <= width <= grip.open_width_m
            assert 0.0 <= force <= grip.max_force_N


# -- opening -----------------------------------------------------------------------------------


def test_opening_writes_nothing_and_adopts_what_is_there(stand: Stand) -> None:
    stand.arm.q_cmd_rad = stand.arm.q_cmd_rad
    stand.step(50)
    assert stand.core.status().state == "HOLD"
    assert stand.arm.written == []


def test_limp_arms_need_enabling_and_enabling_does_not_move_them() -> None:
    stand = Stand(energised=False)
    stand.arm.q_rad = [0.3, -0.2, 0.1]
    stand.core.open()
    assert stand.core.status().state == "LIMP"
    with pytest.raises(CellRefused, match="enable the drives first"):
        stand.goto([0.0, 0.0, 0.0])
    stand.step()
    stand.core.enable("me")
    stand.step(30)
    assert stand.core.status().state == "HOLD"
    assert stand.arm.q_rad == pytest.approx([0.3, -0.2, 0.1], abs=1e-12)


def test_an_arm_outside_its_range_is_not_enabled() -> None:
    stand = Stand(energised=False)
    stand.core.open()
    stand.arm.q_rad[1] = 1.7
    stand.step()
    with pytest.raises(CellRefused, match="joint2 measured"):
        stand.core.enable("me")


def test_a_finding_that_is_an_error_ends_in_fault_until_it_is_mended(stand: Stand) -> None:
    broken = Stand()
    broken.arm.findings = [Finding("volt", "error", "supply voltage", "4.1 V", "12 V", "", ())]
    broken.core.open()
    assert broken.core.status().state == "FAULT"
    assert "4.1 V" in broken.core.status().cause
    broken.arm.findings = []
    broken.core.clear_fault("me")
    assert broken.core.status().state == "PSTOP"
    broken.core.ack_stop("me")
    assert broken.core.status().state == "HOLD"


# -- motion ------------------------------------------------------------------------------------


def test_a_trajectory_arrives_where_it_was_sent(stand: Stand) -> None:
    ticket = stand.finish(stand.goto([0.8, -0.5, 0.3]))
    assert ticket.report.status == "OK"
    assert stand.arm.q_rad == pytest.approx([0.8, -0.5, 0.3], abs=0.01)
    assert ticket.report.q_reached_rad == pytest.approx(stand.arm.q_rad)
    assert 1.5 <= ticket.report.ended_s - ticket.report.started_s <= 1.7
    stand.step()
    assert stand.core.status().state == "HOLD" and not stand.core.status().held
    assert_written_within_limits(stand)


def test_a_refused_trajectory_moves_nothing(stand: Stand) -> None:
    ticket = stand.goto([2.0, 0.0, 0.0], 5.0)
    assert ticket.done and ticket.report.status == "LIMIT"
    stand.step(20)
    assert stand.arm.written == [] and stand.core.status().state == "HOLD"


def test_speed_override_stretches_time(stand: Stand) -> None:
    stand.core.set_speed(0.5, "me")
    stand.step()
    report = stand.finish(stand.goto([0.8, 0.0, 0.0])).report
    assert 3.0 <= report.ended_s - report.started_s <= 3.2
    assert_written_within_limits(stand)


def test_two_motions_on_one_arm_are_refused(stand: Stand) -> None:
    stand.goto([0.5, 0.0, 0.0])
    with pytest.raises(CellRefused, match="busy"):
        stand.goto([0.5, 0.0, 0.0])


def test_an_arm_that_stays_short_of_its_target_is_reported(stand: Stand) -> None:
    stand.arm.walls[0] = 0.75
    report = stand.finish(stand.goto([0.8, 0.0, 0.0])).report
    assert report.status == "NOT_CONVERGED"
    assert "joint1" in report.detail and report.error_rad == pytest.approx(0.05, abs=0.02)


def test_a_blocked_arm_says_where_and_stops_pushing(stand: Stand) -> None:
    stand.arm.walls[1] = 0.3
    report = stand.finish(stand.goto([0.5, 0.9, 0.0], 2.0)).report
    assert report.status == "BLOCKED" and report.blocked_joint == "joint2"
    stand.step(100)
    status = stand.core.status()
    assert status.state == "HOLD"
    assert status.arms[0].q_cmd_rad == pytest.approx(stand.arm.q_rad, abs=0.02)
    assert_written_within_limits(stand)
    stand.arm.walls.clear()
    assert stand.finish(stand.goto([0.0, 0.0, 0.0])).report.status == "OK"


def test_two_arms_move_at_once_and_end_apart() -> None:
    stand = Stand(cell_info(arm_spec("left"), arm_spec("right")))
    stand.core.open()
    left = stand.core.start_trajectory("left", smooth([0] * 3, [0.5] * 3, 1.0), "me")
    right = stand.core.start_trajectory("right", smooth([0] * 3, [-0.5] * 3, 2.0), "me")
    stand.finish(left)
    assert not right.done and stand.core.status().state == "RUN"
    assert stand.finish(right).report.status == "OK"
    stand.step()
    assert stand.core.status().state == "HOLD"


GAPS = st.lists(
    st.tuples(st.sampled_from(["well", "silent", "unwritable", "late"]), st.integers(1, 40)),
    max_size=12,
)


@given(GAPS)
@settings(max_examples=60, deadline=None)
def test_no_goal_jumps_after_readings_or_writes_that_failed(gaps: list[tuple[str, int]]) -> None:
    stand = Stand()
    stand.core.open()
    stand.arm.written.append(stand.core.status().arms[0].q_cmd_rad)
    stand.goto([1.2, -1.0, 0.8], 1.2)
    stand.step()
    write = stand.arm.write

    def unwritable(*_: object) -> None:
        raise OSError("the port takes nothing")

    for kind, ticks in [*gaps, ("well", 30)]:
        stand.arm.silent = kind == "silent"
        stand.arm.write = unwritable if kind == "unwritable" else write  # type: ignore
        if kind == "late":
            stand.t_s += ticks * DT_S  # Nobody was there; the next period is one period.
        else:
            stand.step(ticks)
    assert_written_within_limits(stand)


def test_a_computer_that_came_late_is_no_silent_device(stand: Stand) -> None:
    stand.goto([1.0, 0.0, 0.0])
    stand.step(20)
    for _ in range(3):
        stand.t_s += 0.3
        stand.step()
        assert stand.core.status().state == "RUN"
    stand.t_s += 0.3
    stand.arm.silent = True
    stand.step()
    assert stand.core.status().state == "RUN", "one missed answer after a pause says nothing yet"
    stand.step(6)
    assert stand.core.status().state == "PSTOP", "but silence does"
    assert "late" in {event.code for event in stand.core.events(0)}


def test_an_arm_that_answers_and_takes_no_goals_is_stopped(stand: Stand) -> None:
    stand.goto([1.0, 0.0, 0.0])
    stand.step(20)
    write = stand.arm.write

    def unwritable(*_: object) -> None:
        raise OSError("it takes nothing")

    stand.arm.write = unwritable  # type: ignore[method-assign]
    stand.step(15)
    assert stand.core.status().state == "PSTOP"
    stand.arm.write = write  # type: ignore[method-assign]
    stand.step(50)
    stand.core.ack_stop("me")
    assert stand.core.status().state == "HOLD"
    assert_written_within_limits(stand)


def test_a_line_that_is_too_slow_for_the_cell_is_led_more_slowly() -> None:
    stand = Stand()
    stand.arm.period_s = 0.02  # type: ignore[attr-defined]
    stand.core.open()
    assert stand.core.dt_s == pytest.approx(0.02)
    stand.dt_s = 0.02
    report = stand.finish(stand.goto([0.6, -0.4, 0.3])).report
    assert report is not None and report.status == "OK"
    steps = np.abs(np.diff(np.array(stand.arm.written), axis=0))
    assert steps.max() <= VMAX * VELOCITY_MARGIN * 0.02 + 1e-9


# -- gripper -----------------------------------------------------------------------------------


def test_fingers_that_meet_something_stall_with_the_force_asked(stand: Stand) -> None:
    stand.arm.object_width_m = 0.04
    report = stand.finish(stand.core.start_grip("left", 0.0, 12.0, None, "me")).report
    assert (report.status, report.stalled) == ("OK", True)
    assert report.width_m == pytest.approx(0.04) and report.force_N == pytest.approx(12.0)
    stand.step(100)
    assert stand.arm.width_m == pytest.approx(0.04)
    assert stand.core.status().arms[0].grip_force_N == pytest.approx(12.0), "keeps squeezing"


def fingers(measured_m: float, target_m: float) -> GripFollower:
    return GripFollower(arm_spec().gripper, target_m, 10.0, 0.1, measured_m, measured_m, DT_S)


def test_the_load_of_what_was_squeezed_before_is_no_stall_on_opening() -> None:
    opening = fingers(0.04, 0.08)
    for _ in range(60):
        opening.advance(1.0, False)
        assert opening.judge(0.04, 10.0) == "moving", "it still squeezes: its load lags behind"


def test_a_load_before_the_fingers_moved_is_a_stall_only_when_it_lasts() -> None:
    closing = fingers(0.04, 0.0)
    verdicts = []
    for _ in range(60):
        closing.advance(1.0, False)
        verdicts.append(closing.judge(0.04, 10.0))
    first = verdicts.index("stalled")
    assert 0.3 < first * DT_S < 0.5, "breaking away takes a moment; something held stays a stall"
    moved = fingers(0.06, 0.0)
    assert [moved.judge(0.04, 10.0) for _ in range(14)][-1] == "stalled", "it met something"


def test_fingers_that_meet_nothing_do_not_stall(stand: Stand) -> None:
    report = stand.finish(stand.core.start_grip("left", 0.0, 12.0, None, "me")).report
    assert (report.status, report.stalled) == ("OK", False)
    assert report.width_m < 0.002


def test_fingers_that_stop_without_force_did_not_converge(stand: Stand) -> None:
    stand.arm.object_width_m = 0.05
    stand.arm.advance = lambda dt_s: None  # type: ignore[method-assign]
    report = stand.finish(stand.core.start_grip("left", 0.0, 12.0, None, "me")).report
    assert report.status == "NOT_CONVERGED" and not report.stalled


# -- hold, resume, abort -----------------------------------------------------------------------


def test_hold_takes_effect_at_the_next_tick_and_freezes(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.hold("looked odd", "ann")
    stand.step()
    status = stand.core.status()
    assert (status.state, status.cause, status.who, status.held) == (
        "HOLD", "looked odd", "ann", True,
    )  # fmt: skip
    stand.step(100)
    frozen = stand.arm.q_cmd_rad
    stand.step(100)
    assert stand.arm.q_cmd_rad == frozen and not ticket.done
    assert_written_within_limits(stand)


def test_hold_stops_along_the_path(stand: Stand) -> None:
    stand.goto([1.0, -0.5, 0.25], 2.0)
    stand.step(70)
    stand.core.hold("x", "me")
    stand.step(120)
    q = stand.arm.q_cmd_rad
    assert q[1] == pytest.approx(-0.5 * q[0], abs=1e-6)
    assert q[2] == pytest.approx(0.25 * q[0], abs=1e-6)


def test_resume_finishes_the_motion_and_time_held_is_apart(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.hold("x", "me")
    stand.step(300)
    stand.core.resume("me")
    report = stand.finish(ticket).report
    assert report.status == "OK" and report.held_s == pytest.approx(3.0, abs=0.02)
    assert report.ended_s - report.started_s - report.held_s == pytest.approx(2.3, abs=0.4)
    assert_written_within_limits(stand)


def test_resume_after_the_arm_was_moved_bridges_back(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.hold("x", "me")
    stand.step(60)
    stand.arm.q_rad[1] += 0.1
    stand.arm.walls[1] = 0.099  # Something keeps it there until it is taken away.
    stand.step(5)
    on_path = stand.arm.q_cmd_rad
    stand.core.resume("me")
    stand.step(1)
    stand.arm.walls.clear()
    commanded = []
    while not ticket.done:
        stand.step()
        commanded.append(stand.arm.q_cmd_rad)
    assert max(q[1] for q in commanded) > 0.06, "first to where the arm is"
    back = next(i for i, q in enumerate(commanded) if i > 20 and abs(q[1]) < 1e-6)
    assert commanded[back][0] == pytest.approx(on_path[0], abs=1e-3), "then onto the path"
    assert ticket.report.status == "OK"
    assert stand.arm.q_rad == pytest.approx([1.2, 0.0, 0.0], abs=0.01)
    assert_written_within_limits(stand)


def test_resume_while_still_slowing_down_goes_straight_on(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(90)
    stand.core.hold("x", "me")
    stand.step(4)
    assert stand.core.status().held
    stand.core.resume("me")
    before = -1.0
    while not ticket.done:
        stand.step()
        assert stand.arm.q_cmd_rad[0] >= before - 1e-12, "never backwards"
        before = stand.arm.q_cmd_rad[0]
    assert ticket.report.status == "OK"


def test_resume_is_refused_when_the_arm_is_too_far_away(stand: Stand) -> None:
    stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.hold("x", "me")
    stand.step(60)
    stand.arm.q_rad[2] = MAX_BRIDGE_RAD + 0.1
    stand.arm.walls[2] = MAX_BRIDGE_RAD + 0.05
    stand.step()
    with pytest.raises(CellRefused, match="moved_while_held"):
        stand.core.resume("me")


def test_a_motion_asked_for_while_held_waits_for_resume(stand: Stand) -> None:
    stand.core.hold("x", "me")
    stand.step()
    ticket = stand.goto([0.5, 0.0, 0.0])
    stand.step(200)
    assert not ticket.done and stand.arm.q_cmd_rad == (0.0, 0.0, 0.0)
    stand.core.resume("me")
    report = stand.finish(ticket).report
    assert report.status == "OK" and report.held_s == pytest.approx(2.0, abs=0.02)


def test_a_wait_stands_still_while_held(stand: Stand) -> None:
    ticket = stand.core.start_wait(0.5, "me")
    stand.step(30)
    stand.core.hold("x", "me")
    stand.step(200)
    assert not ticket.done
    stand.core.resume("me")
    stand.step(22)
    assert ticket.done


def test_abort_ends_with_stopped_at_rest(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.abort("me")
    report = stand.finish(ticket, 100).report
    assert report.status == "STOPPED"
    frozen = stand.arm.q_cmd_rad
    stand.step(50)
    assert stand.arm.q_cmd_rad == frozen
    assert stand.core.status().state == "HOLD" and not stand.core.status().held
    assert_written_within_limits(stand)
    assert stand.finish(stand.goto([0.0, 0.0, 0.0])).report.status == "OK"


def test_abort_keeps_a_hold(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.core.hold("x", "me")
    stand.step(60)
    stand.core.abort("me")
    stand.step(2)
    assert ticket.done and stand.core.status().held


def test_a_resume_right_after_an_abort_does_not_bring_the_motion_back(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(90)
    stand.core.hold("x", "me")
    stand.core.abort("me")
    stand.core.resume("me")
    report = stand.finish(ticket, 60).report
    assert report.status == "STOPPED" and report.q_reached_rad[0] < 0.9
    stand.step(50)
    assert stand.core.status().state == "HOLD"
    assert_written_within_limits(stand)


# -- protective stop, loss ---------------------------------------------------------------------


def test_a_push_while_holding_is_a_protective_stop_that_needs_an_ack(stand: Stand) -> None:
    stand.finish(stand.goto([0.5, 0.0, 0.0]))
    stand.step(5)
    stand.arm.walls[0] = 0.29
    stand.arm.q_rad[0] = 0.2
    stand.step(40)
    assert stand.core.status().state == "PSTOP"
    with pytest.raises(CellRefused, match="acknowledge"):
        stand.goto([0.0, 0.0, 0.0])
    stand.arm.walls.clear()
    stand.step(100)
    stand.core.ack_stop("me")
    assert stand.core.status().state == "HOLD"
    assert_written_within_limits(stand)


def test_a_silent_device_stops_then_is_lost_and_comes_back_without_motion(stand: Stand) -> None:
    ticket = stand.goto([1.2, 0.0, 0.0], 2.0)
    stand.step(80)
    stand.arm.silent = True
    stand.step(12)
    assert stand.core.status().state == "PSTOP"
    stand.step(45)
    assert stand.core.status().state == "LOST"
    assert ticket.done and ticket.report.status == "FAULT"
    stand.arm.silent = False
    written = len(stand.arm.written)
    stand.step(200)
    assert stand.core.status().state == "PSTOP", "back, but a person must look"
    assert len(stand.arm.written) == written
    with pytest.raises(CellRefused):
        stand.core.resume("me")


def test_silence_in_the_middle_of_a_motion_is_not_caught_up_with_in_one_step(
    stand: Stand,
) -> None:
    for silent_ticks, deaf in ((8, True), (5, False), (1, False)):
        held = stand.arm.q_cmd_rad[0]
        ticket = stand.goto([1.0 if held < 0.5 else 0.0, 0.0, 0.0], 1.2)
        stand.step(60)
        write = stand.arm.write
        if deaf:
            stand.arm.silent = True
        else:
            stand.arm.write = _cannot  # type: ignore[method-assign]
        stand.step(silent_ticks)
        stand.arm.silent = False
        stand.arm.write = write  # type: ignore[method-assign]
        assert stand.finish(ticket).report.status == "OK"
    assert_written_within_limits(stand)


def _cannot(q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
    raise OSError("the line is busy")


def test_an_arm_that_answers_slows_down_when_the_other_is_lost() -> None:
    stand = Stand(cell_info(arm_spec("left"), arm_spec("right")))
    stand.core.open()
    stand.core.start_trajectory("right", smooth([0] * 3, [1.2] * 3, 2.0), "me")
    stand.step(80)
    stand.arms["left"].silent = True
    stand.step(45)
    assert stand.core.status().state == "PSTOP"
    right = stand.arms["right"]
    assert right.written[-1] == right.written[-2], "it came to rest"
    assert_written_within_limits(stand)


def test_one_bad_cycle_changes_nothing(stand: Stand) -> None:
    ticket = stand.goto([0.8, 0.0, 0.0])
    stand.step(50)
    stand.arm.silent = True
    stand.step(2)
    stand.arm.silent = False
    assert stand.finish(ticket).report.status == "OK"


def test_a_reading_that_is_not_finite_is_no_reading(stand: Stand) -> None:
    stand.arm.q_rad[0] = float("nan")
    stand.step(12)
    assert stand.core.status().state == "PSTOP"


# -- torque ------------------------------------------------------------------------------------


def test_torque_is_released_only_by_the_same_person_in_two_steps(stand: Stand) -> None:
    with pytest.raises(CellRefused, match="nonce"):
        stand.core.release_torque("ann", "guess")
    nonce = stand.core.release_torque("ann")
    assert stand.arm.energised()
    with pytest.raises(CellRefused):
        stand.core.release_torque("bob", nonce)
    nonce = stand.core.release_torque("ann")
    stand.core.release_torque("ann", nonce)
    assert not stand.arm.energised() and stand.core.status().state == "LIMP"


def test_torque_stays_on_when_the_confirmation_is_late(stand: Stand) -> None:
    nonce = stand.core.release_torque("ann")
    stand.step(1100)
    with pytest.raises(CellRefused):
        stand.core.release_torque("ann", nonce)
    assert stand.arm.energised()


# -- records -----------------------------------------------------------------------------------


def test_samples_since_a_moment(stand: Stand) -> None:
    stand.finish(stand.goto([0.8, 0.0, 0.0]))
    log = stand.core.samples("left", 1.0)
    assert log.t_s[0] >= 1.0 and log.q_rad.shape == (len(log.t_s), 3)
    assert len(log.t_s) / (log.t_s[-1] - log.t_s[0]) >= 50.0


# -- everything at once ------------------------------------------------------------------------

acts = st.one_of(
    st.tuples(st.just("goto"), st.floats(-2.0, 2.0), st.floats(0.2, 3.0)),
    st.tuples(st.just("grip"), st.floats(-0.02, 0.1), st.floats(-1.0, 30.0)),
    st.tuples(st.just("step"), st.integers(1, 120), st.none()),
    st.tuples(st.just("wall"), st.integers(0, 2), st.floats(-1.0, 1.0)),
    st.tuples(st.just("open way"), st.none(), st.none()),
    st.tuples(st.just("push"), st.integers(0, 2), st.floats(-0.3, 0.3)),
    st.tuples(st.just("speed"), st.floats(0.01, 1.0), st.none()),
    st.tuples(
        st.sampled_from(["hold", "resume", "resume", "abort", "ack", "silent", "answers"]),
        st.none(),
        st.none(),
    ),
)


def perform(stand: Stand, name: str, a: object, b: object) -> None:
    core, arm = stand.core, stand.arm
    match name:
        case "goto":
            held = core.status().arms[0].q_cmd_rad
            goal = [float(a), *held[1:]]  # type: ignore[arg-type]
            core.start_trajectory("left", smooth(list(held), goal, float(b)), "me")  # type: ignore[arg-type]
        case "grip":
            core.start_grip("left", a, b, None, "me")  # type: ignore[arg-type]
        case "step":
            stand.step(a)  # type: ignore[arg-type]
        case "wall":
            arm.walls[a] = b  # type: ignore[index,assignment]
        case "open way":
            arm.walls.clear()
        case "push":
            arm.q_rad[a] += b  # type: ignore[index,operator]
        case "speed":
            core.set_speed(a, "me")  # type: ignore[arg-type]
        case "hold":
            core.hold("x", "me")
        case "silent" | "answers":
            arm.silent = name == "silent"
        case _:
            getattr(core, {"ack": "ack_stop"}.get(name, name))("me")


@settings(max_examples=150, deadline=None)
@given(st.lists(acts, max_size=30))
def test_no_sequence_of_acts_writes_a_goal_outside_the_limits(
    sequence: list[tuple[str, object, object]],
) -> None:
    stand = Stand()
    stand.core.open()
    for name, a, b in sequence:
        try:
            perform(stand, name, a, b)
        except CellRefused:
            continue
    stand.arm.silent = False
    stand.step(60)
    assert_written_within_limits(stand)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 190), st.integers(1, 60), st.integers(1, 60), st.floats(0.1, 1.0))
def test_hold_and_resume_at_any_moment_still_arrive(
    first: int, second: int, third: int, speed: float
) -> None:
    stand = Stand()
    stand.core.open()
    stand.core.set_speed(speed, "me")
    ticket = stand.goto([1.2, -0.8, 0.4], 2.0)
    for ticks in (first, second, third):
        stand.step(ticks)
        stand.core.hold("x", "me")
        stand.step(ticks // 2)
        stand.core.resume("me")
    report = stand.finish(ticket, 8000).report
    assert isinstance(report, MotionReport) and report.status == "OK"
    assert_written_within_limits(stand)
