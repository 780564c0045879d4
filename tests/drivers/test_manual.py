"""Moving by hand and by orders, on kinematic arms with an injected clock."""

from __future__ import annotations

import errno
import itertools

import msgspec
import numpy as np
import pytest
from stand import DT_S, VMAX, Stand, arm_spec, cell_info, smooth

from drivers.errors import CellRefused
from drivers.kinematic_arm import KinematicArm
from drivers.reactions import REACTIONS, reaction_to
from drivers.steering import JOG_SHARE, START_AT_MOST_RAD
from drivers.stow import rests
from drivers.types import Alarm, ArmSample, ArmSpec, CellInfo

REST = (0.5, -0.4, 0.3)


def bench(*names: str, **info: object) -> CellInfo:
    arms = (msgspec.structs.replace(arm_spec(n), rest_rad=REST) for n in names or ("left",))
    return msgspec.structs.replace(cell_info(*arms), **info)


@pytest.fixture
def stand() -> Stand:
    stand = Stand(bench())
    stand.core.open()
    return stand


def state(stand: Stand) -> tuple[str, str | None]:
    return stand.core.status().state, stand.core.status().mode


def setpoint(stand: Stand, seq: int, q: list[float], valid_s: float = 0.1) -> tuple[str, ...]:
    return stand.core.manual.setpoint("left", seq, tuple(q), None, None, valid_s, "ann")


# -- jogging -----------------------------------------------------------------------------------


def test_a_jog_is_a_finite_slow_step_and_ends_in_hold(stand: Stand) -> None:
    assert stand.core.manual.jog_joint("left", "joint2", 0.1, 1.0, "ann") == ()
    stand.step()
    assert state(stand) == ("RUN", "JOG")
    stand.step(60)
    assert state(stand) == ("HOLD", None)
    assert stand.arm.q_rad == pytest.approx([0.0, 0.1, 0.0], abs=1e-3)
    rows = stand.arm.written
    fastest = max(abs(b[1] - a[1]) for a, b in itertools.pairwise(rows)) / DT_S
    assert fastest <= JOG_SHARE * VMAX * 1.01


def test_a_jog_whose_owner_stops_asking_stops(stand: Stand) -> None:
    stand.core.manual.jog_joint("left", "joint1", 0.2, 0.05, "ann")
    stand.step(60)
    assert state(stand) == ("HOLD", None)
    assert 0.0 < stand.arm.q_rad[0] < 0.08


def test_a_jog_over_the_end_of_a_joint_says_so(stand: Stand) -> None:
    stand.finish(stand.goto([1.45, 0.0, 0.0]))
    assert stand.core.manual.jog_joint("left", "joint1", 0.2, 2.0, "ann") == ("joint1",)
    stand.step(100)
    assert stand.arm.q_rad[0] == pytest.approx(1.5, abs=1e-3)


@pytest.mark.parametrize(
    ("joint", "step", "valid_s", "code"),
    [
        ("joint1", 0.5, 1.0, "invalid"),
        ("joint1", float("nan"), 1.0, "invalid"),
        ("joint1", 0.1, 60.0, "invalid"),
        ("elbow", 0.1, 1.0, "no_such_joint"),
    ],
)
def test_a_jog_that_is_not_finite_and_short_is_refused(
    stand: Stand, joint: str, step: float, valid_s: float, code: str
) -> None:
    with pytest.raises(CellRefused) as refused:
        stand.core.manual.jog_joint("left", joint, step, valid_s, "ann")
    assert refused.value.code == code
    stand.step(20)
    assert stand.arm.written == []


def test_without_a_model_the_tool_is_not_jogged(stand: Stand) -> None:
    with pytest.raises(CellRefused, match="jog its joints"):
        stand.core.manual.jog_tool("left", "x", 0.01, 1.0, "ann")


def test_a_hold_ends_a_jog_and_nothing_is_jogged_while_held(stand: Stand) -> None:
    stand.core.manual.jog_joint("left", "joint1", 0.2, 1.0, "ann")
    stand.step(5)
    stand.core.hold("x", "bob")
    stand.step(50)
    there = stand.arm.q_rad[0]
    with pytest.raises(CellRefused, match="resume first"):
        stand.core.manual.jog_joint("left", "joint1", 0.1, 1.0, "ann")
    stand.core.resume("ann")
    stand.step(100)
    assert stand.arm.q_rad[0] == pytest.approx(there, abs=1e-6)


# -- streams -----------------------------------------------------------------------------------


def test_the_newest_set_point_wins_and_silence_ends_in_hold(stand: Stand) -> None:
    for n in range(40):
        setpoint(stand, n, [0.01 * n, 0.0, 0.0])
        stand.step()
    assert state(stand) == ("RUN", "STREAM")
    assert stand.core.status().arms[0].q_cmd_rad[0] == pytest.approx(0.39, abs=0.03)
    stand.step(60)
    assert state(stand) == ("HOLD", None) and not stand.core.status().held
    before = stand.arm.q_rad[0]
    stand.step(50)
    assert stand.arm.q_rad[0] == pytest.approx(before, abs=1e-6)


def test_old_and_replayed_set_points_are_refused_also_after_the_stream_ended(stand: Stand) -> None:
    setpoint(stand, 7, [0.02, 0.0, 0.0])
    for seq in (7, 3):
        with pytest.raises(CellRefused, match="not newer"):
            setpoint(stand, seq, [0.0, 0.0, 0.0])
    stand.step(60)
    with pytest.raises(CellRefused, match="not newer"):
        setpoint(stand, 7, [0.02, 0.0, 0.0])
    stand.core.lease = "bob"
    setpoint(stand, 0, [0.02, 0.0, 0.0])


def test_the_first_set_point_is_no_jump(stand: Stand) -> None:
    with pytest.raises(CellRefused, match="joint3 is held"):
        setpoint(stand, 1, [0.0, 0.0, START_AT_MOST_RAD + 0.01])
    setpoint(stand, 1, [0.0, 0.0, 0.15], 0.3)
    stand.step(10)
    crept = stand.core.status().arms[0].q_cmd_rad[2]
    assert 0.0 < crept < 0.1 * VMAX * 10 * DT_S * 1.1, "it is approached slowly"


def test_a_set_point_a_little_outside_is_clipped_and_far_outside_refused(stand: Stand) -> None:
    stand.finish(stand.goto([1.45, 0.0, 0.0]))
    assert setpoint(stand, 1, [1.52, 0.0, 0.0]) == ("joint1",)
    with pytest.raises(CellRefused, match=r"joint1 = 1\.700"):
        setpoint(stand, 2, [1.7, 0.0, 0.0])


def test_velocities_are_followed_while_they_are_valid(stand: Stand) -> None:
    stand.core.manual.setpoint("left", 1, None, (0.5, 0.0, -0.5), 0.02, 0.5, "ann")
    stand.step(40)
    q = stand.core.status().arms[0].q_cmd_rad
    assert q[0] == pytest.approx(0.2, abs=0.05) and q[2] == pytest.approx(-0.2, abs=0.05)
    stand.step(100)
    assert state(stand)[0] == "HOLD" and stand.arm.width_m == pytest.approx(0.02, abs=1e-3)
    with pytest.raises(CellRefused, match=r"at most 2\.00"):
        stand.core.manual.setpoint("left", 2, None, (3.0, 0.0, 0.0), None, 0.5, "ann")


def test_a_stream_stops_at_the_box_and_says_why() -> None:
    tool = {"left": lambda q: (q[0], 0.0, 0.2)}
    stand = Stand(bench(), tool_xyz=tool)
    stand.core.open()
    with pytest.raises(CellRefused, match="leave the workspace"):
        setpoint(stand, 1, [1.2, 0.0, 0.0])
    stand.finish(stand.goto([0.9, 0.0, 0.0]))
    stand.core.manual.setpoint("left", 1, None, (1.5, 0.0, 0.0), None, 1.0, "ann")
    stand.step(120)
    assert stand.arm.q_rad[0] == pytest.approx(1.0, abs=0.02)
    assert any(e.code == "clip" and "x = " in e.cause for e in stand.core.events(0))
    assert state(stand)[0] == "HOLD"


def test_a_trajectory_and_a_stream_do_not_mix(stand: Stand) -> None:
    setpoint(stand, 1, [0.02, 0.0, 0.0])
    with pytest.raises(CellRefused, match="STREAM"):
        stand.goto([0.5, 0.0, 0.0])
    stand.step(60)
    stand.goto([0.5, 0.0, 0.0])
    with pytest.raises(CellRefused, match="not_in_RUN"):
        setpoint(stand, 2, [0.02, 0.0, 0.0])


# -- stowing -----------------------------------------------------------------------------------


def test_stowing_is_slow_and_ends_where_torque_may_go(stand: Stand) -> None:
    stand.step()
    assert not stand.core.status().stowed
    ticket = stand.core.stow("left", "ann")
    stand.step()
    assert state(stand) == ("STOW", None)
    rest = np.array(stand.arm.spec.rest_rad)
    while state(stand)[0] == "STOW":
        assert not stand.core.status().stowed, "it is near, and still on its way"
        stand.step()
    stand.finish(ticket)
    assert ticket.report.status == "OK"
    assert np.abs(np.array(stand.arm.q_rad) - rest).max() < 0.01, "it went all the way"
    assert stand.core.status().stowed and stand.core.status().cause == "stowed"
    assert ticket.report.ended_s - ticket.report.started_s > 2.0


@pytest.mark.parametrize(("arrives_rad", "stowed"), [(0.05, False), (0.08, True)])
def test_an_arm_that_sags_rests_as_far_off_as_it_arrives(arrives_rad: float, stowed: bool) -> None:
    spec = msgspec.structs.replace(
        arm_spec(), rest_rad=(0.5, 0.5, 0.5), arrival_tolerance_rad=arrives_rad
    )
    sagging = (0.5, 0.43, 0.5)
    assert rests(spec, sagging) is stowed


def test_a_blocked_stow_is_a_protective_stop(stand: Stand) -> None:
    stand.arm.walls[0] = 0.2
    stand.finish(stand.core.stow("left", "ann"))
    stand.step(30)
    assert state(stand)[0] == "PSTOP" and "blocked while stowing" in stand.core.status().cause


def test_an_arm_without_a_rest_pose_is_not_stowed() -> None:
    stand = Stand()
    stand.core.open()
    with pytest.raises(CellRefused, match="no rest_rad"):
        stand.core.stow("left", "ann")
    assert stand.core.status().state == "HOLD"


# -- hand guiding ------------------------------------------------------------------------------


def test_a_guided_arm_goes_where_it_is_put_and_is_held_there(stand: Stand) -> None:
    stand.core.guide("left", 0.5, "ann")
    stand.step(10)
    assert state(stand)[0] == "HAND_GUIDE"
    stand.arm.q_rad[:] = [0.6, 0.3, -0.2]
    stand.step(10)
    assert stand.arm.written == []
    stand.step(50)
    assert state(stand)[0] == "HOLD" and "time" in stand.core.status().cause
    stand.step(50)
    assert stand.arm.q_rad == pytest.approx([0.6, 0.3, -0.2])
    assert stand.finish(stand.goto([0.5, 0.3, -0.2])).report.status == "OK"


def test_a_stop_ends_hand_guiding(stand: Stand) -> None:
    stand.core.guide("left", 60.0, "ann")
    stand.step(5)
    stand.core.hold("x", "bob")
    stand.step(2)
    assert state(stand)[0] == "HOLD"
    before = list(stand.arm.q_rad)
    stand.arm.q_cmd_rad = tuple(before)
    stand.step(20)
    assert stand.arm.q_rad == pytest.approx(before)


def test_an_arm_that_cannot_comply_is_not_guided(stand: Stand) -> None:
    class Rigid:
        """A driver with only what it must have."""

        def __init__(self, arm: KinematicArm) -> None:
            self.open, self.check, self.read, self.close = arm.open, arm.check, arm.read, arm.close
            self.energised, self.energise = arm.energised, arm.energise
            self.release, self.write = arm.release, arm.write

    stand.core._arms.named("left").driver = Rigid(stand.arm)  # type: ignore[assignment]
    with pytest.raises(CellRefused, match="no way to be hand-guided"):
        stand.core.guide("left", 1.0, "ann")
    assert stand.core.status().state == "HOLD"


# -- beyond the limits -------------------------------------------------------------------------


@pytest.mark.parametrize("energised", [True, False])
def test_from_beyond_the_limits_there_is_only_a_slow_confirmed_way_inward(energised: bool) -> None:
    stand = Stand(bench(), energised=energised)
    stand.core.open()
    stand.arm.q_rad[0] = 1.75
    if energised:
        stand.arm.q_cmd_rad = (1.75, 0.0, 0.0)
    stand.step(2)
    assert stand.core.status().state == ("PSTOP" if energised else "LIMP")
    with pytest.raises(CellRefused, match="recover"):
        (stand.core.ack_stop if energised else stand.core.enable)("ann")
    nonce = stand.core.recover("ann")
    with pytest.raises(CellRefused, match="nonce"):
        stand.core.recover("bob", nonce)
    stand.core.recover("ann", stand.core.recover("ann"))
    stand.step(40)
    assert stand.core.status().state == "HOLD"
    assert stand.arm.q_rad[0] == pytest.approx(1.75, abs=0.01)
    for forbidden in (
        lambda: stand.goto([1.0, 0.0, 0.0]),
        lambda: stand.core.stow("left", "ann"),
        lambda: setpoint(stand, 1, [1.5, 0.0, 0.0]),
        lambda: stand.core.manual.jog_joint("left", "joint1", 0.1, 1.0, "ann"),
        lambda: stand.core.manual.jog_joint("left", "joint2", -0.1, 1.0, "ann"),
    ):
        with pytest.raises(CellRefused):
            forbidden()
    for _ in range(30):
        if stand.arm.q_rad[0] > 1.53:
            stand.core.manual.jog_joint("left", "joint1", -0.05, 1.0, "ann")
        stand.step(60)
    assert stand.core.status().state == "HOLD" and stand.arm.q_rad[0] < 1.55
    firsts = [row[0] for row in stand.arm.written]
    assert max(firsts) <= 1.75 + 1e-9
    fastest = max(abs(b - a) for a, b in itertools.pairwise(firsts)) / DT_S
    assert fastest < 0.05 * VMAX * 1.1
    assert stand.finish(stand.goto([1.0, 0.0, 0.0])).report.status == "OK"


# -- tightening --------------------------------------------------------------------------------


def test_limits_are_tightened_and_never_widened(stand: Stand) -> None:
    core = stand.core
    core.tighten("left", (-0.5,) * 3, (0.5,) * 3, 0.5, ((), ()), "ann")
    assert core.info.arms[0].joints[0].hi_rad == 0.5
    assert stand.goto([0.6, 0.0, 0.0]).report.status == "LIMIT"
    assert stand.goto([0.4, 0.0, 0.0], 0.4).report.status == "LIMIT", "half as fast"
    assert stand.finish(stand.goto([0.4, 0.0, 0.0], 2.0)).report.status == "OK"
    stand.step()
    for wider in (((-0.6,) * 3, (), 1.0, ((), ())), ((), (), 1.5, ((), ()))):
        with pytest.raises(CellRefused):
            core.tighten("left", *wider, "ann")  # type: ignore[arg-type]
    with pytest.raises(CellRefused, match="workspace"):
        core.tighten("left", (), (), 1.0, ((-2.0, -1.0, -0.5), ()), "ann")
    with pytest.raises(CellRefused, match="joint1 is at"):
        core.tighten("left", (), (0.3,) * 3, 1.0, ((), ()), "ann")


# -- alarms ------------------------------------------------------------------------------------


class Complaining(KinematicArm):
    alarms: tuple[Alarm, ...] = ()
    softened: tuple[tuple[str, float], ...] = ()

    def read(self, deadline_s: float) -> ArmSample:
        return msgspec.structs.replace(super().read(deadline_s), alarms=self.alarms)

    def soften(self, joint: str, fraction: float) -> None:
        self.softened += ((joint, fraction),)

    def restore(self) -> None:
        self.softened = ()


@pytest.fixture
def complaining() -> Stand:
    stand = Stand(bench(kind="hardware", clock="wall"))
    arm = Complaining(stand.info.arms[0], stand.clock)
    stand.arms["left"] = arm
    stand.core._arms.named("left").driver = arm
    stand.core.open()
    return stand


def test_the_way_to_rest_is_made_with_less_torque_and_ends_with_all_of_it(
    complaining: Stand,
) -> None:
    stand, core = complaining, complaining.core
    core.enable("ann")
    ticket = core.stow("left", "ann")
    stand.step()
    joints = {joint for joint, _ in stand.arm.softened}  # type: ignore[attr-defined]
    assert joints == {joint.name for joint in stand.info.arms[0].joints}, "and not the gripper"
    stand.finish(ticket)
    stand.step(2)
    assert stand.arm.softened == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", sorted(REACTIONS))
def test_every_complaint_has_the_reaction_of_the_table(complaining: Stand, code) -> None:  # type: ignore[no-untyped-def]
    stand, core = complaining, complaining.core
    core.set_speed(1.0, "ann")
    ticket = stand.goto([1.0, 0.0, 0.0], 3.0)
    stand.step(30)
    alarm = Alarm(code, "joint2", "words")
    stand.arm.alarms = (alarm,)  # type: ignore[attr-defined]
    stand.step(100)
    status, reaction = core.status(), reaction_to(alarm)
    assert any("words" in text for text in status.alarms)
    told = [e for e in core.events(0) if "joint2: words" in e.cause and e.code != "transition"]
    assert told and len([e for e in told if e.code in ("alarm", "stow_offer")]) == 1
    softened = stand.arm.softened  # type: ignore[attr-defined]
    if reaction == "hold":
        assert status.state == "HOLD" and status.held and softened == (("joint2", 0.5),)
        core.resume("ann")
        stand.finish(ticket)
        assert ticket.report.status == "OK" and not stand.arm.softened  # type: ignore[attr-defined]
    elif reaction == "pstop":
        assert status.state == "PSTOP" and ticket.report.status == "STOPPED"
        with pytest.raises(CellRefused, match="words"):
            core.ack_stop("ann")
        stand.arm.alarms = ()  # type: ignore[attr-defined]
        stand.step()
        core.ack_stop("ann")
    else:
        assert status.state == "RUN" and softened == ()


def test_an_operators_stop_and_a_fault_lower_the_speed_of_hardware(complaining: Stand) -> None:
    core, stand = complaining.core, complaining
    assert core.status().speed == 0.25
    core.set_speed(1.0, "ann")
    stand.step()
    core.hold("fell silent", "watchdog")
    stand.step()
    assert core.status().speed == 1.0
    core.resume("ann")
    stand.step()
    core.hold("x", "ann")
    stand.step()
    assert core.status().speed == 0.25


# -- several devices ---------------------------------------------------------------------------


class Unplugged(KinematicArm):
    gone = False

    def read(self, deadline_s: float) -> ArmSample:
        if self.gone:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(deadline_s)

    def open(self) -> ArmSpec:
        if self.gone:
            raise OSError(errno.ENOENT, "no such port")
        return super().open()


def test_one_arm_unplugged_is_lost_at_once_and_the_other_brakes_within_its_limits() -> None:
    stand = Stand(bench("left", "right"))
    left = Unplugged(stand.info.arms[0], stand.clock)
    stand.arms["left"] = left
    stand.core._arms.named("left").driver = left
    stand.core.open()
    stand.core.start_trajectory("right", smooth([0] * 3, [1.0, 0.0, 0.0], 1.2), "me")
    stand.step(60)
    left.gone = True
    stand.step(1)
    assert stand.core.status().state == "LOST"
    stand.step(40)
    rows = [row[0] for row in stand.arms["right"].written]
    steps = [b - a for a, b in itertools.pairwise(rows)]
    worst = max(abs(b - a) for a, b in itertools.pairwise(steps))
    assert steps[-1] == 0.0 and min(steps) >= 0.0 and worst <= 10.0 * 1.1 * DT_S**2 + 1e-9
    left.gone = False
    stand.step(60)
    assert stand.core.status().state == "PSTOP", "it comes back without motion, for a person"
    stand.core.ack_stop("me")
    assert stand.core.status().state == "HOLD"


def test_a_violation_of_one_arm_stops_all() -> None:
    stand = Stand(bench("left", "right"))
    stand.core.open()
    ticket = stand.core.start_trajectory("right", smooth([0] * 3, [1.0, 0, 0], 2.0), "me")
    stand.step(50)
    stand.arms["left"].q_rad[0] = 4.0
    stand.finish(ticket)
    assert stand.core.status().state == "PSTOP" and ticket.report.status == "STOPPED"


def test_enabling_holds_where_the_arm_is_and_not_where_it_was_last_seen() -> None:
    stand = Stand(bench(), energised=False)
    stand.core.open()
    stand.arm.q_rad[:] = [0.1, -0.2, 0.3]
    stand.core.enable("ann")
    stand.step(50)
    assert stand.arm.q_rad == pytest.approx([0.1, -0.2, 0.3], abs=1e-9)
