"""The heart of a cell: one control period at a time, for one or more arms.

Read all, judge, follow, filter, write. The clock is injected, so a stand-in runs it in simulated
time and a host in wall time. One thread owns the core; ``hold``, ``resume``, ``abort``,
``set_speed`` and ``status`` may be called from any thread and take effect at the next tick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from drivers.arm import ArmDriver
from drivers.arm_group import ArmGroup
from drivers.body import CellBody
from drivers.channel import ArmChannel
from drivers.cycle import MOVING, Cycle
from drivers.errors import CellFault, CellRefused
from drivers.fsm import StateMachine
from drivers.guard import PoseGuard
from drivers.hermite import HermitePath, Vector
from drivers.limits import tightened_arm, tightened_box
from drivers.manual import Manual
from drivers.reactions import standing, words
from drivers.room import BASE, as_arm, bump
from drivers.safety import Refusal, ToolXyz, check_grip, check_trajectory
from drivers.ticket import Ticket, TicketKind
from drivers.together import check_together
from drivers.two_steps import TwoSteps
from drivers.types import (
    CellEvent,
    CellInfo,
    CellStatus,
    Finding,
    SampleLog,
    Trajectory,
)

RELEASE_WITHIN_S: Final = 10.0


class CellCore:
    """The arms of one cell behind one state machine, one set of limits and one last gate."""

    def __init__(
        self,
        info: CellInfo,
        arms: Mapping[str, ArmDriver],
        clock: Callable[[], float],
        tool_xyz: Mapping[str, ToolXyz] | None = None,
        body: CellBody | None = None,
    ) -> None:
        """Join drivers to a core; touches no device.

        Args:
            tool_xyz: Per arm, joints to tool point in the base frame; without it the workspace box
                is not checked for that arm.
            body: The arms' bodies; without them self-collision is not checked, and there is no
                jogging of the tool.
        """
        self.info = info
        self._owner: str | None = None
        self._clock = clock
        self._fsm = StateMachine(clock)
        specs = info.arms if info.base is None else (*info.arms, as_arm(info.base))
        self._arms = ArmGroup(specs, arms, 1.0 / info.control_hz, clock)
        self._guard = PoseGuard(info.workspace, tool_xyz or {}, body, self._arms.setpoints)
        self._cycle = Cycle(info, self._fsm, self._arms, self._guard, clock)
        self._tickets = 0
        self._release = TwoSteps(RELEASE_WITHIN_S)
        self._loop = (0.0, 0, False)
        self._status = self._make_status()

    # -- connecting ------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and check, read-only: ends in HOLD when the drives hold torque, else in LIMP."""
        self._cycle.connection.open()
        self._status = self._make_status()

    def close(self) -> None:
        """Disconnect, leaving torque as it is. Nothing moves."""
        self._cycle.end_all("STOPPED", "the driver was closed")
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
        try:
            self._arms.read(10.0 * self.dt_s)
        except OSError as error:
            raise CellFault(f"cannot adopt: {error}") from error
        self._arms.adopt()
        self._fsm.note("set-points adopted from the device", who, "adopt")
        self._status = self._make_status()

    @property
    def dt_s(self) -> float:
        """The control period, seconds: longer than the cell file's where a line is too slow."""
        return self._arms.dt_s

    @property
    def findings(self) -> list[Finding]:
        """What the last check found."""
        return self._cycle.connection.findings

    @property
    def lease(self) -> str | None:
        """Who holds the cell, for people; kept by the server."""
        return self._owner

    @lease.setter
    def lease(self, owner: str | None) -> None:
        self._owner = owner
        for channel in self._arms:
            channel.last_seq = -1  # Each owner numbers its own set-points.

    @property
    def at_rest(self) -> bool:
        """Whether every set-point stands still and nothing is moving."""
        return self._fsm.state not in MOVING and self._arms.at_rest

    @property
    def manual(self) -> Manual:
        """Jogging, streams and hand guiding; for the owning thread."""
        return self._cycle.manual

    def require_idle(self) -> None:
        """Raises CellRefused while a motion or a wait is in flight."""
        if self._arms.in_flight() or self._arms.moving:
            raise CellRefused("busy", "a motion is in flight: abort it first")

    def _require_free(self) -> None:
        if self._cycle.held:
            raise CellRefused("held", f"HOLD was asked for ({self._fsm.cause}): resume first")

    # -- commands of the owning thread -----------------------------------------------------

    def enable(self, who: str) -> None:
        """Switch torque on at the measured pose: LIMP to HOLD. Idempotent in HOLD."""
        if self._fsm.state == "HOLD":
            return
        if not self._fsm.allows("enable"):
            self._fsm.fire("enable", "", who)
        outside = self._arms.outside()
        if outside is not None:
            raise CellRefused("pose_outside_limits", f"{outside}; `recover` brings it back inward")
        self._energise()
        self._fsm.fire("enable", "drives enabled", who)
        self._status = self._make_status()

    def _energise(self) -> None:
        try:
            self._arms.energise()
        except OSError as error:
            self._fsm.fire("fault", f"enabling failed: {error}", "driver", "fault")
            raise CellFault(f"enabling failed: {error}") from error
        self._cycle.started()

    def recover(self, who: str, nonce: str = "") -> str:
        """Out of a pose beyond the limits, in two steps by one person; then only inward jogging.

        Called without a nonce it answers with one. From PSTOP, or from LIMP (which enables).
        """
        nonce = self.manual.recover(who, nonce, self._energise)
        self._cycle.held = False
        self._status = self._make_status()
        return nonce

    def stow(self, arm: str, who: str) -> Ticket:
        """Start the slow way to an arm's rest pose. Raises CellRefused."""
        ticket = self._ticket("stow", arm, who)
        self.manual.stow(arm, ticket, who)
        self._status = self._make_status()
        return ticket

    def guide(self, arm: str, timeout_s: float, who: str) -> None:
        """Let a person move an arm by hand; 0 s ends it. See :class:`drivers.manual.Manual`."""
        if timeout_s == 0.0:
            self.manual.end_guide(who)
        else:
            self.manual.guide(arm, timeout_s, who)
        self._status = self._make_status()

    def tighten(
        self,
        arm: str,
        lo_rad: Vector,
        hi_rad: Vector,
        speed_share: float,
        box: tuple[Vector, Vector],
        who: str,
    ) -> None:
        """Narrow an arm's limits and the workspace until the host restarts; never wider.

        Raises:
            CellRefused: Something would become wider, or the arm is not within.
        """
        if self._fsm.state not in ("HOLD", "LIMP"):
            raise CellRefused(f"not_in_{self._fsm.state}", "limits change only at rest")
        self.require_idle()
        channel = self._arms.named(arm)
        spec = tightened_arm(channel.spec, lo_rad, hi_rad, speed_share)
        workspace = tightened_box(self.info.workspace, *box)
        for joint, held, q in zip(
            spec.joints, channel.gate.q_rad, channel.sample.q_rad, strict=True
        ):
            if not (joint.lo_rad <= held <= joint.hi_rad and joint.lo_rad <= q <= joint.hi_rad):
                raise CellRefused("pose_outside_limits", f"{joint.name} is at {q:.3f} rad now")
        channel.limit(spec)
        arms = tuple(spec if known.name == arm else known for known in self.info.arms)
        self.info = msgspec.structs.replace(self.info, arms=arms, workspace=workspace)
        self._guard.workspace = workspace
        self._fsm.note(f"limits of {arm} tightened", who, "limits")

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
            self.dt_s,
            self.info.workspace,
            self._guard.tool_xyz.get(arm),
            self._guard.touching(arm) if arm != BASE else None,
        ) or self._in_the_way(arm, trajectory)
        if refusal is not None:
            channel.refuse_path(ticket, trajectory, refusal)
            self._fsm.note(f"{arm}: {refusal.detail}", who, "refused")
            return ticket
        channel.start_path(ticket, trajectory)
        self._run(f"{arm} follows a path of {trajectory.duration_s:.2f} s", who)
        return ticket

    def start_together(self, trajectories: Mapping[str, Trajectory], who: str) -> list[Ticket]:
        """Start several arms at one moment, all or none; when one is stopped, all stop.

        Returns:
            A ticket per trajectory, in their order; as :meth:`start_trajectory` otherwise.
        """
        channels = {arm: self._ready(arm, "motion") for arm in trajectories}
        tickets = {arm: self._ticket("trajectory", arm, who) for arm in trajectories}
        refusal = next(
            (
                refused
                for arm, each in trajectories.items()
                if (
                    refused := check_trajectory(
                        channels[arm].spec,
                        each,
                        channels[arm].gate.q_rad,
                        self.dt_s,
                        self.info.workspace,
                        self._guard.tool_xyz.get(arm),
                    )
                )
            ),
            None,
        ) or check_together(trajectories, self.dt_s, self._guard.all_touching())
        if refusal is not None:
            for arm, each in trajectories.items():
                channels[arm].refuse_path(tickets[arm], each, refusal)
            self._fsm.note(f"{' and '.join(trajectories)}: {refusal.detail}", who, "refused")
            return list(tickets.values())
        for arm, each in trajectories.items():
            channels[arm].start_path(tickets[arm], each)
        self._arms.teams.add(list(tickets.values()))
        longest_s = max(each.duration_s for each in trajectories.values())
        self._run(f"{' and '.join(trajectories)} follow paths of {longest_s:.2f} s", who)
        return list(tickets.values())

    def _in_the_way(self, arm: str, trajectory: Trajectory) -> Refusal | None:
        """A base keeps its outline off what its map has, whoever leads it."""
        if arm != BASE or self.info.base is None or self.info.room is None:
            return None
        _, poses, _ = HermitePath(trajectory).sample(0.05)
        why = bump(self.info.room, self.info.base, poses)
        return Refusal("LIMIT", why) if why else None

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
            complaint = standing(self._cycle.alarms(), "pstop")
            if outside is not None:
                outside += "; `recover` brings it back inward"
            elif not self._cycle.connection.reliable:
                outside = "the device does not answer reliably"
            if outside or complaint:
                raise CellRefused("cause_stands", outside or complaint or "")
        self._fsm.fire("ack_stop", "stop acknowledged", who)
        self._status = self._make_status()

    def clear_fault(self, who: str) -> None:
        """Check the device again after a fault was mended."""
        self._fsm.fire("clear_fault", "fault cleared, checking", who)
        self._cycle.connection.check(returned=True)
        self._cycle.slow_down()
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
        try:
            self._arms.release()
        except OSError as error:
            self._fsm.fire("fault", f"torque may be on: {error}", "driver", "fault")
            raise CellFault(f"releasing failed, torque may be on: {error}") from error
        self._cycle.held = False
        self._fsm.fire("release", "torque released", who)
        self._status = self._make_status()
        return nonce

    # -- from any thread -------------------------------------------------------------------

    def hold(self, cause: str, who: str) -> None:
        """Decelerate along the path and hold, powered. Never refused, idempotent."""
        self._cycle.ask("hold", cause, who)

    def resume(self, who: str) -> None:
        """Leave a hold; the motion in flight goes on from the measured pose.

        Raises:
            CellRefused: Not in HOLD, or the arm was moved too far meanwhile.
        """
        state = self._fsm.state
        if state not in ("HOLD", "RUN"):
            raise CellRefused(f"not_in_{state}", f"cannot resume from {state} ({self._fsm.cause})")
        self._arms.check_resume()
        self._cycle.ask("resume", "resumed", who)

    def abort(self, who: str) -> None:
        """End what is in flight with STOPPED and stay in HOLD. Without effect when idle."""
        self._cycle.ask("abort", "aborted", who)

    def set_speed(self, fraction: float, who: str) -> None:
        """Set the speed override, in (0, 1]."""
        if not 0.01 <= fraction <= 1.0:
            raise CellRefused("invalid", f"speed {fraction} is outside 0.01 to 1")
        self._cycle.ask("speed", f"speed {fraction:.0%}", who, fraction)

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

    def tick(self) -> None:
        """One control period. Never blocks past the devices' read deadlines."""
        self._cycle.tick()
        self._status = self._make_status()

    # -- inside ----------------------------------------------------------------------------

    def _ready(self, arm: str, kind: Literal["motion", "grip"]) -> ArmChannel:
        channel = self._arms.named(arm)
        if self._fsm.state not in ("HOLD", "RUN"):
            self._fsm.fire("start_traj", "", "")
        if self._fsm.state == "RUN" and self._fsm.mode != "TRAJ":
            raise CellRefused("busy", f"{self._fsm.cause} ({self._fsm.mode}): end that first")
        if self._arms.recovering:
            raise CellRefused("only_inward", "an arm is beyond its range: jog it back first")
        busy = channel.motion if kind == "motion" else channel.grip
        if busy is not None:
            raise CellRefused("busy", f"{arm} is still at a {busy.kind} asked by {busy.who}")
        return channel

    def _run(self, cause: str, who: str) -> None:
        if self._fsm.state == "HOLD" and not self._cycle.held:
            self._fsm.fire("start_traj", cause, who)
        self._status = self._make_status()

    def _ticket(self, kind: TicketKind, arm: str, who: str) -> Ticket:
        self._tickets += 1
        return Ticket(self._tickets, kind, arm, who, self._clock())

    def _make_status(self) -> CellStatus:
        fsm = self._fsm
        hz, overruns, realtime = self._loop
        samples = self._arms.samples()
        return CellStatus(
            t_s=self._clock(),
            state=fsm.state,
            mode=fsm.mode,
            cause=fsm.cause,
            who=fsm.who,
            since_s=fsm.since_s,
            estop=self.info.estop,
            speed=self._cycle.speed,
            lease=self._owner,
            arms=samples[: len(self.info.arms)],
            loop_hz=hz,
            overruns=overruns,
            realtime=realtime,
            held=self._cycle.held,
            tracking_rad=tuple(channel.monitor.error_rad for channel in self._arms),
            alarms=tuple(words(alarm) for alarm in self._cycle.alarms()),
            stowed=self._cycle.stowed(),
            base=None if self.info.base is None else samples[-1],
        )
