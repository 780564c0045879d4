"""The bench: one worker process around the cell host, the gate, and one trial at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import dataclass, field

import msgspec

from aspire_tui.domain import Phase
from aspire_tui.engine.book import Book
from aspire_tui.engine.gate import GateState
from aspire_tui.events import CallIntent, CallResult, Note, PhaseChanged, TrialClosed
from aspire_tui.rollout.bench_worker import BenchSpec
from aspire_tui.rollout.bulk import Hello
from aspire_tui.rollout.link import (
    FRAME_MAX,
    HEADER,
    Admit,
    Ask,
    Committed,
    Done,
    Entry,
    Failed,
    KillProgram,
    Ready,
    ResumeCell,
    Start,
    ToEngine,
    ToWorker,
    pack,
    unpack_to_engine,
)
from aspire_tui.rollout.trial import TrialSpec


class BenchLost(Exception):
    """The bench worker or its cell is gone; the text says what was seen."""


@dataclass
class Bench:
    """The engine's end of the bench worker."""

    book: Book
    gate: GateState = field(default_factory=GateState)
    hello: Hello | None = None
    trial: int | None = None
    """Number of the trial in flight."""
    cell_s: float = 0.0
    """Cell time of the newest thing the worker told."""
    phase: Phase = "idle"
    """Phase of the trial in flight, as the worker told it; ``held`` is the engine's own word."""
    stands_held: bool = False
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def start(self, spec: BenchSpec, log: int) -> Hello:
        """Start the worker process and wait until cell and sandbox stand.

        Raises:
            BenchLost: It could not start; the text is one line for the operator.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aspire_tui.rollout.bench_worker",
                "--fd",
                str(theirs.fileno()),
                "--spec",
                msgspec.json.encode(spec).decode(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
            )
        finally:
            theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=FRAME_MAX)
        first = await self._receive()
        if isinstance(first, Failed):
            raise BenchLost(first.text)
        if not isinstance(first, Ready):
            raise BenchLost("the bench worker answered out of turn")
        self.hello = first.hello
        return first.hello

    async def run(self, trial: TrialSpec) -> TrialClosed:
        """Run one trial to its end, recording everything on the way.

        Raises:
            BenchLost: The worker died under it; what was acknowledged is in the session.
        """
        self.trial = trial.trial
        self._send(Start(trial))
        try:
            while True:
                message = await self._receive()
                if isinstance(message, Done):
                    if self.phase == "fault":
                        raise BenchLost(
                            f"{message.closed.reason}. The session is kept; look at the cell, then "
                            "start the run again: the host is started with it"
                        )
                    return message.closed
                await self._handle(message)
        finally:
            self.trial, self.phase, self.stands_held = None, "idle", False
            self.gate.trial_ended()

    async def _handle(self, message: ToEngine) -> None:
        if isinstance(message, Entry):
            for event in message.events:
                if isinstance(event, (PhaseChanged, CallIntent, CallResult)):
                    self.cell_s = event.cell_s
                if isinstance(event, PhaseChanged):
                    self.phase = event.phase
            seq = await self.book.write(
                *message.events,
                blobs=message.blobs,
                samples=message.samples,
                video=message.video,
            )
            if message.ack:
                self._send(Committed(seq))
        elif isinstance(message, Ask):
            await self._admit()
        elif isinstance(message, Failed):
            raise BenchLost(message.text)

    async def _admit(self) -> None:
        """Answer the call that asks; while the gate is closed the trial stands in phase held."""
        while (answer := self.gate.ask()) == "wait":
            await self.stand_held()
            self._opened.clear()
            await self._opened.wait()
        if answer == "run":
            await self.go_on()
        self._send(Admit(answer, self.gate.reason))

    async def stand_held(self) -> None:
        """Record that the trial in flight is held, once, whoever closed the gate."""
        if self.trial is None or self.stands_held:
            return
        self.stands_held = True
        await self.book.write(
            PhaseChanged(self.trial, "held", self.gate.reason, self.cell_s, "R resume, s step")
        )

    async def go_on(self) -> None:
        """Record that a held trial goes on in the phase it was in."""
        if self.trial is None or not self.stands_held:
            return
        self.stands_held = False
        await self.book.write(PhaseChanged(self.trial, self.phase, "resumed", self.cell_s))

    def gate_changed(self) -> None:
        """Wake a call that waits at the gate."""
        self._opened.set()

    def kill_program(self, who: str) -> None:
        self._send(KillProgram(who))

    def resume_cell(self, who: str) -> None:
        self._send(ResumeCell(who))

    def _send(self, message: ToWorker) -> None:
        if self._writer is None or self._writer.is_closing():
            raise BenchLost("the bench worker is not running")
        self._writer.write(pack(message))

    async def _receive(self) -> ToEngine:
        if self._reader is None:
            raise BenchLost("the bench worker is not running")
        try:
            (size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            return unpack_to_engine(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._process.wait() if self._process else None
            raise BenchLost(f"the bench worker ended (exit {code})") from None

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def note(self, text: str) -> None:
        await self.book.write(Note(text, "warn", "bench"))


def open_log(path: str) -> int:
    """A log file for the processes of a session; they have no terminal."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
