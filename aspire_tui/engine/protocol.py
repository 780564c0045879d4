"""Engine commands: length-prefixed msgspec JSON ``{proto, id, verb, args, role}``.

The reply says accepted or refused with the reason; the effect is an event in the session with the
same id. A viewer may HOLD; an agent may never resume, acknowledge, enable or raise speed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from aspire_tui.domain import JSON, Role
from aspire_tui.framing import framed

PROTO = 1
"""Major version. Within it verbs and fields are only added."""
FRAME_MAX = 4 << 20

Verb = Literal[
    "hello",
    "present",
    "leave",
    "take_control",
    "grant",
    "revoke_grant",
    "approve",
    "reject",
    "hold",
    "resume",
    "step",
    "abort",
    "pause_agent",
    "stop",
    "exec",
    "break",
    "unbreak",
    "run_call",
    "skip_call",
    "edit_call",
    "dry_run",
    "job",
    "cancel",
    "tell",
    "reply",
    "permit",
    "promote",
    "fork",
    "borrow",
    "prune",
    "speed",
    "home",
    "reset",
    "verify",
    "note",
    "bookmark",
    "override",
]

VIEWER_MAY: frozenset[str] = frozenset({"hello", "present", "leave", "hold"})
AGENT_MAY: frozenset[str] = frozenset({"hello", "hold"})


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One request of a client."""

    proto: int
    id: str
    verb: Verb
    who: str
    role: Role = "operator"
    args: dict[str, JSON] = {}
    console: str = ""
    """The screen it comes from; empty for a single command."""


class Reply(msgspec.Struct, frozen=True):
    """Accepted or refused, with the reason in words for an operator."""

    id: str
    accepted: bool
    reason: str = ""
    data: dict[str, JSON] = {}


_command: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_reply: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
_encode = msgspec.json.Encoder().encode


def pack(message: Command | Reply) -> bytes:
    body = _encode(message)
    return framed(body)


def read_command(body: bytes) -> Command:
    """Raises ``msgspec.DecodeError`` (a ValueError) on anything that is not a command."""
    try:
        return _command.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def read_reply(body: bytes) -> Reply:
    """Raises ``msgspec.DecodeError`` on anything that is not a reply."""
    try:
        return _reply.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def refusal(command: Command) -> str:
    """Why this role may not do this at all; empty when it may. Pure."""
    if command.verb == "hello":
        return ""  # whatever it speaks: the answer says what we speak
    if command.proto != PROTO:
        return f"this engine speaks protocol {PROTO}, the client {command.proto}; use one release"
    if command.role == "viewer" and command.verb not in VIEWER_MAY:
        return "a viewer may watch and HOLD; attach as operator to do this"
    if command.role == "agent" and command.verb not in AGENT_MAY:
        return "an agent may never do this; ask the operator"
    return ""


class Speaks(NamedTuple):
    """What one side of a connection is."""

    proto: int
    release: str
    command: str = ""
    """How that side's own command line is started."""


class Handshake(NamedTuple):
    """What two sides can do with each other. ``refused`` is empty when a screen may open."""

    read_only: bool
    refused: str


def handshake(ours: Speaks, engine: Speaks, session: str) -> Handshake:
    """Same major: everything. An older engine: look, and HOLD past it. A newer one: its own tools.

    An engine that holds a cell is never restarted for this. Pure.
    """
    if ours.proto == engine.proto:
        return Handshake(False, "")
    if ours.proto > engine.proto:
        return Handshake(True, "")
    command = engine.command or "aspire-tui"
    return Handshake(
        True,
        f"the engine is of release {engine.release} (protocol {engine.proto}), this is "
        f"{ours.release} (protocol {ours.proto}); attach with: {command} attach {session}",
    )
