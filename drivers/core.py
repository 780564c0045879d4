"""The heart of a cell: one control period at a time, for one or more arms.

Read all, judge, follow, filter, write. The clock is injected, so a stand-in runs it in simulated
time and a host in wall time. One thread owns the core; ``hold``, ``resume``, ``abort``,
``set_speed`` and ``status`` may be called from any thread and take effect at the next tick.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Literal

from drivers.arm import ArmDriver
from drivers.arm_group import ArmGroup
from drivers.channel import ArmChannel
from drivers.errors import CellFault, CellRefused
from drivers.fsm import ENERGISED, StateMachine
from drivers.safety import ToolXyz, check_grip, check_trajectory
from drivers.ticket import Ticket
from drivers.two_steps import TwoSteps
from drivers.types import (
    CellEvent,
    CellInfo,
    CellStatus,
    Finding,
    MotionStatus,
    SampleLog,
    Trajectory,
)

BAD_CYCLES_ALARM: Final = 3
BLIND_STOP_S: Final = 0.1
BLIND_LOST_S: Final = 0.5
RECONNECT_S: Final = 0.5
RELEASE_WITHIN_S: Final = 10.0
HARDWARE_START_SPEED: Final = 0.25
"""Speed override after enabling real drives: going faster is an act of its own."""

_Act = tuple[Literal["hold", "resume", "abort", "speed"], str, str, float]


class CellCore:
    """The arms of one cell behind one state machine, one set of limits and one last gate."""

    def __init__(
        self,
        info: CellInfo,
        arms: Mapping[str, ArmDriver],
        clock: Callable[[], float],
        tool_xyz: Mapping[str, ToolXyz] | None = None,
    ) -> None:
        """Join drivers to a core; touches no device.

        Args:
            tool_xyz: Per arm, joints to tool point in the base frame; without it the workspace box
                is not checked for that arm.
        """
        self.info = info
        self.findings: list[Finding] = []
        self.lease: str | None = None
        """Who holds the cell, for people; kept by the server."""
        self._clock = clock
        self._dt_s = 1.0 / info.control_hz
        self._tool_xyz = dict(tool_xyz or {})
        self._fsm = StateMachine(clock)
        self._arms = ArmGroup(info.arms, arms, self._dt_s, clock)
        self._tickets = 0
        self._held = False
        self._speed = 1.0 if info.kind == "sim" else HARDWARE_START_SPEED
        self._acts: deque[_Act] = deque()
        self._bad_cycles = 0
        self._last_heard_s = clock()
        self._next_reconnect_s = 0.0
        self._release = TwoSteps(RELEASE_WITHIN_S)
        self._loop = (0.0, 0, False)
        self._status = self._make_status()

    # -- connecting ------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and check, read-only: ends in HOLD when the drives hold torque, else in LIMP."""
        self._fsm.fire("connect", "connecting", "driver")
        self._check(returned=False)
        self._status = self._make_status()

    def _check(self, returned: bool) -> None:
        try:
            self.findings = self._arms.connect()
            energised = self._arms.energised()
        except OSError as error:
            self._lose(str(error))
            return
        self._last_heard_s, self._bad_cycles = self._clock(), 0
        bad = next((f"{f.what}: {f.seen}" for f in self.findings if f.severity == "error"), None)
        bad = bad or self._arms.outside()
        self._arms.leave_alone()
        self._arms.adopt()
        if bad is not None:
            self._fsm.fire("check_failed", bad, "driver", "check_failed")
        elif not energised:
            self._fsm.fire("checked_limp", "drives are off", "driver")
        elif returned:
            self._fsm.fire("checked_returned", "the device came back; look, then ack", "driver")
        else:
            self._fsm.fire("checked_hold", "adopted as it was found", "driver")

    def close(self) -> None:
        """Disconnect, leaving torque as it is. Nothing moves."""
        self._end_all("STOPPED", "the driver was closed")
        self._arms.close()
        self._fsm.fire("disconnect", "closed", "driver")
        self._status = self._make_status()

    def adopt(self, who: str) -> None:
        """Take the devices' own set-points as ours after they were moved by other means.

        For a stand-in whose scene was reset. Refused while a motion is in flight.
        """
        if self._fsm.state not in ("HOLD", "LIMP", "PSTOP"):
            raise CellRefused(f"not_in_{self._fsm.state}", "cannot adopt a pose now")
        self.require_idle()
        self._arms.read(10.0 * self._dt_s)
        self._arms.adopt()
        self._fsm.note("set-points adopted from the device", who, "adopt")
        self._status = self._make_status()

    @property
    def at_rest(self) -> bool:
        """Whether every set-point stands still and nothing is moving."""
        return self._fsm.state != "RUN" and self._arms.at_rest

    def require_idle(self) -> None:
        """Raises CellRefused while a motion or a wait is in flight."""
        if self._arms.in_flight():
            raise CellRefused("busy", "a motion is in flight: abort it first")

    # -- commands of the owning thread -----------------------------------------------------

    def enable(self, who: str) -> None:
        """Switch torque on at the measured pose: LIMP to HOLD. Idempotent in HOLD."""
        if self._fsm.state == "HOLD":
            return
        if not self._fsm.allows("enable"):
            self._fsm.fire("enable", "", who)
        outside = self._arms.outside()
        if outside is not None:
            raise CellRefused("pose_outside_limits", outside)
        try:
            self._arms.energise()
        except OSError as error:
            self._fsm.fire("fault", f"enabling failed: {error}", "driver", "fault")
            raise CellFault(f"enabling failed: {error}") from error
        self._held = False
        self._speed = 1.0 if self.info.kind == "sim" else HARDWARE_START_SPEED
        self._fsm.fire("enable", "drives enabled", who)
        self._status = self._make_status()

    def start_trajectory(self, arm: str, trajectory: Trajectory, who: str) -> Ticket:
        """Start following a trajectory; while held it waits for ``resume``.

        Returns:
            A ticket; already done with LIMIT or INVALID when the trajectory may not run.

        Raises:
            CellRefused: Not in a state to move, or the arm is busy.
        """
        channel = self._ready(arm, "motion")
        ticket = self._ticket("trajectory", arm, who)
        refusal = check_trajectory(
            channel.spec,
            trajectory,
            channel.gate.q_rad,
            self._dt_s,
            self.info.workspace,
            self._tool_xyz.get(arm),
        )
        if refusal is not None:
            channel.refuse_path(ticket, trajectory, refusal)
            self._fsm.note(f"{arm}: {refusal.detail}", who, "refused")
            return ticket
        channel.start_path(ticket, trajectory)
        self._run(f"{arm} follows a path of {trajectory.duration_s:.2f} s", who)
        return ticket

    def start_grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None, who: str
    ) -> Ticket:
        """Start driving the fingers to an opening. As :meth:`start_trajectory` otherwise."""
        channel = self._ready(arm, "grip")
        ticket = self._ticket("grip", arm, who)
        spec = channel.spec.gripper
        speed = spec.max_speed_m_s if speed_m_s is None else speed_m_s
        refusal = check_grip(spec, width_m, force_N, speed)
        if refusal is not None:
            channel.refuse_grip(ticket, width_m, refusal)
            self._fsm.note(f"{arm}: {refusal.detail}", who, "refused")
            return ticket
        channel.start_fingers(ticket, width_m, force_N, speed)
        self._run(f"{arm} moves its fingers to {1e3 * width_m:.0f} mm", who)
        return ticket

    def start_wait(self, duration_s: float, who: str) -> Ticket:
        """Let cell time pass with the arms holding; stands still while held."""
        if not 0.0 <= duration_s <= 3600.0:
            raise CellRefused("invalid", f"cannot wait {duration_s} s; 0 to 3600")
        if self._fsm.state not in ("HOLD", "RUN", "LIMP"):
            self._fsm.fire("start_traj", "", who)
        ticket = self._ticket("wait", "", who)
        ticket.remaining_s = duration_s
        ticket.done = duration_s == 0.0
        if not ticket.done:
            self._arms.add_wait(ticket)
        return ticket

    def ack_stop(self, who: str) -> None:
        """Acknowledge a protective stop once its cause is gone: PSTOP to HOLD, never to RUN."""
        if self._fsm.state == "PSTOP":
            outside = self._arms.outside()
            if outside is not None or self._bad_cycles:
                raise CellRefused("cause_stands", outside or "the device does not answer reliably")
        self._fsm.fire("ack_stop", "stop acknowledged", who)
        self._status = self._make_status()

    def clear_fault(self, who: str) -> None:
        """Check the device again after a fault was mended."""
        self._fsm.fire("clear_fault", "fault cleared, checking", who)
        self._check(returned=True)
        self._status = self._make_status()

    def release_torque(self, who: str, nonce: str = "") -> str:
        """Switch torque off in two steps; the arm will fall.

        Called without a nonce it only answers with one. Called with it, by the same person within
        10 s, it releases: HOLD to LIMP.
        """
        if self._fsm.state != "HOLD":
            self._fsm.fire("release", "", who)
        self.require_idle()
        if not nonce:
            self._fsm.note("torque release asked; support the arm", who, "release_asked")
            return self._release.ask(who, self._clock())
        self._release.confirm(who, nonce, self._clock())
        self._arms.release()
        self._held = False
        self._fsm.fire("release", "torque released", who)
        self._status = self._make_status()
        return nonce

    # -- from any thread -------------------------------------------------------------------

    def hold(self, cause: str, who: str) -> None:
        """Decelerate along the path and hold, powered. Never refused, idempotent."""
        self._acts.append(("hold", cause, who, 0.0))

    def resume(self, who: str) -> None:
        """Leave a hold; the motion in flight goes on from the measured pose.

        Raises:
            CellRefused: Not in HOLD, or the arm was moved too far meanwhile.
        """
        state = self._fsm.state
        if state not in ("HOLD", "RUN"):
            raise CellRefused(f"not_in_{state}", f"cannot resume from {state} ({self._fsm.cause})")
        self._arms.check_resume()
        self._acts.append(("resume", "resumed", who, 0.0))

    def abort(self, who: str) -> None:
        """End what is in flight with STOPPED and stay in HOLD. Without effect when idle."""
        self._acts.append(("abort", "aborted", who, 0.0))

    def set_speed(self, fraction: float, who: str) -> None:
        """Set the speed override, in (0, 1]."""
        if not 0.01 <= fraction <= 1.0:
            raise CellRefused("invalid", f"speed {fraction} is outside 0.01 to 1")
        self._acts.append(("speed", f"speed {fraction:.0%}", who, fraction))

    def status(self) -> CellStatus:
        """State as of the last tick or command."""
        return self._status

    def events(self, after_seq: int) -> list[CellEvent]:
        """Events newer than ``after_seq``; a bounded ring."""
        return self._fsm.events(after_seq)

    def samples(self, arm: str, since_s: float) -> SampleLog:
        """What one arm measured and was told since a cell time, at the control rate, last 130 s.

        Raises:
            CellRefused: There is no such arm.
        """
        return self._arms.named(arm).recorded(since_s)

    def note(self, text: str, code: str) -> None:
        """Record something that happened beside the arms; from the loop's thread."""
        self._fsm.note(text, "driver", code)

    def report_loop(self, hz: float, overruns: int, realtime: bool) -> None:
        """Let whoever ticks say how well it keeps time."""
        self._loop = (hz, overruns, realtime)

    # -- one control period ----------------------------------------------------------------

    def tick(self) -> None:
        """One control period. Never blocks past the devices' read deadlines."""
        while self._acts:
            self._apply(*self._acts.popleft())
        state = self._fsm.state
        if state in ("OFFLINE", "LOST"):
            self._look_for_device()
        else:
            self._read()
            self._judge()
            self._drive()
            self._settle()
        self._status = self._make_status()

    def _read(self) -> None:
        now = self._clock()
        try:
            self._arms.read(0.8 * self._dt_s)
        except OSError as error:
            self._bad_cycle(str(error), now)
        except CellFault as fault:
            self._end_all("FAULT", str(fault))
            if self._fsm.allows("fault"):
                self._fsm.fire("fault", str(fault), "driver", "fault")
        else:
            self._last_heard_s, self._bad_cycles = now, 0

    def _bad_cycle(self, error: str, now: float) -> None:
        self._bad_cycles += 1
        blind_s = now - self._last_heard_s
        if self._bad_cycles == BAD_CYCLES_ALARM:
            self._fsm.note(f"{BAD_CYCLES_ALARM} bad cycles in a row: {error}", "driver", "alarm")
        if blind_s >= BLIND_LOST_S:
            self._lose(f"no answer for {blind_s:.1f} s: {error}")
        elif blind_s >= BLIND_STOP_S and self._fsm.allows("violate"):
            self._violate(f"blind for {1e3 * blind_s:.0f} ms: {error}")

    def _judge(self) -> None:
        now, stop = self._clock(), self._fsm.state != "RUN"
        for channel in self._arms:
            if not channel.heard:
                continue
            cause = channel.judge(stop, now)
            if self._fsm.state in ENERGISED:
                cause = cause or channel.outside()
                if cause is not None and self._fsm.allows("violate"):
                    self._violate(f"{channel.spec.name}: {cause}")

    def _drive(self) -> None:
        if self._fsm.state not in ENERGISED:
            return
        stop = self._fsm.state != "RUN"
        try:
            self._arms.drive(self._speed, stop)
        except OSError as error:
            self._bad_cycle(str(error), self._clock())

    def _settle(self) -> None:
        self._arms.count_time(self._held or self._fsm.state not in ("HOLD", "RUN", "LIMP"))
        if self._fsm.state == "RUN" and not self._arms.moving:
            self._fsm.fire("finish", "motion ended", "driver")

    def _look_for_device(self) -> None:
        now = self._clock()
        if self._fsm.state == "LOST" and now >= self._next_reconnect_s:
            self._next_reconnect_s = now + RECONNECT_S
            try:
                self._arms.connect()
            except OSError:
                return  # Still silent; LOST already says so.
            self._fsm.fire("connect", "the device answers again", "driver")
            self._check(returned=True)

    # -- acts ------------------------------------------------------------------------------

    def _apply(
        self, act: Literal["hold", "resume", "abort", "speed"], cause: str, who: str, value: float
    ) -> None:
        if act == "hold":
            self._apply_hold(cause, who)
        elif act == "resume":
            self._apply_resume(who)
        elif act == "abort":
            self._apply_abort(who)
        else:
            self._speed = value
            self._fsm.note(cause, who, "speed")

    def _apply_hold(self, cause: str, who: str) -> None:
        if self._held:
            return
        if self._fsm.state == "HOLD":
            self._held = True
            self._fsm.restate(cause, who, "hold")
        elif self._fsm.fire("hold", cause, who, "hold") is not None:
            self._held = True
        else:
            self._fsm.note(f"hold asked in {self._fsm.state}: {cause}", who, "hold")

    def _apply_resume(self, who: str) -> None:
        if self._fsm.state != "HOLD" or not self._held:
            return
        try:
            self._arms.check_resume()
        except CellRefused as refused:
            self._fsm.note(refused.text, who, "refused")
            return
        self._held = False
        if self._arms.moving:
            self._arms.resume()
            self._fsm.fire("start_traj", "resumed", who, "resume")
        else:
            self._fsm.restate("resumed; nothing in flight", who, "resume")

    def _apply_abort(self, who: str) -> None:
        ended = self._arms.stop(f"aborted by {who}")
        if self._fsm.state == "RUN":
            self._fsm.fire("hold", "aborted", who, "abort")
        elif ended:
            self._fsm.restate("aborted", who, "abort")

    def _violate(self, cause: str) -> None:
        self._arms.stop(f"protective stop: {cause}")
        self._held = False
        self._fsm.fire("violate", cause, "driver", "pstop")

    def _lose(self, cause: str) -> None:
        self._end_all("FAULT", f"the device is lost: {cause}")
        self._fsm.fire("lose", cause, "driver", "lost")
        self._next_reconnect_s = self._clock() + RECONNECT_S

    def _end_all(self, status: MotionStatus, detail: str) -> None:
        self._arms.end_all(status, detail)
        self._held = False

    # -- inside ----------------------------------------------------------------------------

    def _ready(self, arm: str, kind: Literal["motion", "grip"]) -> ArmChannel:
        channel = self._arms.named(arm)
        if self._fsm.state not in ("HOLD", "RUN"):
            self._fsm.fire("start_traj", "", "")
        busy = channel.motion if kind == "motion" else channel.grip
        if busy is not None:
            raise CellRefused("busy", f"{arm} is still at a {busy.kind} asked by {busy.who}")
        return channel

    def _run(self, cause: str, who: str) -> None:
        if self._fsm.state == "HOLD" and not self._held:
            self._fsm.fire("start_traj", cause, who)
        self._status = self._make_status()

    def _ticket(self, kind: Literal["trajectory", "grip", "wait"], arm: str, who: str) -> Ticket:
        self._tickets += 1
        return Ticket(self._tickets, kind, arm, who, self._clock())

    def _make_status(self) -> CellStatus:
        fsm = self._fsm
        hz, overruns, realtime = self._loop
        return CellStatus(
            t_s=self._clock(),
            state=fsm.state,
            mode=fsm.mode,
            cause=fsm.cause,
            who=fsm.who,
            since_s=fsm.since_s,
            estop=self.info.estop,
            speed=self._speed,
            lease=self.lease,
            arms=self._arms.samples(),
            loop_hz=hz,
            overruns=overruns,
            realtime=realtime,
            held=self._held,
        )
