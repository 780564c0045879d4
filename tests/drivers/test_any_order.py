"""No sequence of commands, faults and readings, whatever its order or content, gets a goal past the
limits or the cell into a state that the table does not allow."""

from __future__ import annotations

import contextlib
import errno
import math
from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from stand import AMAX, DT_S, VMAX, arm_spec, cell_info, smooth

from drivers.core import CellCore
from drivers.errors import CellFault, CellRefused
from drivers.fsm import TABLE
from drivers.kinematic_arm import KinematicArm
from drivers.reactions import REACTIONS
from drivers.safety import ACCELERATION_MARGIN, VELOCITY_MARGIN
from drivers.types import Alarm, ArmSample, ArmSpec

ARMS = ("left", "right")
JOINTS = 3

angle = st.one_of(
    st.floats(-2.0, 2.0), st.sampled_from([math.nan, math.inf, -math.inf, 1.5, -1.5, 1.54, 0.0])
)
pose = st.lists(angle, min_size=JOINTS - 1, max_size=JOINTS + 1).map(tuple)
arm = st.sampled_from(ARMS)
joint = st.integers(0, JOINTS - 1)
valid_s = st.sampled_from([0.05, 0.2, 0.5, 1.0, -1.0, math.nan, 1e9])


class WatchedArm(KinematicArm):
    """Asserts about every goal that is written, against what the device was told before."""

    step = (0.0,) * JOINTS
    last_rad: tuple[float, ...] | None = None
    tightest: ArmSpec
    alarms: tuple[Alarm, ...] = ()
    unplugged = False
    state: Callable[[], str]

    def read(self, deadline_s: float) -> ArmSample:
        if self.unplugged:
            raise OSError(errno.EIO, "unplugged")
        return msgspec.structs.replace(super().read(deadline_s), alarms=self.alarms)

    def open(self) -> ArmSpec:
        if self.unplugged:
            raise OSError(errno.ENOENT, "no such port")
        return super().open()

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        if self.unplugged:
            raise OSError(errno.EIO, "unplugged")
        self._answer()
        assert self.state() not in ("LIMP", "OFFLINE", "CHECK")
        if self.q_cmd_rad != self.last_rad:
            # Its set-point was changed by other means than a write: it stands there.
            self.step = (0.0,) * JOINTS
        step = tuple(b - a for a, b in zip(self.q_cmd_rad, q_rad, strict=True))
        for i, spec in enumerate(self.tightest.joints):
            before, measured = self.q_cmd_rad[i], self.q_rad[i]
            # Where it was already beyond, or is measured beyond, it may be; never further out.
            assert q_rad[i] >= min(spec.lo_rad, before, measured) - 1e-9
            assert q_rad[i] <= max(spec.hi_rad, before, measured) + 1e-9
            assert abs(step[i]) <= VMAX * VELOCITY_MARGIN * DT_S + 1e-9
            change = abs(step[i] - self.step[i])
            assert change <= AMAX * ACCELERATION_MARGIN * DT_S**2 + 1e-9
        grip = self.spec.gripper
        assert grip.closed_width_m <= width_m <= grip.open_width_m
        assert 0.0 <= force_N <= grip.max_force_N
        self.step, self.last_rad = step, q_rad
        super().write(q_rad, width_m, force_N)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.t_s = 0.0
        specs = [
            msgspec.structs.replace(arm_spec(name), rest_rad=(0.4, -0.4, 0.2)) for name in ARMS
        ]
        info = msgspec.structs.replace(cell_info(*specs), kind="hardware", clock="wall")
        self.arms = {s.name: WatchedArm(s, lambda: self.t_s, keep=0) for s in specs}
        for spec in specs:
            self.arms[spec.name].tightest = spec
        tool = {name: lambda q: (0.5 * q[0], 0.5 * q[1], 0.2 + 0.1 * q[2]) for name in ARMS}
        self.core = CellCore(info, self.arms, lambda: self.t_s, tool)
        for one in self.arms.values():
            one.state = self.state_now
        self.core.open()
        self.core.set_speed(1.0, "test")
        self.seen = 0
        self.state = ("OFFLINE", None)
        self.seq = 0
        self.nonce = ""
        self.still_s = 0.0

    def state_now(self) -> str:
        """Not as of the last tick."""
        return self.core.events(0)[-1].state

    @contextlib.contextmanager
    def may_refuse(self):  # type: ignore[no-untyped-def]
        before = {name: arm.q_cmd_rad for name, arm in self.arms.items()}
        try:
            yield
        except CellRefused as refused:
            assert refused.text and "\n" not in refused.text
            assert before == {name: arm.q_cmd_rad for name, arm in self.arms.items()}
        except CellFault as fault:
            assert "\n" not in str(fault)

    # -- time ------------------------------------------------------------------------------

    @rule(ticks=st.sampled_from([1, 2, 7, 25, 60]))
    def time_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.t_s += DT_S
            for one in self.arms.values():
                one.advance(DT_S)
            checks = self.core.events(0)[-1].seq if self.core.events(0) else 0
            self.core.tick()
            for event in self.core.events(checks):
                if event.state in ("CHECK", "HAND_GUIDE"):
                    for one in self.arms.values():
                        one.step = (0.0,) * JOINTS
            status = self.core.status()
            standing = status.held or status.state not in ("RUN", "STOW", "HAND_GUIDE")
            reached = standing and not any(o.silent or o.unplugged for o in self.arms.values())
            self.still_s = self.still_s + DT_S if reached else 0.0

    # -- commands --------------------------------------------------------------------------

    @rule(arm=arm, goal=pose, duration_s=st.floats(0.05, 3.0))
    def trajectory(self, arm: str, goal: tuple[float, ...], duration_s: float) -> None:
        held = list(self.core.status().arms[ARMS.index(arm)].q_cmd_rad)
        with self.may_refuse():
            if len(goal) == JOINTS:
                self.core.start_trajectory(arm, smooth(held, list(goal), duration_s), "test")
            else:
                self.core.start_trajectory(arm, smooth([0.0] * len(goal), list(goal), 1.0), "test")

    @rule(arm=arm, width=st.floats(-0.1, 0.2), force=st.floats(-5.0, 50.0))
    def grip(self, arm: str, width: float, force: float) -> None:
        with self.may_refuse():
            self.core.start_grip(arm, width, force, None, "test")

    @rule(arm=arm, joint=joint, step=st.floats(-0.21, 0.21), valid_s=valid_s)
    def jog(self, arm: str, joint: int, step: float, valid_s: float) -> None:
        with self.may_refuse():
            self.core.manual.jog_joint(arm, f"joint{joint + 1}", step, valid_s, "test")

    @rule(arm=arm, axis=st.sampled_from("xyzw"), step=angle)
    def jog_tool(self, arm: str, axis: str, step: float) -> None:
        with self.may_refuse():
            self.core.manual.jog_tool(arm, axis, step, 0.5, "test")  # type: ignore[arg-type]

    @rule(arm=arm, q=pose, seq=st.integers(-2, 1), valid_s=valid_s, width=st.none() | angle)
    def setpoint(self, arm, q, seq, valid_s, width):  # type: ignore[no-untyped-def]
        self.seq += 1
        with self.may_refuse():
            self.core.manual.setpoint(arm, self.seq + seq, q, None, width, valid_s, "test")

    @rule(arm=arm, by=st.lists(st.floats(-0.1, 0.1), min_size=JOINTS, max_size=JOINTS))
    def setpoint_near(self, arm: str, by: list[float]) -> None:
        self.seq += 1
        held = self.core.status().arms[ARMS.index(arm)].q_cmd_rad
        q = tuple(a + b for a, b in zip(held, by, strict=True))
        with self.may_refuse():
            self.core.manual.setpoint(arm, self.seq, q, None, None, 0.3, "test")

    @rule(arm=arm, dq=pose, valid_s=valid_s)
    def velocity(self, arm: str, dq: tuple[float, ...], valid_s: float) -> None:
        self.seq += 1
        with self.may_refuse():
            self.core.manual.setpoint(arm, self.seq, None, dq, None, valid_s, "test")

    @rule(arm=arm)
    def stow(self, arm: str) -> None:
        with self.may_refuse():
            self.core.stow(arm, "test")

    @rule(arm=arm, timeout_s=st.sampled_from([0.0, 0.5, 5.0, -1.0, math.nan, 1e9]))
    def guide(self, arm: str, timeout_s: float) -> None:
        with self.may_refuse():
            self.core.guide(arm, timeout_s, "test")

    @rule(
        arm=arm,
        lo=pose,
        hi=pose,
        share=st.sampled_from([1.0, 0.9, 2.0, 0.0, math.nan]),
    )
    def tighten(self, arm, lo, hi, share):  # type: ignore[no-untyped-def]
        with self.may_refuse():
            self.core.tighten(arm, lo, hi, share, ((), ()), "test")
            self.arms[arm].tightest = next(a for a in self.core.info.arms if a.name == arm)

    @rule(arm=arm, inward=st.floats(0.0, 0.3))
    def tighten_sensibly(self, arm: str, inward: float) -> None:
        spec = next(a for a in self.core.info.arms if a.name == arm)
        lo = tuple(j.lo_rad + inward * 0.1 for j in spec.joints)
        hi = tuple(j.hi_rad - inward * 0.1 for j in spec.joints)
        with self.may_refuse():
            self.core.tighten(arm, lo, hi, 1.0, ((), ()), "test")
            self.arms[arm].tightest = next(a for a in self.core.info.arms if a.name == arm)

    @rule(act=st.sampled_from(["hold", "resume", "abort", "ack", "clear", "enable", "speed"]))
    def act(self, act: str) -> None:
        core = self.core
        with self.may_refuse():
            match act:
                case "hold":
                    core.hold("test", "test")
                case "resume":
                    core.resume("test")
                case "abort":
                    core.abort("test")
                case "ack":
                    core.ack_stop("test")
                case "clear":
                    core.clear_fault("test")
                case "enable":
                    core.enable("test")
                case "speed":
                    core.set_speed(1.0, "test")

    @rule()
    def put_right(self) -> None:
        """As an operator would: link, complaint, acknowledgement, torque, resume."""
        for one in self.arms.values():
            one.silent, one.unplugged, one.alarms, one.walls = False, False, (), {}
        self.time_passes(60)
        for act in ("clear", "ack", "enable", "resume"):
            self.act(act)
        self.time_passes(2)

    @rule(confirm=st.booleans(), release=st.booleans())
    def two_steps(self, confirm: bool, release: bool) -> None:
        with self.may_refuse():
            step = self.core.release_torque if release else self.core.recover
            self.nonce = step("test", self.nonce if confirm else "")

    # -- what happens to the arms ----------------------------------------------------------

    @rule(arm=arm, joint=joint, by=st.floats(-0.4, 0.4))
    def pushed(self, arm: str, joint: int, by: float) -> None:
        self.arms[arm].q_rad[joint] += by

    @rule(arm=arm, joint=joint, at=st.none() | st.floats(-1.0, 1.0))
    def wall(self, arm: str, joint: int, at: float | None) -> None:
        self.arms[arm].walls = {} if at is None else {joint: at}

    @rule(arm=arm, how=st.sampled_from(["silent", "unplugged", "back"]))
    def link(self, arm: str, how: str) -> None:
        self.arms[arm].silent = how == "silent"
        self.arms[arm].unplugged = how == "unplugged"

    @rule(arm=arm, code=st.none() | st.sampled_from(sorted(REACTIONS)))
    def complains(self, arm: str, code) -> None:  # type: ignore[no-untyped-def]
        self.arms[arm].alarms = () if code is None else (Alarm(code, "joint2", "test"),)

    # -- always ----------------------------------------------------------------------------

    @invariant()
    def every_transition_is_in_the_table(self) -> None:
        for event in self.core.events(self.seen):
            now = (event.state, event.mode)
            if now != self.state:
                ways = {after for (before, _), after in TABLE.items() if before == self.state[0]}
                assert now in ways, f"{self.state} to {now}: {event}"
            self.state, self.seen = now, event.seq
        status = self.core.status()
        assert (status.mode is not None) == (status.state == "RUN")

    @invariant()
    def what_should_stand_comes_to_rest(self) -> None:
        if self.still_s > 1.5 and self.state_now() not in ("RUN", "STOW"):
            assert self.core.at_rest


AnyOrder.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase
