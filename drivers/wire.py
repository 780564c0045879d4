"""``cell/1``: what travels between a cell host and its clients. msgpack, at most 64 kB a message.

One :class:`Request` carries one command (a tagged union); one :class:`Reply` carries one answer or
an error. Commands refuse unknown fields; answers ignore them, so a newer host can say more. Bulk
numbers (knots, samples) travel as little-endian float64 bytes. Frames never travel here.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec
import numpy as np

from drivers.types import (
    CellEvent,
    CellInfo,
    CellStatus,
    Finding,
    GripReport,
    MotionReport,
)

MAJOR: Final = 1
MINOR: Final = 0
MAX_MESSAGE: Final = 64 * 1024
EVENTS_PER_REPLY: Final = 100

Role = Literal["operator", "agent", "viewer"]
Standing = Literal["admin", "operator", "agent", "viewer"]
"""The most a peer may be. An admin is an operator who may also do what needs a person at the bench:
local sockets are there; over a network a key says so."""


class _Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op"):
    pass


class Hello(_Command, frozen=True, tag="HELLO"):
    """Learn what the cell is. The only command that needs no session."""


class Ping(_Command, frozen=True, tag="PING"):
    """Ask for the host's clock and the loop's progress."""


class LeaseAcquire(_Command, frozen=True, tag="LEASE_ACQUIRE"):
    """Ask for control. ``take`` takes it from somebody else, only while nothing moves."""

    take: bool = False


class LeaseRenew(_Command, frozen=True, tag="LEASE_RENEW"):
    """Say that the owner is alive."""


class LeaseRelease(_Command, frozen=True, tag="LEASE_RELEASE"):
    """Give control back."""


class Enable(_Command, frozen=True, tag="ENABLE"):
    """LIMP to HOLD."""


class TrajLoad(_Command, frozen=True, tag="TRAJ_LOAD"):
    """Part ``index`` of ``of`` of a trajectory.

    ``knots``: float64 rows of 1 + 2n values: time, n joints, n joint velocities.
    """

    key: str
    index: int
    of: int
    joints: int
    knots: bytes


class TrajStart(_Command, frozen=True, tag="TRAJ_START"):
    """Follow a loaded trajectory; answered with :class:`Started`."""

    arm: str
    key: str


class TrajStartTogether(_Command, frozen=True, tag="TRAJ_START_TOGETHER"):
    """Follow one loaded trajectory per arm from one moment; answered with :class:`StartedAll`."""

    arms: tuple[str, ...]
    keys: tuple[str, ...]


class Grip(_Command, frozen=True, tag="GRIP"):
    """Drive the fingers; answered with :class:`Started`."""

    arm: str
    width_m: float
    force_N: float
    speed_m_s: float | None = None


class Pause(_Command, frozen=True, tag="PAUSE"):
    """Let cell time pass; answered with :class:`Started`."""

    duration_s: float


class Await(_Command, frozen=True, tag="AWAIT"):
    """Ask how a ticket ended, waiting up to ``timeout_ms`` for it. Safe to repeat."""

    ticket: int
    timeout_ms: int = 500


class Stop(_Command, frozen=True, tag="STOP"):
    """HOLD. Any client, no lease; also understood on the stop socket."""

    cause: str


class Resume(_Command, frozen=True, tag="RESUME"):
    """Leave HOLD."""


class Abort(_Command, frozen=True, tag="ABORT"):
    """End the motion in flight with STOPPED."""


class AckStop(_Command, frozen=True, tag="ACK_STOP"):
    """Acknowledge a protective stop."""


class ClearFault(_Command, frozen=True, tag="CLEAR_FAULT"):
    """Check again after a fault."""


class Speed(_Command, frozen=True, tag="SPEED"):
    """Speed override in (0, 1]."""

    fraction: float


class ReleaseTorque(_Command, frozen=True, tag="RELEASE_TORQUE"):
    """Two steps: without a nonce it only answers one."""

    nonce: str = ""


class Setpoint(_Command, frozen=True, tag="SETPOINT"):
    """Follow this until the next set-point or until it expires, counted from its arrival.

    ``q_rad`` or ``dq_rad_s``, one of them; ``seq`` rises with every set-point of one lease.
    Answered with :class:`Applied`.
    """

    arm: str
    seq: int
    valid_for_ms: int
    q_rad: tuple[float, ...] | None = None
    dq_rad_s: tuple[float, ...] | None = None
    width_m: float | None = None


class Jog(_Command, frozen=True, tag="JOG"):
    """Move one joint, or the tool along an axis of the base frame, a finite step.

    Give ``joint`` and a step in radians (at most 0.2) or ``axis`` and one in metres (at most
    0.05). Answered with :class:`Applied`.
    """

    arm: str
    step: float
    valid_for_ms: int
    joint: str = ""
    axis: Literal["", "x", "y", "z"] = ""


class Stow(_Command, frozen=True, tag="STOW"):
    """Go slowly to the arm's rest pose; answered with :class:`Started`."""

    arm: str


class HandGuide(_Command, frozen=True, tag="HAND_GUIDE"):
    """Let a person move an arm by hand for so long; 0 ends it."""

    arm: str
    timeout_s: float


class Recover(_Command, frozen=True, tag="RECOVER"):
    """Out of a pose beyond the limits, in two steps: without a nonce it only answers one."""

    nonce: str = ""


class LimitsTighten(_Command, frozen=True, tag="LIMITS_TIGHTEN"):
    """Narrow an arm's joint ranges, its speed, the workspace; never wider, until the host restarts.

    Empty tuples leave things as they are.
    """

    arm: str
    lo_rad: tuple[float, ...] = ()
    hi_rad: tuple[float, ...] = ()
    speed_share: float = 1.0
    box_lo_m: tuple[float, ...] = ()
    box_hi_m: tuple[float, ...] = ()


class GetStatus(_Command, frozen=True, tag="GET_STATUS"):
    """Ask for the state now."""


class GetEvents(_Command, frozen=True, tag="GET_EVENTS"):
    """Events after a sequence number, at most 100 a reply."""

    after_seq: int


class GetSamples(_Command, frozen=True, tag="GET_SAMPLES"):
    """Joint state since a cell time, oldest first, as much as fits one reply."""

    arm: str
    since_s: float


class GetFindings(_Command, frozen=True, tag="GET_FINDINGS"):
    """What the last check of the devices found."""


class Shutdown(_Command, frozen=True, tag="SHUTDOWN"):
    """HOLD, then the host exits leaving torque as it is."""


Command = (
    Hello
    | Ping
    | LeaseAcquire
    | LeaseRenew
    | LeaseRelease
    | Enable
    | TrajLoad
    | TrajStart
    | TrajStartTogether
    | Grip
    | Pause
    | Await
    | Stop
    | Resume
    | Abort
    | AckStop
    | ClearFault
    | Speed
    | ReleaseTorque
    | Setpoint
    | Jog
    | Stow
    | HandGuide
    | Recover
    | LimitsTighten
    | GetStatus
    | GetEvents
    | GetSamples
    | GetFindings
    | Shutdown
)


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope of a command.

    Attributes:
        id: Unique per client and command; a repeated id gets the first reply again.
        sess: The host's boot id from :class:`Welcome`; empty only with HELLO.
        expires_ns: Host's monotonic clock after which the command is refused; 0 means never.
            Commands that move something must carry one.
        t_send_ns: Client's monotonic clock, for its own use.
    """

    id: str
    role: Role
    who: str
    body: Command
    sess: str = ""
    lease: str = ""
    expires_ns: int = 0
    t_send_ns: int = 0
    v: int = MAJOR
    minor: int = MINOR


class Welcome(msgspec.Struct, frozen=True, tag="WELCOME"):
    """What a client needs to know first. ``t_mono_ns`` is the host's monotonic clock."""

    info: CellInfo
    sess: str
    t_mono_ns: int
    status: CellStatus
    lease_ttl_s: float
    watchdog_s: float


class Pong(msgspec.Struct, frozen=True, tag="PONG"):
    """``ticks`` counts control periods: it stands still when the loop does."""

    t_mono_ns: int
    t_s: float
    ticks: int


class Leased(msgspec.Struct, frozen=True, tag="LEASED"):
    lease: str


class Accepted(msgspec.Struct, frozen=True, tag="ACCEPTED"):
    """Carried out. ``nonce`` only with RELEASE_TORQUE and RECOVER."""

    nonce: str = ""


class Applied(msgspec.Struct, frozen=True, tag="APPLIED"):
    """An order is followed; ``clipped`` names the joints whose range cut it short."""

    clipped: tuple[str, ...] = ()


class Started(msgspec.Struct, frozen=True, tag="STARTED"):
    ticket: int


class StartedAll(msgspec.Struct, frozen=True, tag="STARTED_ALL"):
    """A ticket per arm, in the order asked."""

    tickets: tuple[int, ...]


class Ended(msgspec.Struct, frozen=True, tag="ENDED"):
    """How a ticket stands; ``done`` false means: ask again."""

    ticket: int
    done: bool
    motion: MotionReport | None = None
    grip: GripReport | None = None
    stopped: str = ""
    """Why a wait ended early."""


class StatusIs(msgspec.Struct, frozen=True, tag="STATUS"):
    status: CellStatus


class Events(msgspec.Struct, frozen=True, tag="EVENTS"):
    events: tuple[CellEvent, ...]
    last_seq: int


class Samples(msgspec.Struct, frozen=True, tag="SAMPLES"):
    """``rows``: float64 rows of 3 + 2n values: time, opening, opening commanded, n joints measured,
    n joints commanded. ``more``: ask again from the last time."""

    joints: int
    rows: bytes
    more: bool


class Findings(msgspec.Struct, frozen=True, tag="FINDINGS"):
    findings: tuple[Finding, ...]


Answer = (
    Welcome
    | Pong
    | Leased
    | Accepted
    | Applied
    | Started
    | StartedAll
    | Ended
    | StatusIs
    | Events
    | Samples
    | Findings
)


class WireError(msgspec.Struct, frozen=True):
    """``code`` is stable, ``text`` is for people, ``hint`` says what to do."""

    code: str
    text: str
    hint: str = ""


class Reply(msgspec.Struct, frozen=True):
    """Answer or error to the request with this id; id is empty when it could not be read."""

    id: str
    ok: bool
    body: Answer | None = None
    error: WireError | None = None
    v: int = MAJOR


class State(msgspec.Struct, frozen=True):
    """One published state. ``seq`` counts publications, ``ticks`` control periods."""

    sess: str
    seq: int
    ticks: int
    t_mono_ns: int
    status: CellStatus
    v: int = MAJOR


class BadMessage(ValueError):
    """A message that is no valid request; ``code`` is one of oversized, malformed, not_finite."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(Request)
_reply_decoder = msgspec.msgpack.Decoder(Reply)
_state_decoder = msgspec.msgpack.Decoder(State)


def encode(message: Request | Reply | State) -> bytes:
    return _encoder.encode(message)


def decode_request(raw: bytes) -> Request:
    """Raises BadMessage, whatever the bytes are."""
    if len(raw) > MAX_MESSAGE:
        raise BadMessage("oversized", f"{len(raw)} bytes; at most {MAX_MESSAGE}")
    try:
        request = _request_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("malformed", str(error).splitlines()[0][:200]) from None
    if not _finite(request.body):
        raise BadMessage("not_finite", "a number in the command is not finite")
    return request


def decode_reply(raw: bytes) -> Reply:
    """Raises msgspec.DecodeError when the host speaks something else."""
    try:
        return _reply_decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def decode_state(raw: bytes) -> State:
    """Raises msgspec.DecodeError when it is no state."""
    try:
        return _state_decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def _finite(command: Command) -> bool:
    if isinstance(command, TrajLoad):
        whole = len(command.knots) // 8 * 8
        return bool(np.isfinite(np.frombuffer(command.knots[:whole], "<f8")).all())
    for field in command.__struct_fields__:
        value = getattr(command, field)
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(math.isfinite(v) for v in numbers if isinstance(v, float)):
            return False
    return True
