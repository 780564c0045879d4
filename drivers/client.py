"""A cell behind a host, as :class:`drivers.cell.Cell`; with HOLD and live state beside it."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np

from drivers.address import Address, address_of
from drivers.cameras.client import FrameClient
from drivers.errors import CellFault, CellRefused
from drivers.heartbeat import Heartbeat
from drivers.line import Line
from drivers.room import BASE
from drivers.rows import pack_trajectory, unpack_samples
from drivers.state_stream import Seen, StateStream
from drivers.stop_client import StopClient, hold_now
from drivers.types import (
    CellEvent,
    CellInfo,
    CellStatus,
    Finding,
    Frame,
    GripReport,
    MotionReport,
    SampleLog,
    Trajectory,
)
from drivers.wire import (
    Abort,
    Accepted,
    AckStop,
    Applied,
    Await,
    ClearFault,
    Command,
    Enable,
    Ended,
    Events,
    Findings,
    GetEvents,
    GetFindings,
    GetSamples,
    GetStatus,
    Grip,
    HandGuide,
    Hello,
    Jog,
    LeaseAcquire,
    Leased,
    LeaseRelease,
    LimitsTighten,
    Pause,
    Ping,
    Pong,
    Recover,
    ReleaseTorque,
    Request,
    Resume,
    Role,
    Samples,
    Setpoint,
    Shutdown,
    Speed,
    Started,
    StartedAll,
    StatusIs,
    Stow,
    TrajStart,
    TrajStartTogether,
    Welcome,
)

__all__ = [
    "CellClient",
    "FrameClient",
    "Seen",
    "StateStream",
    "StopClient",
    "address_of",
    "hold_now",
]

T = TypeVar("T")

EXPIRES_S: Final = 5.0
AWAIT_MS: Final = 500
DEAD: Final = ("FAULT", "LOST", "OFFLINE")


class CellClient:
    """Implements :class:`drivers.cell.Cell` over ``cell/1``. Any thread may call.

    The first motion asks for the lease; a thread of its own keeps it. Looking needs none.
    """

    def __init__(
        self,
        cell: str | Address,
        role: Role = "operator",
        who: str = "operator",
        runtime: Path | None = None,
        lease: str = "",
    ) -> None:
        """Connect; nothing moves and no lease is asked for yet.

        Args:
            cell: Name of a running cell, the folder of its sockets, or an address.
            lease: A lease lent by an operator; an agent cannot move without.

        Raises:
            CellFault: No host answers.
        """
        self._address = address_of(cell, runtime)
        self._role: Role = role
        self._who = who
        self._lease = lease
        self._lent = bool(lease)
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._line = Line(self._address, self._address.ctl)
        self._heartbeat: Heartbeat | None = None
        self._lease_lock = threading.Lock()
        self._motion_ended_s = 0.0
        self._sess = ""
        self._offset_ns = 0
        self._line.require_host()
        welcome = self._ask(Hello(), Welcome)
        self._sess = welcome.sess
        self._offset_ns = welcome.t_mono_ns - time.monotonic_ns()
        self.info: CellInfo = welcome.info
        self._frames = FrameClient(self._address)

    # -- looking ---------------------------------------------------------------------------

    def now_s(self) -> float:
        return self._ask(Ping(), Pong).t_s

    def ticks(self) -> int:
        """Control periods since the host started: stands still when its loop does."""
        return self._ask(Ping(), Pong).ticks

    def status(self) -> CellStatus:
        return self._ask(GetStatus(), StatusIs).status

    def events(self, after_seq: int = 0) -> list[CellEvent]:
        """Events of the driver after a number, oldest first."""
        found: list[CellEvent] = []
        while page := self._ask(GetEvents(after_seq), Events).events:
            found += page
            after_seq = page[-1].seq
        return found

    def findings(self) -> tuple[Finding, ...]:
        """What the host's last check of its devices found."""
        return self._ask(GetFindings(), Findings).findings

    def samples(self, arm: str, since_s: float) -> SampleLog:
        pages = [self._ask(GetSamples(arm, since_s), Samples)]
        rows = [unpack_samples(pages[-1])]
        while pages[-1].more:
            after = float(np.nextafter(rows[-1][-1, 0], np.inf))
            pages.append(self._ask(GetSamples(arm, after), Samples))
            rows.append(unpack_samples(pages[-1]))
        table, n = np.vstack(rows), pages[0].joints
        return SampleLog(arm, table[:, 0], table[:, 3 : 3 + n], table[:, 3 + n :], *table.T[1:3])

    def frame(self, camera: str) -> Frame:
        self._require_camera(camera)
        return self._frames.take(camera, fresh=True, after_s=self._motion_ended_s)

    def glance(self, camera: str) -> Frame:
        """The newest picture there is, at most half a second old; for people, not programs."""
        self._require_camera(camera)
        return self._frames.take(camera, fresh=False, after_s=0.0)

    # -- moving ----------------------------------------------------------------------------

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        problem = _unsendable(trajectory)
        if problem:
            q, now_s = self._joints(arm), self.now_s()
            return MotionReport("INVALID", problem, q, q, 0.0, now_s, now_s)
        key = f"{self._prefix}-{next(self._numbers)}"
        self._own()
        for part in pack_trajectory(trajectory, key):
            self._ask(part, Accepted)
        motion = self._follow(self._ask(TrajStart(arm, key), Started, expires=True)).motion
        if motion is None:
            raise CellFault("a trajectory ended without its report")
        self._motion_ended_s = motion.ended_s
        if motion.status == "FAULT":
            raise CellFault(motion.detail)
        return motion

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        now_s = self.now_s()
        for trajectory in trajectories.values():
            if problem := _unsendable(trajectory):
                return {
                    arm: MotionReport("INVALID", problem, q, q, 0.0, now_s, now_s)
                    for arm in trajectories
                    for q in (self._joints(arm),)
                }
        self._own()
        keys = []
        for trajectory in trajectories.values():
            keys.append(f"{self._prefix}-{next(self._numbers)}")
            for part in pack_trajectory(trajectory, keys[-1]):
                self._ask(part, Accepted)
        order = TrajStartTogether(tuple(trajectories), tuple(keys))
        started = self._ask(order, StartedAll, expires=True)
        reports = {}
        for arm, ticket in zip(trajectories, started.tickets, strict=True):
            motion = self._follow(Started(ticket)).motion
            if motion is None:
                raise CellFault("a trajectory ended without its report")
            self._motion_ended_s = max(self._motion_ended_s, motion.ended_s)
            if motion.status == "FAULT":
                raise CellFault(motion.detail)
            reports[arm] = motion
        return reports

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        self._own()
        if not np.isfinite([width_m, force_N, speed_m_s or 0.0]).all():
            now_s, detail = self.now_s(), "opening, force and speed must be finite"
            return GripReport("INVALID", detail, 0.0, 0.0, width_m, False, now_s, now_s)
        started = self._ask(Grip(arm, width_m, force_N, speed_m_s), Started, expires=True)
        grip = self._follow(started).grip
        if grip is None:
            raise CellFault("a grip ended without its report")
        self._motion_ended_s = grip.ended_s
        if grip.status == "FAULT":
            raise CellFault(grip.detail)
        return grip

    def wait(self, duration_s: float) -> None:
        self._own()
        ended = self._follow(self._ask(Pause(duration_s), Started))
        if ended.stopped and (status := self.status()).state in DEAD:
            raise CellFault(f"the cell is in {status.state}: {status.cause}")

    # -- acts ------------------------------------------------------------------------------

    def hold(self, cause: str, who: str) -> None:
        stop = StopClient(self._address, who, self._role)
        try:
            stop.hold(cause, timeout_s=1.0)
        finally:
            stop.close()

    def resume(self, who: str) -> None:
        self._ask(Resume(), Accepted, who=who, expires=True)

    def abort(self, who: str) -> None:
        self._ask(Abort(), Accepted, who=who)

    def enable(self, who: str) -> None:
        """Switch the drives on where they are: LIMP to HOLD."""
        self._own()
        self._ask(Enable(), Accepted, who=who, expires=True)

    def ack_stop(self, who: str) -> None:
        """Acknowledge a protective stop. Raises CellRefused while its cause stands."""
        self._ask(AckStop(), Accepted, who=who)

    def clear_fault(self, who: str) -> None:
        """Check the device again after a fault was mended."""
        self._ask(ClearFault(), Accepted, who=who)

    def set_speed(self, fraction: float, who: str) -> None:
        """Speed override, in (0, 1]."""
        self._own()
        self._ask(Speed(fraction), Accepted, who=who)

    def release_torque(self, who: str, nonce: str = "") -> str:
        """Switch torque off in two steps; the arm will fall. Without a nonce it returns one."""
        return self._ask(ReleaseTorque(nonce), Accepted, who=who).nonce

    def recover(self, who: str, nonce: str = "") -> str:
        """Out of a pose beyond the limits, in two steps; then jog inward. Returns the nonce."""
        self._own()
        return self._ask(Recover(nonce), Accepted, who=who, expires=True).nonce

    def jog(
        self,
        arm: str,
        step: float,
        *,
        joint: str = "",
        axis: Literal["", "x", "y", "z"] = "",
        valid_for_ms: int = 500,
    ) -> tuple[str, ...]:
        """Move a joint (radians) or the tool along an axis (metres) a finite step; returns at once.

        Returns:
            Joints whose range cut the step short.
        """
        self._own()
        order = Jog(arm, step, valid_for_ms, joint, axis)
        return self._ask(order, Applied, expires=True).clipped

    def setpoint(
        self,
        arm: str,
        seq: int,
        q_rad: Sequence[float] | None = None,
        dq_rad_s: Sequence[float] | None = None,
        width_m: float | None = None,
        valid_for_ms: int = 100,
    ) -> tuple[str, ...]:
        """Stream one set-point (or velocity); the newest wins. Returns clipped joints."""
        self._own()
        order = Setpoint(
            arm,
            seq,
            valid_for_ms,
            None if q_rad is None else tuple(map(float, q_rad)),
            None if dq_rad_s is None else tuple(map(float, dq_rad_s)),
            width_m,
        )
        return self._ask(order, Applied, expires=True).clipped

    def stow(self, arm: str) -> MotionReport:
        """Go slowly to the rest pose and wait for it."""
        self._own()
        motion = self._follow(self._ask(Stow(arm), Started, expires=True)).motion
        if motion is None:
            raise CellFault("stowing ended without its report")
        return motion

    def hand_guide(self, arm: str, timeout_s: float, who: str) -> None:
        """Let a person move an arm by hand for so long; 0 ends it."""
        self._own()
        self._ask(HandGuide(arm, timeout_s), Accepted, who=who, expires=True)

    def tighten(
        self,
        arm: str,
        who: str,
        lo_rad: Sequence[float] = (),
        hi_rad: Sequence[float] = (),
        speed_share: float = 1.0,
        box: tuple[Sequence[float], Sequence[float]] = ((), ()),
    ) -> None:
        """Narrow limits until the host restarts; never wider."""
        self._own()
        lo, hi, box_lo, box_hi = map(tuple, (lo_rad, hi_rad, *box))
        self._ask(LimitsTighten(arm, lo, hi, speed_share, box_lo, box_hi), Accepted, who=who)

    def take_control(self, who: str) -> None:
        """Take the lease from whoever has it; only at rest."""
        self._own(take=True, who=who)

    def shutdown(self, who: str) -> None:
        """HOLD, then the host exits, leaving torque as it is."""
        self._ask(Shutdown(), Accepted, who=who)

    @property
    def lease(self) -> str:
        """The lease held here, to be lent to an agent; empty when none."""
        return self._lease

    def close(self) -> None:
        """Give the lease back and disconnect. Nothing moves."""
        with self._lease_lock:
            heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.close()
            # When the host is gone or the lease was lost there is nothing to give back.
            with contextlib.suppress(CellFault, CellRefused):
                self._ask(LeaseRelease(), Accepted)
        self._line.close()
        self._frames.close()

    # -- inside ----------------------------------------------------------------------------

    def _own(self, take: bool = False, who: str = "") -> None:
        """Make sure that the lease is ours; a lease lost while nothing moved is asked for again."""
        with self._lease_lock:
            if self._lent:
                return
            beat = self._heartbeat
            if beat is not None and not beat.lost.is_set() and not take:
                return
            if beat is not None:
                beat.close()
                self._heartbeat = None
            self._lease = self._ask(LeaseAcquire(take), Leased, who=who).lease
            self._heartbeat = Heartbeat(self._address, self._request)
            self._heartbeat.start()

    def _follow(self, started: Started) -> Ended:
        while True:
            ended = self._ask(Await(started.ticket, AWAIT_MS), Ended)
            if ended.done:
                return ended

    def _request(
        self, body: Command, request_id: str, who: str = "", expires: bool = False
    ) -> Request:
        now_ns = time.monotonic_ns()
        return Request(
            id=request_id,
            role=self._role,
            who=who or self._who,
            body=body,
            sess=self._sess,
            lease=self._lease,
            expires_ns=now_ns + self._offset_ns + int(EXPIRES_S * 1e9) if expires else 0,
            t_send_ns=now_ns,
        )

    def _ask(self, body: Command, answer: type[T], who: str = "", expires: bool = False) -> T:
        request_id = f"{self._prefix}-{next(self._numbers)}"
        reply = self._line.ask(self._request(body, request_id, who, expires))
        error = reply.error
        if error is not None:
            if error.code in ("fault", "restarted", "version"):
                raise CellFault(f"cell {self._address.name!r}: {error.text}")
            raise CellRefused(error.code, error.text)
        if not isinstance(reply.body, answer):
            raise CellFault(f"the host answered {type(body).__name__} with something else")
        return reply.body

    def _joints(self, arm: str) -> tuple[float, ...]:
        names = [spec.name for spec in self.info.arms]
        base = self.status().base if arm == BASE else None
        if base is not None:
            return base.q_rad
        if arm not in names:
            raise CellRefused("no_such_arm", f"no arm {arm!r} in this cell; it has {names}")
        return self.status().arms[names.index(arm)].q_rad

    def _require_camera(self, camera: str) -> None:
        names = [spec.name for spec in self.info.cameras]
        if camera not in names:
            raise KeyError(f"no camera {camera!r} in this cell; it has {', '.join(names)}")


def _unsendable(trajectory: Trajectory) -> str:
    """Why a trajectory cannot even be put on the wire; the host judges the rest."""
    t, q, dq = (np.asarray(a) for a in (trajectory.t_s, trajectory.q_rad, trajectory.dq_rad_s))
    if t.ndim != 1 or q.ndim != 2 or dq.shape != q.shape or len(q) != len(t) or not len(t):
        return f"knots of shapes {t.shape}, {q.shape}, {dq.shape} do not belong together"
    arrays: tuple[Any, ...] = (t, q, dq)
    if not all(np.isfinite(a).all() for a in arrays):
        return "a knot is not finite"
    return ""
