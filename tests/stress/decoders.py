"""Everything that reads bytes from outside its own process, fed one message at a time.

``read`` answers whether the message was accepted. Whatever it raises that is not in ``refusals``
is a surprise: nothing a sender can write may end a reader in any other way.
"""

from __future__ import annotations

import asyncio
import json
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import numpy as np

from aspire_tui.engine import agent_host, server
from aspire_tui.engine.protocol import Command, Reply, pack, read_reply, refusal
from aspire_tui.events import encode as encode_event
from aspire_tui.framing import HEADER
from aspire_tui.improvement.toolset import read_arguments
from aspire_tui.improvement.wire import AgentDone, ToolCall
from aspire_tui.rollout.sandbox.api import Answer, Function, Namespace, Parameter, ProgramLimits
from aspire_tui.rollout.sandbox.frames import BadFrame, CallFrame, Reader, WireViolation
from aspire_tui.rollout.sandbox.lent import SMALLEST_BYTES, digest_of
from aspire_tui.rollout.sandbox.reception import Malformed, Reception
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.stored import event_of
from drivers import rows, wire
from drivers.types import CellStatus, Trajectory
from tests.session.story import BLOBS, story
from tests.stress.decoder import Decoder
from tests.stress.device_decoders import device_decoders
from tests.stress.file_decoders import file_decoders


@contextmanager
def all_decoders() -> Iterator[tuple[Decoder, ...]]:
    """Every decoder, with the folders some of them need."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="decoders-")))
        loop = asyncio.new_event_loop()
        closing.callback(loop.close)
        yield (
            sandbox_calls(),
            engine_commands(loop),
            engine_replies(),
            cell_requests(),
            cell_replies(),
            session_events(),
            session_files(folder),
            agent_messages(loop),
            *file_decoders(folder),
            *device_decoders(),
        )


def framed(body: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + body + payload


def reframed(data: bytes, header: struct.Struct) -> bytes:
    """Most mutations with their length put right, or few would get past it."""
    if len(data) < 4 or zlib.crc32(data) % 4 == 0:
        return data
    end = data.rfind(b"}") + 1 or len(data)
    return header.pack(max(0, end - 4)) + data[4:]


def sandbox_calls() -> Decoder:
    """From a program: length, JSON, arrays; then arguments against the declared primitives."""
    picture = np.arange(SMALLEST_BYTES, dtype=np.uint8)
    space = Namespace((Function("f", (Parameter("x", True), Parameter("y", False)), ""),))

    def call(arguments: object, arrays: object = (), payload: bytes = b"") -> bytes:
        header = {"t": "call", "n": 1, "f": "f", "line": 3, "a": arguments, "arrays": arrays}
        return framed(json.dumps(header).encode(), payload)

    def read(data: bytes) -> bool:
        accepted = False
        reader = Reader(1 << 14, 1 << 18)
        reception = Reception(space, lambda c: Answer(picture), ProgramLimits(), None, lambda: 0.0)
        reception._lent.remember([picture])
        one_message = data.count(b'"t"') < 2
        for message in reader.feed(reframed(data, struct.Struct(">I")) if one_message else data):
            if isinstance(message, BadFrame):
                assert message.why.isprintable() and len(message.why) < 200
            elif isinstance(message.header, CallFrame):
                header, outgoing = reception.answer(message, message.header)
                reception.sent(outgoing)
                assert header["t"] in ("ok", "err", "again")
                accepted = accepted or header["t"] == "ok"
            else:
                accepted = True
        return accepted

    seeds = (
        call({"x": [0.1, 0.2, {"$": "t", "v": [1, 2]}], "y": {"$": "a", "i": 0}},
             [{"dtype": "float64", "shape": [2, 2]}], bytes(32)),
        call({"x": {"$": "r", "s": "OK", "d": "d", "f": {"q": [1.5]}}}),
        call({"x": {"$": "m", "v": [[1, {"$": "d", "h": digest_of(picture)}]]},
              "y": {"$": "x", "w": "NaN"}}),
        call({"x": "text"}) + call({"x": None, "y": True}),
        framed(b'{"t":"end","ended":"raised","error":"e","line":3,"claimed":true}'),
        framed(b'{"t":"probe","denied":["a"],"leaks":[]}'),
    )  # fmt: skip
    return Decoder("sandbox calls", seeds, read, (WireViolation, Malformed))


class _Writer:
    """Takes what the engine answers, as a stream writer would."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    def write(self, data: bytes) -> None:
        self.replies.append(read_reply(data[HEADER.size :]))

    async def drain(self) -> None:
        return None


def engine_commands(loop: asyncio.AbstractEventLoop) -> Decoder:
    """From any client of an engine's socket, through the loop that answers it."""

    async def handle(command: Command) -> Reply:
        why = refusal(command)
        return Reply(command.id, not why, why)

    async def serve(data: bytes) -> bool:
        reader, writer = asyncio.StreamReader(), _Writer()
        reader.feed_data(data)
        reader.feed_eof()
        with suppress(asyncio.IncompleteReadError):  # the client went away within a command
            await server._answer(reader, writer, handle)  # type: ignore[arg-type]
        return any(reply.accepted for reply in writer.replies)

    seeds = tuple(
        pack(command)
        for command in (
            Command(1, "a-1", "hello", "ann"),
            Command(1, "a-2", "hold", "ann", "viewer", {"cause": "key"}),
            Command(1, "a-3", "resume", "ann", "operator", {"speed": 0.5}),
            Command(1, "a-4", "exec", "ann", args={"program": "goto_pose([0,0,0])", "seeds": [1]}),
        )
    )
    seeds = (*seeds, seeds[0] + seeds[2])
    return Decoder(
        "engine commands",
        seeds,
        lambda data: loop.run_until_complete(serve(reframed(data, HEADER))),
        (),
    )


def engine_replies() -> Decoder:
    """From an engine to a client."""
    seeds = (
        pack(Reply("a", True, data={"session": "s", "n": 3})),
        pack(Reply("b", False, "a viewer may watch and HOLD")),
    )

    def read(data: bytes) -> bool:
        read_reply(data[HEADER.size :])
        return True

    return Decoder("engine replies", seeds, read, (msgspec.DecodeError,))


def cell_requests() -> Decoder:
    """``cell/1`` from any client of a cell host, also on its stop socket."""
    path = Trajectory(np.arange(3.0), np.zeros((3, 6)), np.zeros((3, 6)))
    commands: tuple[wire.Command, ...] = (
        wire.Hello(), wire.Ping(), wire.LeaseAcquire(True), wire.Enable(),
        wire.Grip("left", 0.04, 10.0), wire.Grip("left", 0.04, 10.0, 0.1), wire.Pause(0.5),
        wire.Await(3), wire.Stop("key"), wire.Resume(), wire.Speed(0.5), wire.ReleaseTorque("n"),
        wire.GetEvents(0), wire.GetSamples("left", 0.0), wire.TrajStart("left", "k"),
        *rows.pack_trajectory(path, "k"),
    )  # fmt: skip
    seeds = tuple(
        wire.encode(wire.Request(f"a-{n}", "operator", "ann", body, "boot", "lease", 10**18, 5))
        for n, body in enumerate(commands)
    )

    def read(data: bytes) -> bool:
        request = wire.decode_request(data)
        if isinstance(request.body, wire.TrajLoad):
            rows.unpack_trajectory([request.body])
        return True

    return Decoder("cell/1 requests", seeds, read, (wire.BadMessage,))


def cell_replies() -> Decoder:
    """``cell/1`` from a host: answers, and the published state."""
    status = CellStatus(1.0, "HOLD", None, "boot", "host", 0.0, "NOT WIRED", 1.0, None, ())
    answers: tuple[wire.Answer, ...] = (
        wire.Accepted("n"), wire.Started(3), wire.Pong(1, 2.0, 3), wire.Ended(3, False),
        wire.StatusIs(status), wire.Events((), 4), wire.Samples(6, bytes(8 * 15), False),
    )  # fmt: skip
    seeds = tuple(wire.encode(wire.Reply(f"a-{n}", True, a)) for n, a in enumerate(answers))
    error = wire.WireError("refused", "no lease")
    seeds += (wire.encode(wire.Reply("a", False, error=error)),)
    states = (wire.encode(wire.State("boot", 1, 2, 3, status)),)

    def read(data: bytes) -> bool:
        decode = wire.decode_state if data[:40].find(b"ticks") >= 0 else wire.decode_reply
        decode(data)
        return True

    return Decoder(
        "cell/1 replies", seeds + states, read, (msgspec.DecodeError, UnicodeDecodeError)
    )


def session_events() -> Decoder:
    """Bodies of events, as an imported session has them."""
    seeds = tuple({encode_event(event) for s in range(4) for event in story(s, trials=3)})

    def read(data: bytes) -> bool:
        event_of("trial_opened", data)
        return True

    return Decoder("session events", seeds, read, (msgspec.DecodeError, UnicodeDecodeError))


def session_files(folder: Path) -> Decoder:
    """A whole session file, opened and looked at as the console does."""
    path = folder / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(list(story(1, trials=2)), BLOBS)
    changed = folder / "changed.db"

    def read(data: bytes) -> bool:
        changed.write_bytes(data)
        try:
            with SessionReader(changed) as reader:
                reader.snapshot()
                for trial in reader.trials():
                    reader.calls(trial.trial)
                    reader.attempts(trial.trial)
                reader.hypotheses()
                list(reader.events())
                reader.verify()
        finally:
            for beside in folder.glob("changed.db*"):
                beside.unlink()
        return True

    return Decoder("session files", (path.read_bytes(),), read, (SessionFileError,), 1 / 200)


def agent_messages(loop: asyncio.AbstractEventLoop) -> Decoder:
    """From an agent's worker: tool calls, their arguments, and its word that it is done."""
    sent: tuple[msgspec.Struct, ...] = (
        ToolCall(1, "run", {"hypothesis": 2, "seed_indices": [0, 1], "bench": False}),
        ToolCall(2, "call", {"trial": 1, "call": 3}),
        ToolCall(3, "say", {"text": "it slipped", "role": "message"}),
        ToolCall(4, "judge", {"hypothesis": 1}),
        AgentDone("no answer"),
    )

    async def read(data: bytes) -> bool:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        try:
            said = await agent_host._next(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        if isinstance(said, ToolCall):
            read_arguments(said.tool, said.args)
        return isinstance(said, ToolCall) or said.error == "no answer"

    def framed_message(message: msgspec.Struct) -> bytes:
        body = msgspec.json.encode(message)
        return HEADER.pack(len(body)) + body

    return Decoder(
        "agent messages",
        tuple(framed_message(message) for message in sent),
        lambda data: loop.run_until_complete(read(reframed(data, HEADER))),
        (msgspec.ValidationError, KeyError),
    )
