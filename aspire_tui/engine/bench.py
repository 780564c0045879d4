"""The bench: one worker process around the cell host, the gate, and one trial at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from aspire_tui.domain import Grant, Phase
from aspire_tui.engine.book import Book
from aspire_tui.engine.gate import Asking, GateState
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import CallIntent, CallResult, CallStood, Note, PhaseChanged, TrialClosed
from aspire_tui.framing import HEADER
from aspire_tui.improvement.answers import OperatorAnswer
from aspire_tui.rollout.bench_worker import BenchSpec
from aspire_tui.rollout.bulk import Hello
from aspire_tui.rollout.link import (
    FRAME_MAX,
    Admit,
    Ask,
    AskPerson,
    AskPhase,
    Bound,
    ByHand,
    Checked,
    Committed,
    Consider,
    Considered,
    Done,
    Edit,
    Entry,
    Failed,
    HandDone,
    HoldNext,
    KillProgram,
    Observe,
    Observed,
    Park,
    PersonSaid,
    Ready,
    ResumeCell,
    SetSpeed,
    Start,
    State,
    ToEngine,
    ToWorker,
    pack,
    unpack_to_engine,
)
from aspire_tui.rollout.sandbox.api import SandboxUnavailable
from aspire_tui.rollout.trial import TrialSpec

CHECKED_WITHIN_S = 2.5
"""How long an operator waits to hear whether an edit is taken."""


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
    why_ask_move: Callable[[float | None], str] = lambda _: ""
    """Why a move of the tool this far needs somebody's word; empty when it does not."""
    ask_person: Callable[[str], Awaitable[OperatorAnswer]] | None = None
    """Puts a program's question to whoever is there; None: nobody ever is."""
    withdraw: Callable[[], None] = lambda: None
    """Ends what a program asks without an answer."""
    by_hand: str = ""
    """What an operator has the cell do outside of any trial."""
    _hand: asyncio.Future[None] | None = None
    _question: asyncio.Task[None] | None = None
    _stood_for: str = ""
    _program: str = ""
    _waiting: Ask | AskPhase | None = None
    """What the worker asked and has no answer to."""
    _considered: bool = False
    _checked: asyncio.Future[str] | None = None
    _checking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _observed: asyncio.Future[Observed] | None = None
    _late: int = 0
    """Checks whose answer nobody waits for any more."""
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _no_call: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear while a call runs."""
    _closed: asyncio.Future[TrialClosed] | None = None
    _following: asyncio.Task[None] | None = None
    _lost: BaseException | None = None
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def start(self, spec: BenchSpec, log: int) -> Hello:
        """Start the worker process and wait until cell and sandbox stand.

        Raises:
            BenchLost: It could not start; the text is one line for the operator.
            SandboxUnavailable: None of the levels asked for can be had.
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
            raise (
                SandboxUnavailable(first.text) if first.code == "sandbox" else BenchLost(first.text)
            )
        if not isinstance(first, Ready):
            raise BenchLost("the bench worker answered out of turn")
        self.hello = first.hello
        self._no_call.set()
        self._following = asyncio.create_task(self._follow())
        return first.hello

    async def run(self, trial: TrialSpec) -> TrialClosed:
        """Run one trial to its end, recording everything on the way.

        Raises:
            BenchLost: The worker died under it; what was acknowledged is in the session.
        """
        if self._lost is not None:
            raise self._lost
        self.trial, self._program = trial.trial, trial.program_id
        self._closed = asyncio.get_running_loop().create_future()
        try:
            async with self._looking:
                self._send(Start(trial))
            return await self._closed
        finally:
            self.trial, self.phase, self.stands_held = None, "idle", False
            self._closed = self._waiting = None
            self._no_call.set()
            self.gate.trial_ended()

    async def do_by_hand(self, asked: ByHand) -> None:
        """Home, reset or verify; what came of it is an event with the command's id.

        Raises:
            BenchLost: The worker died under it.
        """
        if self._lost is not None:
            raise self._lost
        self.by_hand = asked.act
        self._hand = asyncio.get_running_loop().create_future()
        try:
            async with self._looking:
                self._send(asked)
            await self._hand
        finally:
            self.by_hand, self._hand = "", None

    async def _follow(self) -> None:
        """Take what the worker says and what changes the gate, in turn, until either fails."""
        incoming = asyncio.ensure_future(self._receive())
        opened = asyncio.ensure_future(self._opened.wait())
        try:
            while True:
                await asyncio.wait({incoming, opened}, return_when=asyncio.FIRST_COMPLETED)
                if opened.done():
                    self._opened.clear()
                    opened = asyncio.ensure_future(self._opened.wait())
                    await self._admit()
                if incoming.done():
                    message = incoming.result()
                    incoming = asyncio.ensure_future(self._receive())
                    await self._handle(message)
        except Exception as error:  # whoever waits for the bench has to hear of it
            self._lose(error)
        finally:
            incoming.cancel()
            opened.cancel()

    def _lose(self, error: BaseException) -> None:
        self._lost = error
        for waiter in (self._closed, self._checked, self._observed, self._hand):
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)

    async def _handle(self, message: ToEngine) -> None:
        match message:
            case Entry():
                await self._enter(message)
            case Ask() | AskPhase():
                self._waiting, self._considered = message, False
                await self._admit()
            case AskPerson(text):
                self._question = asyncio.create_task(self._put(text))
                self._question.add_done_callback(self._put_ended)
            case Considered():
                await self._tell(message)
            case Checked(error):
                if self._late:
                    self._late -= 1
                elif self._checked is not None and not self._checked.done():
                    self._checked.set_result(error)
            case Observed():
                if self._observed is not None and not self._observed.done():
                    self._observed.set_result(message)
            case HandDone():
                if self._hand is not None and not self._hand.done():
                    self._hand.set_result(None)
            case Done(closed):
                self._end(closed)
            case Failed(text=text):
                raise BenchLost(text)

    async def _enter(self, entry: Entry) -> None:
        for event in entry.events:
            if isinstance(event, (PhaseChanged, CallIntent, CallResult)):
                self.cell_s = event.cell_s
            if isinstance(event, PhaseChanged):
                self.phase = event.phase
        seq = await self.book.write(
            *entry.events, blobs=entry.blobs, samples=entry.samples, video=entry.video
        )
        if self.stands_held and self.gate.mode != "aborting" and _goes_on(entry):
            await self._tell_held()  # a reset that was under way ends; nothing else begins
        for event in entry.events:
            if isinstance(event, CallResult):
                self._no_call.set()
                self.gate.ended(event.call, event.primitive, event.status)
        if entry.ack:
            self._send(Committed(seq))

    def _end(self, closed: TrialClosed) -> None:
        if self._closed is None or self._closed.done():
            return
        if self.phase == "fault":
            why = f"{closed.reason}. The session is kept; look at the cell, then "
            self._closed.set_exception(
                BenchLost(why + "start the run again: the host is started with it")
            )
        else:
            self._closed.set_result(closed)

    async def _admit(self) -> None:
        """Answer what asks; while the gate is closed the trial stands in phase held."""
        asked = self._waiting
        if asked is None:
            return
        answer = self.gate.ask(self._in_words(asked))
        if answer == "wait":
            await self.stand_held()
            if isinstance(asked, Ask) and not self._considered:
                self._considered = True
                self._send(Consider())
            return
        reason, self._waiting = self.gate.reason, None
        if answer != "abort":
            await self.go_on()
        if answer == "run" and isinstance(asked, Ask):
            self._no_call.clear()
        self._send(Admit(answer, reason))

    def _in_words(self, asked: Ask | AskPhase) -> Asking:
        if isinstance(asked, AskPhase):
            return Asking()
        why = self.why_ask_move(asked.travel_m)
        return Asking(asked.call, asked.primitive, asked.line, self._program, why)

    async def _put(self, text: str) -> None:
        """Put a program's question to a person; its call stays open, its clocks stand."""
        trial, said = self.trial, OperatorAnswer("TIMEOUT", "nobody is at the cell")
        if self.ask_person is not None and trial is not None:
            asks = PhaseChanged(trial, "needs_operator", text, self.cell_s, "an answer, A abort")
            await self.book.write(asks)
            said = await self.ask_person(text)
            if not self.stands_held and self.trial == trial:
                await self.book.write(PhaseChanged(trial, self.phase, "went on", self.cell_s))
        if self.gate.mode == "aborting":
            self._send(PersonSaid("STOPPED", self.gate.reason))
        else:
            self._send(PersonSaid("OK" if said.status == "OK" else "TIMEOUT", said.text))

    def _put_ended(self, task: asyncio.Task[None]) -> None:
        self._question = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lose(error)

    async def _tell(self, told: Considered) -> None:
        """Record what the standing call would do."""
        asked = self._waiting
        if self.trial is None or not isinstance(asked, Ask) or asked.call != told.call:
            return
        await self.book.write(
            CallStood(
                trial=self.trial,
                attempt=asked.attempt,
                call=asked.call,
                primitive=asked.primitive,
                line=asked.line,
                why=self.gate.reason,
                args=told.args,
                preview=told.preview,
                cell_s=self.cell_s,
                edited=told.edited,
                edited_by=told.edited_by,
            )
        )

    async def edit_call(self, changes: dict[str, object], who: str) -> str:
        """Replace arguments of the call that stands; answers why not, or nothing."""
        return await self._check(Edit(changes, who))

    async def skip_call(self, status: str, value: object, detail: str, who: str) -> str:
        """Answer the call that stands without running it; answers why not, or nothing."""
        refused = await self._check(State(status, value, detail, who))
        if not refused and not self.gate.skip_call():
            refused = "no call stands any more"
        self.gate_changed()
        return refused

    @property
    def program(self) -> str:
        """sha256 of the program of the trial in flight, or of the last one."""
        return self._program

    @property
    def can_look(self) -> bool:
        """Whether the cell can be looked at now: no trial, or one whose program stands."""
        return not self.by_hand and (self.trial is None or self._waiting is not None)

    async def observe(self, task: TaskDef) -> Observed:
        """Look at the cell. Raises BenchLost when there is no bench to look from."""
        async with self._looking:
            if not self.can_look:
                return Observed(None, "the program runs; HOLD or step, so that it stands")
            if self._lost is not None:
                raise self._lost
            self._observed = asyncio.get_running_loop().create_future()
            self._send(Observe(task))
            return await self._observed

    async def _check(self, message: Edit | State) -> str:
        async with self._checking:
            if not self.gate.stands:
                return "no call stands any more"
            self._checked = asyncio.get_running_loop().create_future()
            self._send(message)
            try:
                return await asyncio.wait_for(self._checked, CHECKED_WITHIN_S)
            except TimeoutError:
                self._late += 1
                return "the call is still being planned; try again"

    async def stand_held(self) -> None:
        """Record that the trial in flight is held, once for each reason."""
        why = self.gate.reason
        if self.trial is None or (self.stands_held and self._stood_for == why):
            return
        self.stands_held, self._stood_for = True, why
        await self._tell_held()

    async def _tell_held(self) -> None:
        if self.trial is None:
            return
        waits_for = "a answer, s step, R run on" if self.gate.stands else "R resume, s step"
        held = PhaseChanged(self.trial, "held", self._stood_for, self.cell_s, waits_for)
        await self.book.write(held)

    async def go_on(self) -> None:
        """Record that a held trial goes on in the phase it was in."""
        if self.trial is None or not self.stands_held:
            return
        self.stands_held = False
        phase: Phase = self.phase if self._question is None else "needs_operator"
        await self.book.write(PhaseChanged(self.trial, phase, "resumed", self.cell_s))

    def gate_changed(self) -> None:
        """Wake what waits at the gate."""
        self._opened.set()

    async def call_ended(self) -> None:
        """Wait until no call runs. At once when none does."""
        await self._no_call.wait()

    @property
    def moves_by_itself(self) -> bool:
        """A reset or a verification is under way: it moves the cell and asks nobody before."""
        between = self.phase in ("resetting", "verifying_reset", "verifying")
        return self.trial is not None and between and self._waiting is None

    def hold_next(self, who: str) -> None:
        """Let the motion in flight end, then HOLD before the next."""
        self._send(HoldNext(who))

    def bound(self, grant: Grant | None, speed: float) -> None:
        """Hold the cell to the bounds of a grant, or to its own alone.

        ``speed`` is the override in force before the grant: never raised by one, and back after it.
        """
        if grant is None:
            self._send(Bound(speed))
        else:
            self._send(Bound(min(speed, grant.speed), grant.lo_m, grant.hi_m))

    def park(self, who: str) -> None:
        """Send the arms to rest; only when no call runs."""
        self._send(Park(who))

    def set_speed(self, fraction: float, who: str) -> None:
        """Another speed override, at the next tick of the cell's loop."""
        self._send(SetSpeed(fraction, who))

    def kill_program(self, who: str) -> None:
        self._send(KillProgram(who))
        self.withdraw()

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
        if self._following is not None:
            self._following.cancel()
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


def _goes_on(entry: Entry) -> bool:
    """The worker has come to another phase of its trial, and it is not a fault."""
    return any(isinstance(e, PhaseChanged) and e.phase != "fault" for e in entry.events)
