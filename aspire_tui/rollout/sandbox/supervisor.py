"""Watches over one program: its calls, its output, its clocks and its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import struct
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from aspire_tui.domain import ProgramEnd
from aspire_tui.rollout.sandbox.api import (
    Abort,
    Answer,
    Call,
    Namespace,
    ProgramLimits,
    ProgramOutcome,
    Serve,
)
from aspire_tui.rollout.sandbox.frames import (
    BadFrame,
    CallFrame,
    EndFrame,
    Message,
    NotKnown,
    Outgoing,
    ProbeFrame,
    Reader,
    Unsendable,
    WireViolation,
    decode_arguments,
    one_line,
)
from aspire_tui.rollout.sandbox.lent import LentArrays
from aspire_tui.rollout.sandbox.output import Output
from aspire_tui.rollout.sandbox.zygote_process import Ended, ZygoteFailed, ZygoteProcess

Clock = Callable[[], float]
Refused = Callable[[Call, str], None]

BAD_FRAMES = 20
CALLS_PER_S = 2000
BURST = 2000
OVERRUN = 50
"""Calls beyond the budget that are answered before the program is killed."""
_GRACE_AFTER_END_S = 1.0
_TRACE_WITHIN_S = 0.05
_GONE_WITHIN_S = 5.0
_READ = 1 << 18


@dataclass(frozen=True)
class _Sentence:
    """Why the program is being killed."""

    ended: ProgramEnd
    error: str


class TokenBucket:
    """How often something may happen."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at_s = burst, now_s

    def take(self, now_s: float) -> float:
        """Take one token, or the seconds until there is one."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_s
        self._tokens -= 1
        return 0.0


class Supervisor:
    """One program from its start to its outcome. Runs in the thread that calls ``run``."""

    def __init__(
        self,
        zygote: ZygoteProcess,
        number: int,
        serve: Serve,
        limits: ProgramLimits,
        *,
        on_output: Callable[[str], None] | None = None,
        on_refused: Refused | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._zygote = zygote
        self._number = number
        self._serve = serve
        self._limits = limits
        self._on_refused = on_refused
        self._clock = clock
        self._output = Output(limits.stdout_kept, on_output)
        self._reader = Reader(limits.frame_max, limits.arrays_max)
        self._lent = LentArrays()
        self._unsent: list[bytes | memoryview] = []
        self._functions: dict[str, tuple[set[str], set[str]]] = {}
        self._sentence: _Sentence | None = None
        self._error: BaseException | None = None
        self._end: EndFrame | None = None
        self._ended: Ended | None = None
        self._calls = 0
        self._bad = 0
        self._trace = b""
        self._probe: ProbeFrame | None = None
        self.lost_zygote = False

    def run(self, program: str, namespace: Namespace) -> ProgramOutcome:
        """Raises whatever ``serve`` raises beside Abort, once the program is gone."""
        for f in namespace.functions:
            names = {p.name for p in f.parameters}
            self._functions[f.name] = (names, {p.name for p in f.parameters if p.required})
        self._unsent += _order(program, namespace, self._limits)
        return self._supervise("program")

    def run_probe(self) -> tuple[ProbeFrame | None, str]:
        """Let the self-probe run where a program would; else why it gave no answer."""
        outcome = self._supervise("probe")
        return self._probe, outcome.error

    def condemn(self, ended: ProgramEnd, reason: str) -> None:
        """Kill the program, from any thread. The first reason stands."""
        if self._sentence is None:
            self._sentence = _Sentence(ended, one_line(reason))
        with contextlib.suppress(ZygoteFailed):
            self._zygote.kill(self._number)

    def _supervise(self, what: str) -> ProgramOutcome:
        began = self._now = self._idle_from = self._clock()
        self._deadline = began + self._limits.wall_s
        self._bucket = TokenBucket(CALLS_PER_S, BURST, began)
        self._paused_until = 0.0
        self._rpc, rpc = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._out, out = os.pipe()
        self._where, where = os.pipe()
        try:
            try:
                self._zygote.start(
                    self._number,
                    what,
                    {"memory_mb": self._limits.memory_mb, "cpu_s": self._limits.cpu_s},
                    (rpc.fileno(), out, where),
                )
            finally:
                rpc.close()
                os.close(out)
                os.close(where)
            self._rpc.setblocking(False)
            for fd in (self._out, self._where):
                os.set_blocking(fd, False)
            self._watch()
        finally:
            self._rpc.close()
            os.close(self._out)
            os.close(self._where)
        if self._error is not None:
            raise self._error
        return self._outcome(self._clock() - began)

    def _watch(self) -> None:
        poll = self._poll = select.poll()
        poll.register(self._zygote.fileno(), select.POLLIN)
        poll.register(self._rpc.fileno(), select.POLLIN | select.POLLOUT)
        poll.register(self._out, select.POLLIN)
        while self._ended is None:
            events = dict(poll.poll(self._patience_s() * 1000 + 0.5))
            self._now = self._clock()
            try:
                if self._out in events:
                    self._read_output()
                if self._rpc.fileno() in events:
                    self._attend(events[self._rpc.fileno()])
                if self._zygote.fileno() in events:
                    self._learn_end()
                self._check_clocks()
            except WireViolation as violation:
                self._kill("killed", str(violation))
            except ZygoteFailed as failure:
                self.lost_zygote = True
                self._ended = Ended(self._number, why=str(failure))
            except BaseException as error:
                # whatever the primitives or the listener raised goes to the caller, after the kill
                self._error = self._error or error
                self._kill("killed", "the cell's side failed")
        self._read_rest()

    def _patience_s(self) -> float:
        if self._paused_until > self._now:
            return self._paused_until - self._now
        until = min(self._deadline, self._idle_from + self._limits.idle_s)
        return max(0.0, until - self._now)

    def _check_clocks(self) -> None:
        if self._paused_until and self._now >= self._paused_until:
            self._paused_until = 0.0
            self._poll.modify(self._rpc.fileno(), select.POLLIN)
        if self._sentence is not None or self._end is not None:
            if self._now >= self._deadline:
                raise ZygoteFailed("a killed program did not go away")
            return
        if self._now >= self._deadline:
            self._time_out(f"ran longer than {self._limits.wall_s:g} s")
        elif self._now >= self._idle_from + self._limits.idle_s:
            stuck = "does not read its answers" if self._unsent else "made no call"
            self._time_out(f"{stuck} for {self._limits.idle_s:g} s")

    def _time_out(self, why: str) -> None:
        with contextlib.suppress(ZygoteFailed):
            self._zygote.where(self._number)
        if select.select([self._where], [], [], _TRACE_WITHIN_S)[0]:
            self._trace += os.read(self._where, 65536)
        self._kill("timeout", why)

    def _kill(self, ended: ProgramEnd, why: str) -> None:
        self.condemn(ended, why)
        self._deadline = self._now + _GONE_WITHIN_S
        self._idle_from = self._deadline
        self._unsent.clear()
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._rpc.fileno())

    def _read_output(self) -> None:
        try:
            data = os.read(self._out, _READ)
        except BlockingIOError:
            return
        if not data:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._out)
            return
        self._output.add(data)
        if self._output.total > self._limits.stdout_max and self._sentence is None:
            self._kill("killed", f"wrote more than {self._limits.stdout_max >> 20} MiB of output")

    def _attend(self, event: int) -> None:
        if self._unsent:
            self._write()
        elif event & select.POLLOUT and not event & (select.POLLIN | select.POLLHUP):
            self._poll.modify(self._rpc.fileno(), select.POLLIN)
        if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            for message in self._read():
                self._take(message)

    def _write(self) -> None:
        try:
            while self._unsent:
                sent = self._rpc.send(self._unsent[0])
                if sent == len(self._unsent[0]):
                    self._unsent.pop(0)
                else:
                    self._unsent[0] = memoryview(self._unsent[0])[sent:]
        except BlockingIOError:
            self._poll.modify(self._rpc.fileno(), select.POLLIN | select.POLLOUT)
            return
        except OSError:
            self._unsent.clear()
        self._poll.modify(self._rpc.fileno(), select.POLLIN)

    def _read(self) -> list[Message | BadFrame]:
        try:
            data = self._rpc.recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._rpc.fileno())
            return []
        return self._reader.feed(data)

    def _take(self, message: Message | BadFrame) -> None:
        if self._sentence is not None or self._end is not None:
            return
        if isinstance(message, BadFrame):
            self._count_bad(message.why)
        elif isinstance(message.header, EndFrame):
            self._end = message.header
            self._deadline = min(self._deadline, self._now + _GRACE_AFTER_END_S)
            self._idle_from = self._deadline
        elif isinstance(message.header, ProbeFrame):
            self._probe = message.header
        elif self._unsent or self._unread():
            self._count_bad("a call before the answer to the last one was read")
        else:
            self._call(message.header, message)

    def _count_bad(self, why: str) -> None:
        self._bad += 1
        if self._bad >= BAD_FRAMES:
            self._kill("killed", f"sent {self._bad} malformed messages, the last: {why}")
            return
        self._reply({"t": "err", "n": 0, "status": "INVALID", "detail": why}, Outgoing())

    def _unread(self) -> bool:
        """Whether an answer lies unread in the socket; a program reads one before it calls on."""
        if sys.platform != "linux":
            return False
        asked = fcntl.ioctl(self._rpc.fileno(), termios.TIOCOUTQ, bytes(4))
        return bool(struct.unpack("i", asked)[0])

    def _call(self, frame: CallFrame, message: Message) -> None:
        wait_s = self._bucket.take(self._now)
        while wait_s > 0 and self._sentence is None:
            if select.select([self._zygote], [], [], wait_s)[0]:
                return
            self._now = self._clock()
            wait_s = self._bucket.take(self._now)
        try:
            arguments = decode_arguments(frame, message.arrays, self._lent)
            why = self._objection(frame)
        except NotKnown:
            self._reply({"t": "again", "n": frame.n}, Outgoing())
            return
        except Unsendable as error:
            arguments, why = _readable(frame.a), str(error)
        except (ValueError, msgspec.MsgspecError):
            self._count_bad("a call with arguments that make no sense")
            return
        self._calls += 1
        call = Call(self._calls, frame.f, arguments, max(0, min(frame.line, 1 << 30)))
        if why is None and self._calls > self._limits.calls:
            why = f"the program's budget of {self._limits.calls} calls is used up"
            if self._calls > self._limits.calls + OVERRUN:
                self._kill("killed", f"went on calling after {self._limits.calls} calls")
                return
        if why is not None:
            if self._on_refused is not None:
                self._on_refused(call, why)
            self._answer(frame.n, Answer(error=("INVALID", why)))
            return
        self._read_output()
        began = self._clock()
        try:
            answer = self._serve(call)
        except Abort as abort:
            self._now = self._clock()
            self._kill(abort.ended, abort.reason)
            return
        self._now = self._clock()
        self._deadline += self._now - began
        self._answer(frame.n, answer)

    def _objection(self, frame: CallFrame) -> str | None:
        known = self._functions.get(frame.f)
        if known is None:
            return f"{one_line(frame.f)[:60]!r} is not a declared primitive"
        names, required = known
        for name in frame.a:
            if name not in names:
                return f"{frame.f} has no argument {one_line(name)[:60]!r}"
        missing = required - frame.a.keys()
        return f"{frame.f} needs the argument {min(missing)}" if missing else None

    def _answer(self, n: int, answer: Answer) -> None:
        self._idle_from = self._now
        outgoing = Outgoing()
        if answer.error is not None:
            status, detail = answer.error
            header: dict[str, Any] = {"t": "err", "n": n, "status": status, "detail": detail}
        else:
            header = {"t": "ok", "n": n, "v": outgoing.encode(answer.value)}
        self._reply(header, outgoing)
        self._lent.remember(outgoing.arrays)

    def _reply(self, header: dict[str, Any], outgoing: Outgoing) -> None:
        if self._sentence is None:
            self._unsent += outgoing.message(header)
            self._write()

    def _learn_end(self) -> None:
        ended = self._zygote.receive()
        if ended.run == self._number:
            self._ended = ended

    def _read_rest(self) -> None:
        """What was still under way when the process ended. Its calls are not served any more."""
        with contextlib.suppress(WireViolation, OSError):
            while data := self._rpc.recv(_READ):
                for message in self._reader.feed(data):
                    if isinstance(message, Message) and not isinstance(message.header, CallFrame):
                        self._take(message)
        with contextlib.suppress(OSError):
            while data := os.read(self._out, _READ):
                self._output.add(data)
                if self._output.total > self._limits.stdout_max:
                    break
        with contextlib.suppress(OSError):
            self._trace += os.read(self._where, 65536)

    def _outcome(self, wall_s: float) -> ProgramOutcome:
        ended, error, line, claimed = self._judge()
        return ProgramOutcome(
            ended=ended,
            error=error,
            line=line,
            claimed=claimed,
            stdout=self._output.text(),
            cut=self._output.cut,
            calls=self._calls,
            wall_s=wall_s,
        )

    def _judge(self) -> tuple[ProgramEnd, str, int, bool | None]:
        if self._sentence is None and self._end is not None:
            end = self._end
            return end.ended, one_line(end.error), max(0, end.line), end.claimed
        line = _line_in(self._trace)
        at = f" (line {line})" if line else ""
        if self._sentence is not None:
            return self._sentence.ended, self._sentence.error + at, line, None
        ended, why = _how_it_went(self._ended or Ended(self._number), self._limits)
        words = one_line(self._trace.decode("utf-8", "replace"))
        if not line and words.startswith("sandbox: "):
            why = f"{why}; {words}"
        return ended, why + at, line, None


def _how_it_went(ended: Ended, limits: ProgramLimits) -> tuple[ProgramEnd, str]:
    """A process that ended without a word, by its exit status."""
    if ended.why:
        return "killed", ended.why
    if ended.signal == signal.SIGXCPU:
        return "timeout", f"used more than {limits.cpu_s} s of processor time"
    if ended.signal == signal.SIGKILL:
        return "killed", "killed by the system: out of memory or processor time"
    if ended.signal == signal.SIGSYS:
        return "killed", "made a system call of a foreign kind"
    if ended.signal:
        return "killed", f"crashed ({signal.Signals(ended.signal).name})"
    return "killed", f"its process ended by itself (exit code {ended.code})"


def _order(program: str, namespace: Namespace, limits: ProgramLimits) -> list[bytes | memoryview]:
    outgoing = Outgoing()
    plain = Outgoing()
    functions = [
        {
            "name": f.name,
            "doc": f.doc,
            "parameters": [
                {"name": p.name, "required": p.required, "default": plain.encode(p.default)}
                for p in f.parameters
            ],
        }
        for f in namespace.functions
    ]
    if plain.arrays:
        raise TypeError("a primitive's default may not be an array")
    return outgoing.message(
        {
            "t": "program",
            "source": program.encode("utf-8", "replace").decode(),
            "functions": functions,
            "frame_max": limits.frame_max,
            "arrays_max": limits.arrays_max,
            "v": {k: outgoing.encode(v) for k, v in namespace.constants.items()},
        }
    )


def _line_in(trace: bytes) -> int:
    found = re.search(rb'File "<program>", line (\d+)', trace)
    return int(found[1]) if found else 0


def _readable(value: Any) -> Any:
    """Arguments that cannot be used, in words, for the record."""
    if isinstance(value, list):
        return [_readable(v) for v in value[:100]]
    if isinstance(value, dict):
        if value.get("$") in ("x", "a", "d"):
            return str(value.get("w", "an array"))
        if value.get("$") == "t":
            return _readable(value.get("v"))
        return {str(k): _readable(v) for k, v in list(value.items())[:100]}
    return value
