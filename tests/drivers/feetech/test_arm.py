"""The arm driver on a line without time: what it writes, when, and what it never writes."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sts_fake import FakeLine
from sts_fake_arm import arm_on, energised, opened
from sts_process import so101

from drivers.arm_group import ArmGroup
from drivers.errors import CellFileError
from drivers.feetech.arm import FeetechArm
from drivers.feetech.energise import LOW_TORQUE, Jumped
from drivers.feetech.section import FeetechSection, ServoSection
from drivers.feetech.setpoints import BEHIND_TICKS

TORQUE, GOAL, LIMIT, POSITION = 40, 42, 48, 56
RAD = 2.0 * math.pi / 4096.0
JAW = 6


def goals(line: FakeLine) -> dict[int, int]:
    return {n: servo.word(GOAL) for n, servo in line.servos.items()}


def codes(arm: FeetechArm) -> set[str]:
    return {alarm.code for alarm in arm.read(0.008).alarms}


# -- adopting --------------------------------------------------------------------------------


@pytest.mark.parametrize("torque", [0, 1])
def test_opening_checking_and_reading_write_nothing(torque: int) -> None:
    line = FakeLine()
    for servo in line.servos.values():
        servo.memory[TORQUE] = torque
        servo.put(GOAL, 3000)
    arm = opened(line)
    assert arm.energised() is bool(torque)
    arm.close()
    assert line.writes == []


def test_an_energised_arm_is_adopted_at_its_own_goal_not_where_it_sags() -> None:
    line = FakeLine()
    for servo in line.servos.values():
        servo.memory[TORQUE] = 1
        servo.put(GOAL, 2100)
        servo.put(POSITION, 2090)
    sample = opened(line).read(0.008)
    assert sample.q_cmd_rad == pytest.approx([52 * RAD] * 5)
    assert sample.q_rad == pytest.approx([42 * RAD] * 5)


def test_signs_and_zeros_of_the_cell_file_are_used_both_ways() -> None:
    names = [*(joint.name for joint in so101().joints), "gripper"]
    servos = tuple(
        ServoSection(name, n, -1 if n == 2 else 1, 0.5 if n == 2 else 0.0)
        for n, name in enumerate(names, 1)
    )
    line = FakeLine()
    line.servos[2].put(POSITION, 2148)
    arm = opened(line, FeetechSection(servos))
    assert arm.read(0.008).q_rad[1] == pytest.approx(0.5 - 100 * RAD)
    arm.energise()
    arm.write((0.0, 0.5 - 200 * RAD, 0.0, 0.0, 0.0), 0.02, 5.0)
    assert goals(line)[2] == 2248


# -- switching on ----------------------------------------------------------------------------


def test_a_stale_goal_is_overwritten_at_low_torque_before_torque_comes_on() -> None:
    line = FakeLine()
    for n, servo in line.servos.items():
        servo.put(GOAL, 3900)
        servo.put(POSITION, 2000 + n)
    moved: list[tuple[int, int]] = []

    def follow(servo: int, address: int, data: bytes) -> None:
        """As on the real servo: writing a goal switches torque on by itself."""
        one = line.servos[servo]
        if address <= GOAL < address + len(data):
            one.memory[TORQUE] = 1
        if one.memory[TORQUE] and one.word(GOAL) != one.word(POSITION):
            moved.append((servo, one.word(GOAL)))
        if address <= TORQUE < address + len(data) and data[TORQUE - address]:
            assert one.word(LIMIT) == LOW_TORQUE

    line.after_write = follow
    arm = opened(line)
    arm.energise()
    assert moved == []
    assert goals(line) == {n: 2000 + n for n in line.servos}
    assert all(servo.memory[TORQUE] == 1 for servo in line.servos.values())
    assert [servo.word(LIMIT) for servo in line.servos.values()] == [1000] * 5 + [500]


def test_an_arm_that_jumps_while_it_is_switched_on_is_let_go_again() -> None:
    line = FakeLine()

    def jump(servo: int, address: int, data: bytes) -> None:
        if servo == 3 and address == TORQUE and data == b"\1":
            line.servos[3].put(POSITION, 2400)

    line.after_write = jump
    arm = opened(line)
    with pytest.raises(Jumped, match="servo 3 moved 352 ticks"):
        arm.energise()
    assert all(servo.memory[TORQUE] == 0 for servo in line.servos.values())
    assert arm.energised() is False


def test_joints_that_hold_already_keep_their_goal_when_the_rest_is_switched_on() -> None:
    line = FakeLine()
    line.servos[2].memory[TORQUE] = 1
    line.servos[2].put(GOAL, 2060)
    arm = opened(line)
    assert "torque_mixed" in {f.code for f in arm.check()}
    arm.energise()
    assert goals(line)[2] == 2060
    assert all(address != LIMIT for servo, address, _ in line.writes if servo == 2)


def test_release_is_sure_or_raises() -> None:
    line = FakeLine()
    arm = energised(line)
    arm.release()
    assert all(servo.memory[TORQUE] == 0 for servo in line.servos.values())
    arm.energise()
    line.servos[4].silent = True
    with pytest.raises(OSError, match="servo 4"):
        arm.release()


# -- set-points ------------------------------------------------------------------------------

angles = st.floats(-1e6, 1e6) | st.floats(-3.0, 3.0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.tuples(*[angles] * 5), st.floats(-1.0, 1.0), st.floats(0.0, 1e4)),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.tuples(st.integers(0, 1900), st.integers(2100, 4095)), min_size=6, max_size=6),
)
def test_no_goal_leaves_what_the_servo_accepts(
    told: list[tuple[tuple[float, ...], float, float]], ranges: list[tuple[int, int]]
) -> None:
    line = FakeLine()
    for servo, (lo, hi) in zip(line.servos.values(), ranges, strict=True):
        servo.put(9, lo)
        servo.put(11, hi)
    arm = energised(line)
    for q, width, force in told:
        arm.write(q, width, force)
        arm.read(0.008)
        for goal, (lo, hi) in zip(goals(line).values(), ranges, strict=True):
            assert lo <= goal <= hi
        assert 0 < line.servos[JAW].word(LIMIT) <= 500


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_never_reaches_the_bus(bad: float) -> None:
    line = FakeLine()
    arm = energised(line)
    with pytest.raises(ValueError, match="finite"):
        arm.write((0.0, bad, 0.0, 0.0, 0.0), 0.02, 5.0)
    assert line.writes == []


def test_a_lost_goal_that_stays_is_read_back_and_written_again() -> None:
    line = FakeLine()
    arm = energised(line)
    lost: list[int] = []

    def lose_first(servo: int, address: int, data: bytes) -> None:
        if servo == 4 and address == GOAL and len(lost) < 3:
            lost.append(servo)
            line.servos[4].put(GOAL, 2048)

    line.after_write = lose_first
    for _ in range(8):
        arm.write((0.1, 0.1, 0.1, 0.1, 0.1), 0.02, 5.0)
        arm.read(0.008)
    assert len(lost) == 3
    assert goals(line)[4] == goals(line)[1] != 2048


def test_a_servo_that_never_takes_its_goal_is_an_alarm() -> None:
    line = FakeLine()
    arm = energised(line)
    line.after_write = lambda servo, *_: line.servos[4].put(GOAL, 2048) if servo == 4 else None
    for _ in range(120):
        arm.write((0.1, 0.1, 0.1, 0.1, 0.1), 0.02, 5.0)
        sample = arm.read(0.008)
    assert [(a.code, a.joint) for a in sample.alarms] == [("goal_not_taken", "wrist_flex")]


def test_a_servo_that_restarted_gets_no_goal_until_it_is_enabled_again() -> None:
    line = FakeLine()
    arm = energised(line)
    arm.write((0.1,) * 5, 0.02, 5.0)
    restarted = line.servos[2]
    restarted.silent = True
    arm.read(0.008)
    restarted.silent = False
    restarted.memory[TORQUE] = 0
    restarted.put(POSITION, 1500)
    line.writes.clear()
    arm.write((0.13,) * 5, 0.02, 5.0)
    sample = arm.read(0.008)
    arm.write((0.16,) * 5, 0.02, 5.0)
    assert 2 not in {servo for servo, _, _ in line.writes}
    assert ("torque_lost", "shoulder_lift") in {(a.code, a.joint) for a in sample.alarms}
    arm.energise()
    assert goals(line)[2] == 1500
    assert "torque_lost" not in codes(arm)


@given(st.integers(5, 30), st.integers(1, 40), st.sampled_from([0.0, 0.0175]))
@settings(max_examples=30, deadline=None)
def test_no_servo_is_given_a_jump_after_a_gap_in_its_answers(
    begins: int, lasts: int, round_trip_s: float
) -> None:
    """One servo falls silent in a motion: the others wait for it instead of going ahead."""
    line = FakeLine()
    arm = energised(line)
    arm._seen = dataclasses.replace(arm._seen, round_trip_s=round_trip_s)
    q = 0.0
    told = [goals(line)[2]]
    for n in range(120):
        line.now_s += 0.01
        line.servos[2].silent = begins <= n < begins + lasts
        with contextlib.suppress(OSError):
            arm.read(0.008)
            arm.write((min(q + 0.02, 0.6),) * 5, 0.02, 5.0)
            q = min(q + 0.02, 0.6)  # As the core does: what was not written was not moved.
        told.append(goals(line)[2])
    steps = [abs(b - a) for a, b in itertools.pairwise(told)]
    assert max(steps) <= BEHIND_TICKS + 14
    assert goals(line)[2] == goals(line)[1] == round(2048 + 0.6 / RAD)


def test_on_a_slow_line_telemetry_and_goals_are_read_in_turn() -> None:
    line = FakeLine()
    arm = energised(line)
    arm._seen = dataclasses.replace(arm._seen, round_trip_s=0.0175)
    assert arm.period_s == 0.02
    for n in range(60):
        line.now_s += 0.02
        arm.write((0.005 * n,) * 5, 0.02, 5.0)
        if n == 20:
            line.servos[3].put(GOAL, 1000)
            line.after_write = lambda servo, *_: line.servos[3].put(GOAL, 1000)
        if n == 30:
            line.after_write = lambda *_: None
        sample = arm.read(0.019)
        assert max(sample.age_s) <= 0.021 + 1e-3
    assert arm._setpoints.rewritten >= 1, "goals that were not taken are found and written again"


def test_an_answer_that_was_lost_is_asked_for_again_within_the_cycle() -> None:
    line = FakeLine()
    arm = energised(line)
    lost: list[bytes] = []

    def lose_one(answer: bytes) -> bytes:
        if answer[2] == 3 and not lost:
            lost.append(answer)
            return b""
        return answer

    line.spoil = lose_one
    began_s = line.now_s
    sample = arm.read(0.008)
    assert lost
    assert sample.age_s == (0.0,) * 6
    assert line.now_s - began_s < 0.008
    assert arm.bus.counts(3).retried == 1


def test_one_missed_answer_is_an_age_and_many_are_an_error() -> None:
    line = FakeLine()
    arm = energised(line)
    line.servos[3].silent = True
    sample = arm.read(0.008)
    assert sample.age_s[2] > 0.0
    assert sample.age_s[1] == 0.0
    with pytest.raises(OSError, match=r"servo 3 \(elbow_flex\).*its id"):
        for _ in range(12):
            arm.read(0.008)


def test_a_servo_that_answers_only_after_the_arm_was_opened_is_not_there() -> None:
    line = FakeLine()
    line.servos[2].silent = True
    arm = arm_on(line)
    arm.open()
    line.servos[2].silent = False
    with pytest.raises(OSError, match=r"servo 2 \(shoulder_lift\)"):
        arm.read(0.008)
    arm.open()
    assert arm.read(0.008).age_s == (0.0,) * 6


def test_who_waits_for_a_cut_cable_is_not_kept_long() -> None:
    line = FakeLine()
    arm = opened(line)
    for servo in (3, 4, 5, 6):
        line.servos[servo].silent = True
    began_s = line.now_s
    arm.open()
    assert line.now_s - began_s < 0.6  # of the line's own time: two quick questions each


@given(lost=st.randoms(use_true_random=False), share=st.floats(0.05, 0.9))
@settings(max_examples=60, deadline=None)
def test_whatever_answers_are_lost_is_an_os_error_and_moves_nothing(
    lost: random.Random, share: float
) -> None:
    line = FakeLine()
    line.spoil = lambda answer: b"" if lost.random() < share else answer
    arm = arm_on(line)
    with contextlib.suppress(OSError):
        arm.open()
    for _ in range(8):
        with contextlib.suppress(OSError):
            arm.read(0.008)
        arm.check()
    assert line.writes == []


# -- force and alarms ------------------------------------------------------------------------


def test_the_force_asked_for_becomes_the_jaws_torque_limit() -> None:
    line = FakeLine()
    arm = energised(line)
    jaw = so101().gripper.jaw
    assert jaw is not None
    arm.write((0.0,) * 5, 0.02, 10.0)
    share = 10.0 * jaw.lever_m / FeetechSection().stall_torque_Nm
    assert line.servos[JAW].word(LIMIT) == pytest.approx(1000 * share, abs=1)
    line.servos[JAW].put(60, 1 << 10 | round(1000 * share))
    assert arm.read(0.008).grip_force_N == pytest.approx(10.0, abs=0.1)


def closing(arm: FeetechArm, line: FakeLine, force_N: float, cycles: int, load: int) -> list[int]:
    """Torque limits of a jaw that closes at 0.1 m/s and meets something after ten cycles."""
    limits = []
    for n in range(cycles):
        line.now_s += 0.01
        line.servos[JAW].put(58, 0 if n >= 10 else 1 << 15 | 900)
        line.servos[JAW].put(60, 1 << 10 | (load if n >= 10 else 100))
        arm.read(0.008)
        arm.write((0.0,) * 5, 0.06 - 0.001 * n, force_N)
        limits.append(line.servos[JAW].word(LIMIT))
    return limits


def test_the_jaw_may_be_strong_enough_to_be_fast_until_it_presses() -> None:
    line = FakeLine()
    arm = energised(line)
    limits = closing(arm, line, 5.0, 30, load=300)
    jaw = so101().gripper.jaw
    assert jaw is not None
    pressing = round(1000 * 5.0 * jaw.lever_m / FeetechSection().stall_torque_Nm)
    assert min(limits[2:10]) > 3 * pressing
    assert limits[-1] == pressing
    arm.write((0.0,) * 5, 0.031, 5.0)
    line.now_s += 0.5
    arm.write((0.0,) * 5, 0.031, 5.0)
    assert line.servos[JAW].word(LIMIT) == pressing


def alarm_cases() -> list[tuple[str, Callable[[FakeLine], None]]]:
    def status(bits: int) -> Callable[[FakeLine], None]:
        return lambda line: line.servos[2].memory.__setitem__(65, bits)

    def byte(address: int, value: int) -> Callable[[FakeLine], None]:
        return lambda line: line.servos[2].memory.__setitem__(address, value)

    return [
        ("overload", status(32)),
        ("over_current", status(8)),
        ("over_temperature", status(4)),
        ("encoder", status(2)),
        ("voltage", status(1)),
        ("warm", byte(63, 61)),
        ("hot", byte(63, 66)),
        ("over_temperature", byte(63, 70)),
        ("voltage", byte(62, 60)),
        ("voltage", byte(62, 150)),
    ]


@pytest.mark.parametrize(("code", "ail"), alarm_cases())
def test_what_ails_a_servo_is_an_alarm_of_its_joint(
    code: str, ail: Callable[[FakeLine], None]
) -> None:
    line = FakeLine()
    arm = energised(line)
    assert arm.read(0.008).alarms == ()
    ail(line)
    assert [(a.code, a.joint) for a in arm.read(0.008).alarms] == [(code, "shoulder_lift")]


def test_pushing_without_moving_is_a_stall_after_a_while() -> None:
    line = FakeLine()
    arm = energised(line)
    line.servos[JAW].put(60, 1 << 10 | 700)
    assert "stalled" not in codes(arm)
    line.now_s += 0.6
    assert "stalled" in codes(arm)


def test_a_warm_servo_says_how_long_it_has() -> None:
    line = FakeLine()
    line.servos[2].memory[63] = 60
    arm = energised(line)
    assert arm.read(0.008).alarms[0].text == "60 °C, 10 below its limit"
    line.now_s += 60.0
    line.servos[2].memory[63] = 62
    text = arm.read(0.008).alarms[0].text
    assert text == "62 °C, 8 below its limit, rising 2.0 °C/min: 4 min left"


def test_a_count_that_passed_its_end_is_an_alarm_and_not_a_movement() -> None:
    line = FakeLine()
    arm = energised(line)
    line.servos[5].put(POSITION, 4090)
    arm.read(0.008)
    line.servos[5].put(POSITION, 6)
    assert [(a.code, a.joint) for a in arm.read(0.008).alarms] == [("encoder", "wrist_roll")]


def test_a_softened_gripper_stops_squeezing_until_another_opening_is_asked_for() -> None:
    line = FakeLine()
    arm = energised(line)
    line.servos[JAW].put(POSITION, 2200)
    arm.write((0.0,) * 5, 0.01, 10.0)
    squeezing = goals(line)[JAW]
    assert squeezing != 2200
    arm.read(0.008)
    arm.soften("gripper", 0.2)
    arm.write((0.0,) * 5, 0.01, 10.0)
    assert goals(line)[JAW] == 2200
    assert line.servos[JAW].word(LIMIT) == 100
    arm.restore()
    arm.write((0.0,) * 5, 0.01, 10.0)
    assert goals(line)[JAW] == 2200
    arm.write((0.0,) * 5, 0.03, 10.0)
    assert goals(line)[JAW] != 2200
    assert line.servos[JAW].word(LIMIT) > 100


def test_a_softened_joint_gets_its_torque_back_when_acknowledged() -> None:
    line = FakeLine()
    arm = energised(line)
    arm.soften("elbow_flex", 0.3)
    assert line.servos[3].word(LIMIT) == 300
    arm.restore()
    assert line.servos[3].word(LIMIT) == 1000


# -- by hand ---------------------------------------------------------------------------------


def test_a_guided_arm_sinks_slowly_and_holds_where_the_person_left_it() -> None:
    line = FakeLine()
    arm = energised(line)
    arm.write((0.0,) * 5, 0.02, 5.0)
    squeezed = goals(line)[JAW]
    arm.comply(True)
    strengths = []
    for _ in range(8):
        line.now_s += 0.25
        arm.read(0.008)
        strengths.append(line.servos[2].word(LIMIT) * line.servos[2].memory[TORQUE])
    assert strengths == sorted(strengths, reverse=True)
    assert 0 < strengths[0] < 400 and strengths[-1] == 0
    assert line.servos[JAW].memory[TORQUE] == 1
    for n in (1, 2, 3, 4, 5):
        line.servos[n].put(POSITION, 1800 + n)
    arm.read(0.008)
    arm.comply(False)
    assert goals(line) == {1: 1801, 2: 1802, 3: 1803, 4: 1804, 5: 1805, JAW: squeezed}
    assert [servo.word(LIMIT) for servo in line.servos.values()][:5] == [1000] * 5
    assert arm.energised()
    assert arm.read(0.008).q_cmd_rad == arm.read(0.008).q_rad


def test_ending_while_it_fades_does_not_drop_it() -> None:
    line = FakeLine()
    arm = energised(line)
    arm.comply(True)
    line.now_s += 0.3
    line.servos[3].put(POSITION, 2000)
    arm.read(0.008)
    arm.comply(False)
    assert goals(line)[3] == 2000
    assert line.servos[3].word(LIMIT) == 1000
    assert (40, b"\0") not in {(address, data) for _, address, data in line.writes}


# -- the line --------------------------------------------------------------------------------


def test_an_echoing_adapter_is_noticed_and_its_echo_taken_out() -> None:
    line = FakeLine()
    line.echo = True
    arm = energised(line)
    arm.write((0.1,) * 5, 0.02, 5.0)
    assert goals(line)[1] == round(2048 + 0.1 / RAD)
    assert arm.read(0.008).age_s == (0.0,) * 6
    assert "port_echo" in {f.code for f in arm.check()}


def test_noise_before_every_answer_changes_nothing() -> None:
    line = FakeLine()
    line.spoil = lambda answer: b"\x00\xff\xff\xff\x07" + answer
    arm = energised(line)
    arm.write((0.1,) * 5, 0.02, 5.0)
    assert arm.read(0.008).age_s == (0.0,) * 6


def test_a_section_that_does_not_fit_the_arm_is_refused_by_name() -> None:
    with pytest.raises(CellFileError, match="name each once: shoulder_pan"):
        arm_on(FakeLine(), FeetechSection((ServoSection("elbow", 1),)))


def test_two_lines_are_asked_before_either_is_waited_for() -> None:
    one, other = FakeLine(), FakeLine()
    order: list[str] = []
    for name, line in (("one", one), ("other", other)):

        def send(data: bytes, name: str = name, line: FakeLine = line) -> None:
            order.append(f"ask {name}")
            FakeLine.send(line, data)

        def receive(until_s: float, name: str = name, line: FakeLine = line) -> bytes:
            order.append(f"hear {name}")
            return FakeLine.receive(line, until_s)

        line.send, line.receive = send, receive  # type: ignore[method-assign]
    specs = tuple(msgspec.structs.replace(so101(), name=name) for name in ("one", "other"))
    lines = {"one": one, "other": other}
    group = ArmGroup(specs, {n: energised(line) for n, line in lines.items()}, 0.01, one.clock)
    order.clear()
    group.read(0.008)
    assert order == ["ask one", "ask other", "hear one", "hear other"]
    other.servos[3].silent = True
    group.read(0.008)  # one missed answer is an age, and the other arm is none the worse
    ages = [max(channel.sample.age_s) for channel in group]
    assert ages[0] < 0.001 < ages[1]
