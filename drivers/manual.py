"""Moving by hand: jogging, streamed set-points, hand guiding, stowing, and the way back from
beyond the limits. Part of the core; called by its thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from drivers.arm import CompliantArm
from drivers.arm_group import ArmGroup
from drivers.channel import ArmChannel
from drivers.errors import CellFault, CellRefused
from drivers.fsm import StateMachine
from drivers.guard import PoseGuard
from drivers.hermite import Vector
from drivers.safety import check_trajectory
from drivers.steering import (
    INWARD_SHARE,
    JOG_SHARE,
    JOG_STEP_M,
    JOG_STEP_RAD,
    Steering,
    SteeringKind,
    checked_setpoint,
    checked_validity,
    checked_velocity,
)
from drivers.stow import STOW_TORQUE_SHARE, stow_path
from drivers.ticket import Ticket
from drivers.two_steps import TwoSteps

GUIDE_AT_MOST_S: Final = 600.0
CONFIRM_WITHIN_S: Final = 30.0
AXES: Final = ("x", "y", "z")

Axis = Literal["x", "y", "z"]


class Manual:
    """Orders of a person (or, for streams, of a policy) that are no trajectories."""

    def __init__(
        self,
        fsm: StateMachine,
        arms: ArmGroup,
        guard: PoseGuard,
        clock: Callable[[], float],
        require_free: Callable[[], None],
    ) -> None:
        """``require_free``: raises CellRefused while the cell is held."""
        self._fsm = fsm
        self._arms = arms
        self._guard = guard
        self._clock = clock
        self._require_free = require_free
        self._guide_until_s = 0.0
        self._recovery = TwoSteps(CONFIRM_WITHIN_S)

    # -- orders ----------------------------------------------------------------------------

    def jog_joint(
        self, arm: str, joint: str, step_rad: float, valid_s: float, who: str
    ) -> tuple[str, ...]:
        """Move one joint a finite step; repeated while a key is held. HOLD when it is made.

        Returns:
            The joint, if its range cut the step short.

        Raises:
            CellRefused: Not now, too far, or into something.
        """
        channel = self._channel(arm, "JOG")
        names = [j.name for j in channel.spec.joints]
        if joint not in names:
            raise CellRefused("no_such_joint", f"no joint {joint!r}; {arm} has {', '.join(names)}")
        if not 0.0 < abs(step_rad) <= JOG_STEP_RAD:
            raise CellRefused("invalid", f"a step is at most {JOG_STEP_RAD} rad, not {step_rad}")
        index = names.index(joint)
        share = self._require_inward(channel, index, step_rad)
        spec = channel.spec.joints[index]
        start = self._start_of(channel)
        wanted = start[index] + step_rad
        lo, hi = min(spec.lo_rad, start[index]), max(spec.hi_rad, start[index])
        target = list(start)
        target[index] = min(max(wanted, lo), hi)
        self._jog(channel, start, tuple(target), valid_s, share, who)
        return () if target[index] == wanted else (joint,)

    def jog_tool(
        self, arm: str, axis: Axis, step_m: float, valid_s: float, who: str
    ) -> tuple[str, ...]:
        """Move the tool point a finite step along an axis of the base frame. As :meth:`jog_joint`.

        Raises:
            CellRefused: Also when the cell has no model of its arms, or no joints reach there.
        """
        channel = self._channel(arm, "JOG")
        body = self._guard.body
        if body is None:
            raise CellRefused("no_model", f"arm {arm} has no model here: jog its joints instead")
        if self._arms.recovering:
            raise CellRefused("only_inward", "jog the joint that is beyond its range, inward")
        if axis not in AXES or not 0.0 < abs(step_m) <= JOG_STEP_M:
            raise CellRefused("invalid", f"axis x, y or z; a step of at most {JOG_STEP_M} m")
        start = self._start_of(channel)
        by_m = [step_m if name == axis else 0.0 for name in AXES]
        target = body.shifted(arm, start, by_m)
        if target is None:
            raise CellRefused("unreachable", f"{arm} cannot go {1e3 * step_m:.0f} mm along {axis}")
        for joint, q in zip(channel.spec.joints, target, strict=True):
            if not joint.lo_rad <= q <= joint.hi_rad:
                raise CellRefused("limit", f"{joint.name} would leave its range ({q:.3f} rad)")
        self._jog(channel, start, target, valid_s, JOG_SHARE, who)
        return ()

    def setpoint(
        self,
        arm: str,
        seq: int,
        q_rad: Vector | None,
        dq_rad_s: Vector | None,
        width_m: float | None,
        valid_s: float,
        who: str,
    ) -> tuple[str, ...]:
        """Follow a streamed set-point, or a velocity, until the next or until it expires.

        Args:
            seq: Rises with every set-point of one owner; what is not newer is refused.
            width_m: Where to lead the fingers, if anywhere.

        Returns:
            Joints that had to be clipped to their range.

        Raises:
            CellRefused: Old, malformed, outside limits, a jump, or not now.
        """
        channel = self._channel(arm, "STREAM")
        if seq <= channel.last_seq:
            raise CellRefused("old_seq", f"set-point {seq} is not newer than {channel.last_seq}")
        if (q_rad is None) == (dq_rad_s is None):
            raise CellRefused("invalid", "give q_rad or dq_rad_s, one of them")
        if self._arms.recovering:
            raise CellRefused("only_inward", "an arm is beyond its range: jog it back first")
        until_s = self._clock() + checked_validity(valid_s)
        grip = channel.spec.gripper
        if width_m is not None and not grip.closed_width_m <= width_m <= grip.open_width_m:
            raise CellRefused(
                "limit",
                f"opening {width_m:.4f} m is outside {grip.closed_width_m} to {grip.open_width_m}",
            )
        clipped: tuple[str, ...] = ()
        if q_rad is not None:
            target, clipped = checked_setpoint(channel.spec, q_rad)
            now = channel.steering.aim_rad if channel.steering else channel.gate.q_rad
            self._require_no_worse(channel, now, target)
            fresh = channel.steering is None
            steering = channel.steering or self._new_steering("STREAM", channel)
            if fresh:
                steering.begin(target)
            self._steer(channel, steering, who)
            steering.towards(target, until_s, 1.0)
        elif dq_rad_s is not None:
            velocity = checked_velocity(channel.spec, dq_rad_s)
            steering = channel.steering or self._new_steering("STREAM", channel)
            self._steer(channel, steering, who)
            steering.at_speed(velocity, until_s)
        channel.last_seq = seq
        if width_m is not None:
            channel.open_to(width_m)
        return clipped

    def stow(self, arm: str, ticket: Ticket, who: str) -> None:
        """Start the slow way to the arm's rest pose. Raises CellRefused."""
        channel = self._arms.named(arm)
        if self._fsm.state != "HOLD":
            self._fsm.fire("stow", "", who)
        self._require_free()
        self._require_idle()
        if self._arms.recovering:
            raise CellRefused("only_inward", "an arm is beyond its range: jog it back first")
        path = stow_path(channel.spec, channel.gate.q_rad)
        # The rest pose may lie outside the box that programs work in.
        refusal = check_trajectory(
            channel.spec,
            path,
            channel.gate.q_rad,
            self._arms.dt_s,
            touching=self._guard.touching(arm),
        )
        if refusal is not None:
            raise CellRefused("no_way", f"{arm} cannot stow from here: {refusal.detail}")
        self._arms.ease(arm, STOW_TORQUE_SHARE)
        channel.start_path(ticket, path)
        self._fsm.fire("stow", f"{arm} goes to its rest pose", who)

    # -- hand guiding ----------------------------------------------------------------------

    def guide(self, arm: str, timeout_s: float, who: str) -> None:
        """Let a person move an arm by hand, until told otherwise or the time is over.

        Raises:
            CellRefused: The device cannot be guided, or not now.
            CellFault: It did not obey.
        """
        channel = self._arms.named(arm)
        if self._fsm.state != "HOLD":
            self._fsm.fire("hand_guide", "", who)
        self._require_free()
        self._require_idle()
        driver = channel.driver
        if not isinstance(driver, CompliantArm):
            raise CellRefused("not_compliant", f"the driver of {arm} has no way to be hand-guided")
        if not 0.0 < timeout_s <= GUIDE_AT_MOST_S:
            raise CellRefused("invalid", f"timeout must be within {GUIDE_AT_MOST_S:.0f} s")
        channel.guided, channel.driving = True, False
        self._guide_until_s = self._clock() + timeout_s
        try:
            driver.comply(True)
        except OSError as error:
            self._fsm.fire("fault", f"{arm} cannot be hand-guided: {error}", "driver", "fault")
            raise CellFault(f"{arm} cannot be hand-guided: {error}") from error
        self._fsm.fire("hand_guide", f"{arm} is moved by hand; support it", who)

    def end_guide(self, who: str) -> None:
        """Hold the arm where the person left it."""
        if self._fsm.state == "HAND_GUIDE":
            self._fsm.fire("finish", "hand guiding ended", who)
        self.tick()

    # -- back from beyond the limits -------------------------------------------------------

    def recover(self, who: str, nonce: str, enable: Callable[[], None]) -> str:
        """Two steps out of a pose beyond the limits: ask, look, confirm; then only inward jogging.

        Args:
            enable: Switches torque on where the arms are.
        """
        trigger: Literal["ack_stop", "enable"] = (
            "ack_stop" if self._fsm.state == "PSTOP" else "enable"
        )
        if not self._fsm.allows(trigger):
            self._fsm.fire(trigger, "", who)
        outside = self._arms.outside()
        if outside is None:
            raise CellRefused("not_outside", f"every joint is within its range: {trigger} instead")
        if not nonce:
            self._fsm.note(f"recovery asked: {outside}", who, "recovery_asked")
            return self._recovery.ask(who, self._clock())
        self._recovery.confirm(who, nonce, self._clock())
        for channel in self._arms:
            channel.excuse()
            channel.give_way()
        if trigger == "enable":
            enable()
        self._fsm.fire(trigger, f"only inward: {outside}", who, "recovery")
        return nonce

    # -- every period ----------------------------------------------------------------------

    def tick(self) -> None:
        """End what is over: hand guiding, orders that expired."""
        state, now = self._fsm.state, self._clock()
        if state == "HAND_GUIDE" and now >= self._guide_until_s:
            self._fsm.fire("finish", "the time for hand guiding is over", "driver")
        for channel in self._arms:
            if channel.guided and self._fsm.state != "HAND_GUIDE":
                self._hold_again(channel)
            steering = channel.steering
            if steering is None:
                continue
            if steering.blocked:
                self._fsm.note(f"{channel.spec.name}: {steering.blocked}", "driver", "clip")
                steering.blocked = ""
            if steering.over:
                channel.end_steering()

    # -- inside ----------------------------------------------------------------------------

    def _hold_again(self, channel: ArmChannel) -> None:
        channel.guided = False
        channel.seed(channel.sample.q_rad, channel.sample.width_m)
        driver = channel.driver
        try:
            if isinstance(driver, CompliantArm):
                driver.comply(False)
        except OSError as error:
            self._fsm.note(f"{channel.spec.name} may be limp: {error}", "driver", "alarm")
            if self._fsm.allows("fault"):
                self._fsm.fire("fault", f"{channel.spec.name} may be limp: {error}", "driver")

    def _channel(self, arm: str, kind: SteeringKind) -> ArmChannel:
        channel = self._arms.named(arm)
        fsm = self._fsm
        if fsm.state != "HOLD" and not (fsm.state == "RUN" and fsm.mode == kind):
            fsm.fire("start_jog" if kind == "JOG" else "start_stream", "", "")
        self._require_free()
        if channel.motion is not None or channel.grip is not None:
            raise CellRefused("busy", f"{arm} is still at a motion: abort it first")
        return channel

    def _require_idle(self) -> None:
        if self._arms.in_flight() or self._arms.moving:
            raise CellRefused("busy", "a motion is in flight: abort it first")

    def _require_inward(self, channel: ArmChannel, index: int, step_rad: float) -> float:
        """The share of its speed a joint may be jogged at; beyond the limits only back, slowly."""
        if not self._arms.recovering:
            return JOG_SHARE
        joint, q = channel.spec.joints[index], channel.sample.q_rad[index]
        if (q > joint.hi_rad and step_rad < 0.0) or (q < joint.lo_rad and step_rad > 0.0):
            return INWARD_SHARE
        raise CellRefused("only_inward", "jog the joint that is beyond its range, inward")

    def _start_of(self, channel: ArmChannel) -> Vector:
        return channel.steering.aim_rad if channel.steering else channel.gate.q_rad

    def _jog(
        self,
        channel: ArmChannel,
        start: Vector,
        target: Vector,
        valid_s: float,
        share: float,
        who: str,
    ) -> None:
        until_s = self._clock() + checked_validity(valid_s)
        self._require_no_worse(channel, start, target)
        steering = channel.steering or self._new_steering("JOG", channel)
        self._steer(channel, steering, who)
        steering.towards(target, until_s, share)

    def _require_no_worse(self, channel: ArmChannel, start: Vector, target: Vector) -> None:
        why = self._guard.worse(channel.spec.name, start, target)
        if why is not None:
            raise CellRefused("limit", why)

    def _new_steering(self, kind: SteeringKind, channel: ArmChannel) -> Steering:
        return Steering(kind, channel.spec, self._arms.dt_s, channel.gate)

    def _steer(self, channel: ArmChannel, steering: Steering, who: str) -> None:
        if channel.steering is None:
            channel.steering, channel.driving = steering, True
            channel.monitor.clear()
        if self._fsm.state == "HOLD":
            jogging = steering.kind == "JOG"
            cause = f"{channel.spec.name} is {'jogged' if jogging else 'streamed to'}"
            self._fsm.fire("start_jog" if jogging else "start_stream", cause, who)
