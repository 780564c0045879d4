"""What a cell host does with one message: checks in a fixed order, then the act. No sockets here.

Order: readable, right version, right boot, not expired, role, repeated id, lease, then the core.
Everything that is wrong is answered with a code and a line; nothing wrong reaches the core.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drivers.core import CellCore
from drivers.errors import CellFault, CellRefused
from drivers.lease import LEASE_TTL_S, WATCHDOG_S, Lease
from drivers.rows import pack_samples, unpack_trajectory
from drivers.ticket import Ticket
from drivers.types import GripReport, MotionReport
from drivers.wire import (
    EVENTS_PER_REPLY,
    MAJOR,
    Abort,
    Accepted,
    AckStop,
    Answer,
    Applied,
    Await,
    BadMessage,
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
    LeaseRenew,
    LimitsTighten,
    Pause,
    Ping,
    Pong,
    Recover,
    ReleaseTorque,
    Reply,
    Request,
    Resume,
    Role,
    Setpoint,
    Shutdown,
    Speed,
    Standing,
    Started,
    StartedAll,
    StatusIs,
    Stop,
    Stow,
    TrajLoad,
    TrajStart,
    TrajStartTogether,
    Welcome,
    WireError,
    decode_request,
    encode,
)

REPLIES_KEPT_S: Final = 30.0
REPLIES_KEPT: Final = 4096
TICKETS_KEPT: Final = 256
LOADS_KEPT: Final = 4
PARTS_AT_MOST: Final = 64
AWAIT_AT_MOST_S: Final = 2.0

_LOOKING: Final = (Hello, Ping, Await, GetStatus, GetEvents, GetSamples, GetFindings, Stop)
_MOVING: Final = (TrajLoad, TrajStart, TrajStartTogether, Grip, Pause, Abort, Setpoint)
ALLOWED: Final[dict[Role, tuple[type[Command], ...] | None]] = {
    "viewer": _LOOKING,
    "agent": (*_LOOKING, *_MOVING),
    "operator": None,
}
"""What each role may say; None is everything. An agent moves only with a lease lent to it."""

NEEDS_LEASE: Final = (
    *(LeaseRenew, LeaseRelease, Enable, TrajLoad, TrajStart, Grip, Pause, Speed),
    TrajStartTogether,
    *(Setpoint, Jog, Stow, HandGuide, Recover, LimitsTighten),
)
NEEDS_LEASE_UNLESS_FREE: Final = (Resume, AckStop, ClearFault, ReleaseTorque)
NEEDS_EXPIRY: Final = (
    *(Enable, TrajStart, TrajStartTogether, Grip, Resume),
    *(Setpoint, Jog, Stow, HandGuide, Recover),
)
AT_THE_BENCH: Final = (ReleaseTorque, ClearFault, Recover)
"""What only somebody who can see and reach the arms may say; so is taking control."""
ONCE: Final = (
    *(command for command in NEEDS_LEASE if command is not Setpoint),
    *(*NEEDS_LEASE_UNLESS_FREE, LeaseAcquire, Abort, Shutdown),
)
"""Commands whose first reply is kept. A set-point's own number keeps it from acting twice."""
WATCHED: Final = ("RUN", "STOW", "HAND_GUIDE")
"""States that end in HOLD when the owner falls silent."""
ANY_BOOT: Final = (Hello, Ping, Stop)


@dataclass(frozen=True)
class _Waiting:
    peer: bytes
    id: str
    ticket: Ticket
    until_s: float


class CommandDesk:
    """Answers the messages of all clients of one core; called between its ticks."""

    def __init__(
        self,
        core: CellCore,
        sess: str,
        now_s: Callable[[], float],
        on_shutdown: Callable[[str], None],
    ) -> None:
        """``now_s`` is the host's monotonic wall clock, whatever clock the core runs on."""
        self._core = core
        self._sess = sess
        self._now_s = now_s
        self._on_shutdown = on_shutdown
        self.lease = Lease(now_s)
        self.ticks = 0
        self.heard_s = now_s()
        """When anybody was last heard."""
        self._served_s = now_s()
        self._tickets: OrderedDict[int, Ticket] = OrderedDict()
        self._loads: OrderedDict[str, dict[int, TrajLoad]] = OrderedDict()
        self._replies: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._waiting: list[_Waiting] = []

    # -- messages --------------------------------------------------------------------------

    def handle(self, raw: bytes, peer: bytes = b"", most: Standing = "admin") -> bytes | None:
        """One message to its reply; None when the reply comes later from :meth:`ready`.

        Args:
            most: The most this peer may be.
        """
        try:
            request = decode_request(raw)
        except BadMessage as bad:
            return encode(Reply("", False, error=WireError(bad.code, str(bad))))
        self.heard_s = self._now_s()
        if self.lease.owned_by(request.lease):
            self.lease.heard()
        error = self._check(request, most)
        if error is not None:
            return encode(Reply(request.id, False, error=error))
        if isinstance(request.body, ONCE):
            kept = self._replies.get(request.id)
            if kept is not None:
                return kept[1]
        if isinstance(request.body, Await):
            return self._await(request.id, request.body, peer)
        reply = encode(self._answer(request))
        if isinstance(request.body, ONCE):
            self._keep(request.id, reply)
        return reply

    def _check(self, request: Request, most: Standing) -> WireError | None:
        body = request.body
        kind = type(body).__name__
        now_ns = int(self._now_s() * 1e9)
        if request.v != MAJOR:
            return WireError("version", f"this host speaks cell/{MAJOR}, not cell/{request.v}")
        if request.sess != self._sess and not isinstance(body, ANY_BOOT):
            return WireError("restarted", "the cell host restarted since", "say HELLO again")
        if isinstance(body, NEEDS_EXPIRY) and not request.expires_ns:
            return WireError("malformed", f"{kind} must carry expires_ns")
        if request.expires_ns and now_ns > request.expires_ns:
            late_ms = (now_ns - request.expires_ns) / 1e6
            return WireError("expired", f"{kind} came {late_ms:.0f} ms too late")
        at_the_bench = isinstance(body, AT_THE_BENCH) or (
            isinstance(body, LeaseAcquire) and body.take
        )
        if at_the_bench and most != "admin":
            text = f"{kind} is for the local console or an admin key"
            return WireError("role", text, "somebody must see the arms")
        highest: Role = "operator" if most == "admin" else most
        for role in {request.role, highest}:
            allowed = ALLOWED[role]
            if allowed is not None and not isinstance(body, allowed):
                return WireError("role", f"a {role} may not say {kind}")
        needs = isinstance(body, NEEDS_LEASE) or (
            isinstance(body, NEEDS_LEASE_UNLESS_FREE) and not self.lease.free
        )
        if needs and not self.lease.owned_by(request.lease):
            holder = f"{self.lease.owner} has control" if not self.lease.free else "nobody has it"
            return WireError("no_lease", f"{kind} needs control of the cell; {holder}")
        return None

    def _answer(self, request: Request) -> Reply:
        try:
            return Reply(request.id, True, body=self._act(request.body, request.who))
        except CellRefused as refused:
            return Reply(request.id, False, error=WireError(refused.code, refused.text))
        except CellFault as fault:
            return Reply(request.id, False, error=WireError("fault", str(fault)))
        except BadMessage as bad:
            return Reply(request.id, False, error=WireError(bad.code, str(bad)))

    def _act(self, body: Command, who: str) -> Answer:
        core = self._core
        match body:
            case Hello():
                return self._welcome()
            case Ping():
                return Pong(int(self._now_s() * 1e9), core.status().t_s, self.ticks)
            case GetStatus():
                return StatusIs(core.status())
            case GetEvents(after_seq):
                events = tuple(core.events(after_seq))
                last = events[-1].seq if events else after_seq
                return Events(events[:EVENTS_PER_REPLY], last)
            case GetFindings():
                return Findings(tuple(self._core.findings))
            case GetSamples(arm, since_s):
                return pack_samples(core.samples(arm, since_s))
            case LeaseAcquire(take):
                return self._acquire(who, take)
            case LeaseRenew():
                pass
            case LeaseRelease():
                self._free("control given back", who)
            case TrajLoad():
                self._load(body)
            case TrajStart(arm, key):
                trajectory = unpack_trajectory(self._loaded(key))
                return self._started(core.start_trajectory(arm, trajectory, who))
            case TrajStartTogether(arms, keys):
                return self._started_together(arms, keys, who)
            case Grip(arm, width_m, force_N, speed_m_s):
                return self._started(core.start_grip(arm, width_m, force_N, speed_m_s, who))
            case Pause(duration_s):
                return self._started(core.start_wait(duration_s, who))
            case Setpoint():
                return self._setpoint(body, who)
            case Jog():
                return self._jog(body, who)
            case Stow(arm):
                return self._started(core.stow(arm, who))
            case HandGuide(arm, timeout_s):
                core.guide(arm, timeout_s, who)
            case Recover(nonce):
                return Accepted(core.recover(who, nonce))
            case LimitsTighten(arm, lo_rad, hi_rad, share, box_lo_m, box_hi_m):
                core.tighten(arm, lo_rad, hi_rad, share, (box_lo_m, box_hi_m), who)
            case ReleaseTorque(nonce):
                return Accepted(core.release_torque(who, nonce))
            case Shutdown():
                self._on_shutdown(who)
            case Stop(cause):
                core.hold(cause, who)
            case Enable():
                core.enable(who)
            case Resume():
                core.resume(who)
            case Abort():
                core.abort(who)
            case AckStop():
                core.ack_stop(who)
            case ClearFault():
                core.clear_fault(who)
            case Speed(fraction):
                core.set_speed(fraction, who)
            case _:
                raise BadMessage("malformed", f"{type(body).__name__} is not understood here")
        return Accepted()

    def _setpoint(self, body: Setpoint, who: str) -> Applied:
        return Applied(
            self._core.manual.setpoint(
                body.arm,
                body.seq,
                body.q_rad,
                body.dq_rad_s,
                body.width_m,
                1e-3 * body.valid_for_ms,
                who,
            )
        )

    def _jog(self, body: Jog, who: str) -> Applied:
        manual, valid_s = self._core.manual, 1e-3 * body.valid_for_ms
        if body.axis and not body.joint:
            return Applied(manual.jog_tool(body.arm, body.axis, body.step, valid_s, who))
        if body.joint and not body.axis:
            return Applied(manual.jog_joint(body.arm, body.joint, body.step, valid_s, who))
        raise CellRefused("invalid", "jog a joint or along an axis, one of them")

    def _welcome(self) -> Welcome:
        return Welcome(
            info=self._core.info,
            sess=self._sess,
            t_mono_ns=int(self._now_s() * 1e9),
            status=self._core.status(),
            lease_ttl_s=LEASE_TTL_S,
            watchdog_s=WATCHDOG_S,
        )

    # -- tickets ---------------------------------------------------------------------------

    def _load(self, part: TrajLoad) -> None:
        if not 0 <= part.index < part.of <= PARTS_AT_MOST:
            raise BadMessage("malformed", f"part {part.index} of {part.of}")
        self._loads.setdefault(part.key, {})[part.index] = part
        while len(self._loads) > LOADS_KEPT:
            self._loads.popitem(last=False)

    def _loaded(self, key: str) -> list[TrajLoad]:
        """The parts of a trajectory, once: a key starts one motion."""
        parts = self._loads.pop(key, {})
        if not parts or len(parts) != next(iter(parts.values())).of:
            raise CellRefused("not_loaded", f"trajectory {key!r} is not completely loaded")
        return [parts[index] for index in sorted(parts)]

    def _started(self, ticket: Ticket) -> Started:
        self._tickets[ticket.number] = ticket
        while len(self._tickets) > TICKETS_KEPT:
            self._tickets.popitem(last=False)
        return Started(ticket.number)

    def _started_together(
        self, arms: tuple[str, ...], keys: tuple[str, ...], who: str
    ) -> StartedAll:
        if len(arms) != len(keys) or len(set(arms)) != len(arms) or len(arms) < 2:
            raise BadMessage("malformed", "one key for each of two or more different arms")
        paths = {
            arm: unpack_trajectory(self._loaded(key)) for arm, key in zip(arms, keys, strict=True)
        }
        tickets = self._core.start_together(paths, who)
        return StartedAll(tuple(self._started(ticket).ticket for ticket in tickets))

    def _await(self, request_id: str, body: Await, peer: bytes) -> bytes | None:
        ticket = self._tickets.get(body.ticket)
        if ticket is None:
            error = WireError("no_such_ticket", f"ticket {body.ticket} is not known here")
            return encode(Reply(request_id, False, error=error))
        patience_s = min(max(body.timeout_ms / 1e3, 0.0), AWAIT_AT_MOST_S)
        if ticket.done or not patience_s:
            return encode(Reply(request_id, True, body=_ended(ticket)))
        self._waiting.append(_Waiting(peer, request_id, ticket, self._now_s() + patience_s))
        return None

    def ready(self) -> list[tuple[bytes, bytes]]:
        """Replies, as (peer, message), to waits that are over. Call after every tick."""
        if not self._waiting:
            return []
        now = self._now_s()
        over = [w for w in self._waiting if w.ticket.done or now >= w.until_s]
        if over:
            self._waiting = [w for w in self._waiting if w not in over]
        return [(w.peer, encode(Reply(w.id, True, body=_ended(w.ticket)))) for w in over]

    def _keep(self, request_id: str, reply: bytes) -> None:
        now = self._now_s()
        self._replies[request_id] = (now, reply)
        while self._replies:
            kept_s, _ = next(iter(self._replies.values()))
            if now - kept_s < REPLIES_KEPT_S and len(self._replies) <= REPLIES_KEPT:
                break
            self._replies.popitem(last=False)

    # -- lease -----------------------------------------------------------------------------

    def watch_owner(self) -> None:
        """HOLD when the owner of a moving cell falls silent; free the cell when it stays so."""
        now = self._now_s()
        unserved_s = now - self._served_s
        if unserved_s > 0.5 * WATCHDOG_S:
            # We were not listening ourselves; that is no silence of theirs.
            self.lease.forgive(unserved_s)
        self._served_s = now
        if self.lease.overdue and self._core.status().state in WATCHED:
            self._core.hold(f"{self.lease.owner} has fallen silent", "watchdog")
        if self.lease.expired:
            self._free(f"{self.lease.owner} is gone", "watchdog")

    def _acquire(self, who: str, take: bool) -> Leased:
        state = self._core.status().state
        if take and not self.lease.free:
            if state not in ("HOLD", "LIMP", "PSTOP"):
                raise CellRefused("busy", f"control can be taken only at rest, not in {state}")
            self._free(f"{who} takes control", who)
        token = self.lease.acquire(who, take)
        self._core.lease = self.lease.owner
        return Leased(token)

    def _free(self, cause: str, who: str) -> None:
        """End the lease; what its owner left in flight is held and ended."""
        in_flight = any(not ticket.done for ticket in self._tickets.values())
        if in_flight or self._core.status().state in WATCHED:
            self._core.hold(cause, who)
            self._core.abort(who)
        self.lease.release()
        self._core.lease = None


def _ended(ticket: Ticket) -> Ended:
    report = ticket.report
    return Ended(
        ticket=ticket.number,
        done=ticket.done,
        motion=report if isinstance(report, MotionReport) else None,
        grip=report if isinstance(report, GripReport) else None,
        stopped=ticket.ending[1] if ticket.done and ticket.ending and report is None else "",
    )
