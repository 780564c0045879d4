"""The messages between the engine and its bench worker: length-prefixed, typed, both ways."""

from __future__ import annotations

import socket
from typing import Literal

import msgspec

from aspire_tui import framing
from aspire_tui.domain import CallPreview, Phase, SeenCell
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import AnyEvent, Samples, TrialClosed, VideoFrame
from aspire_tui.rollout.bulk import Hello
from aspire_tui.rollout.trial import TrialSpec

FRAME_MAX = 64 << 20


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker stands: cell connected, sandbox proven."""

    hello: Hello


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot go on."""

    code: str
    text: str


class Entry(msgspec.Struct, frozen=True, tag=True):
    """Something to record. The engine answers Committed when ``ack`` is set."""

    events: tuple[AnyEvent, ...] = ()
    blobs: dict[str, tuple[str, bytes]] = {}
    samples: tuple[Samples, ...] = ()
    video: tuple[VideoFrame, ...] = ()
    ack: bool = False


class Ask(msgspec.Struct, frozen=True, tag=True):
    """May this call run? Its intent is already durable."""

    attempt: int
    call: int
    primitive: str
    line: int
    travel_m: float | None = None
    """Way of the tool, as planned; only told where large moves are approved."""


class AskPhase(msgspec.Struct, frozen=True, tag=True):
    """May the trial go on to this phase? The program has ended."""

    phase: Phase


class AskPerson(msgspec.Struct, frozen=True, tag=True):
    """A program asks whoever is at the cell; answered by :class:`PersonSaid`."""

    text: str


class Checked(msgspec.Struct, frozen=True, tag=True):
    """An operator's edit or stated result is taken (empty) or refused with the reason."""

    error: str = ""


class Considered(msgspec.Struct, frozen=True, tag=True):
    """What the standing call would do, with the arguments it would now run with."""

    call: int
    args: dict[str, object]
    preview: CallPreview
    edited: tuple[str, ...] = ()
    edited_by: str = ""


class Observed(msgspec.Struct, frozen=True, tag=True):
    """What the cell's sensors see; None with the reason when they cannot be asked."""

    seen: SeenCell | None
    error: str = ""
    blobs: dict[str, tuple[str, bytes]] = {}


class HandDone(msgspec.Struct, frozen=True, tag=True):
    """An act by hand is over; what came of it was entered before."""


class Done(msgspec.Struct, frozen=True, tag=True):
    closed: TrialClosed


class Start(msgspec.Struct, frozen=True, tag=True):
    """Run this trial."""

    trial: TrialSpec


class Committed(msgspec.Struct, frozen=True, tag=True):
    seq: int


class Admit(msgspec.Struct, frozen=True, tag=True):
    act: str
    reason: str = ""


class Consider(msgspec.Struct, frozen=True, tag=True):
    """Plan the standing call and say what it would do."""


class Edit(msgspec.Struct, frozen=True, tag=True):
    """Replace arguments of the standing call; none takes all edits back."""

    changes: dict[str, object]
    who: str


class State(msgspec.Struct, frozen=True, tag=True):
    """What the program is to get when the standing call is skipped."""

    status: str
    value: object
    detail: str
    who: str


class PersonSaid(msgspec.Struct, frozen=True, tag=True):
    """What came of a program's question: OK, TIMEOUT, or STOPPED when the trial was aborted."""

    status: Literal["OK", "TIMEOUT", "STOPPED"]
    text: str


class Observe(msgspec.Struct, frozen=True, tag=True):
    """Look at the cell for a task. Only sent while no call runs."""

    task: TaskDef


class KillProgram(msgspec.Struct, frozen=True, tag=True):
    """End the attempt in flight: the program is killed, the call ends STOPPED."""

    who: str


class ResumeCell(msgspec.Struct, frozen=True, tag=True):
    """Leave HOLD: the operator confirmed it."""

    who: str


class Bound(msgspec.Struct, frozen=True, tag=True):
    """Bounds of an unattended grant; without a box the cell's own are enough again."""

    speed: float
    """Most speed override, in (0, 1]."""
    lo_m: tuple[float, float, float] | None = None
    hi_m: tuple[float, float, float] | None = None


class HoldNext(msgspec.Struct, frozen=True, tag=True):
    """Let the motion in flight end, then HOLD before the next: nobody is there any more."""

    who: str


class Park(msgspec.Struct, frozen=True, tag=True):
    """Go slowly to where the arms rest, as a grant approved beforehand. No call is in flight."""

    who: str


class SetSpeed(msgspec.Struct, frozen=True, tag=True):
    """Another speed override, in (0, 1]."""

    fraction: float
    who: str


class ByHand(msgspec.Struct, frozen=True, tag=True):
    """Go home, set a scene, or judge what stands there: outside of any trial."""

    act: Literal["home", "reset", "verify"]
    task: TaskDef
    seed: int
    who: str
    id: str


class Quit(msgspec.Struct, frozen=True, tag=True):
    pass


ToEngine = (
    Ready
    | Failed
    | Entry
    | Ask
    | AskPhase
    | AskPerson
    | Checked
    | Considered
    | Observed
    | HandDone
    | Done
)
Asked = Consider | Edit | State | Observe
ToWorker = (
    Start
    | Committed
    | Admit
    | Asked
    | PersonSaid
    | KillProgram
    | ResumeCell
    | Bound
    | HoldNext
    | Park
    | SetSpeed
    | ByHand
    | Quit
)

_encoder = msgspec.msgpack.Encoder()
_to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)


def pack(message: ToEngine | ToWorker) -> bytes:
    body = _encoder.encode(message)
    return framing.framed(body)


def unpack_to_engine(body: bytes) -> ToEngine:
    return _to_engine.decode(body)


def unpack_to_worker(body: bytes) -> ToWorker:
    return _to_worker.decode(body)


class LinkClosed(Exception):
    """The other side is gone."""


def receive(sock: socket.socket) -> bytes:
    """One message body; raises LinkClosed at the end of the stream."""
    try:
        return framing.receive(sock, FRAME_MAX)
    except EOFError as ended:
        raise LinkClosed(str(ended)) from None
