"""Watches over one program: its calls, its output, its clocks and its end."""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from aspire_tui.domain import ProgramEnd
from aspire_tui.rollout.sandbox.api import (
    Abort,
    Namespace,
    ProgramLimits,
    ProgramOutcome,
    Serve,
)
from aspire_tui.rollout.sandbox.conversation import Conversation
from aspire_tui.rollout.sandbox.ending import Ending, found, imposed, told
from aspire_tui.rollout.sandbox.frames import (
    BadFrame,
    EndFrame,
    Message,
    Outgoing,
    ProbeFrame,
    Reader,
    WireViolation,
)
from aspire_tui.rollout.sandbox.output import Output
from aspire_tui.rollout.sandbox.pictures import make_ring
from aspire_tui.rollout.sandbox.reception import Clock, Malformed, Reception, Refused
from aspire_tui.rollout.sandbox.zygote_process import Ended, ZygoteFailed, ZygoteProcess

BAD_FRAMES = 20
UNREAD_MAX = 1 << 20
"""Bytes of an answer that may wait here for a program that goes on calling instead of reading."""
_GRACE_AFTER_END_S = 1.0
_TRACE_WITHIN_S = 0.2
"""A hung program tells its line within a millisecond, unless it is starved or does not want to."""
_LINE_TOLD = re.compile(rb'File "<program>", line \d+\D')
_GONE_WITHIN_S = 5.0
_READ = 1 << 18


class Supervisor:
    """One program from its start to its outcome. Runs in the thread that calls ``run``."""

    def __init__(
        self,
        zygote: ZygoteProcess,
        number: int,
        namespace: Namespace,
        serve: Serve,
        limits: ProgramLimits,
        *,
        on_output: Callable[[str], None] | None = None,
        on_refused: Refused | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._zygote = zygote
        self._number = number
        self._namespace = namespace
        self._limits = limits
        self._clock = clock
        self._ring = make_ring() if namespace.functions else None
        self._reception = Reception(namespace, serve, limits, on_refused, clock, ring=self._ring)
        self._output = Output(limits.stdout_kept, on_output)
        self._sentence: tuple[ProgramEnd, str] | None = None
        self._gone_by_s: float | None = None
        """When a program that was killed, or that said its end, has to be gone."""
        self._failure: BaseException | None = None
        self._said: EndFrame | ProbeFrame | None = None
        self._ended: Ended | None = None
        self._bad = 0
        self._trace = b""
        self.lost_zygote = False

    def run(self, program: str) -> ProgramOutcome:
        """Raises whatever ``serve`` raises beside Abort, once the program is gone."""
        outgoing = Outgoing()
        order = order_of(program, self._namespace, self._limits, outgoing)
        began = self._clock()
        ending = self._supervise("program", order, outgoing)
        return ProgramOutcome(
            ended=ending.ended,
            error=ending.error,
            line=ending.line,
            claimed=ending.claimed,
            stdout=self._output.text(),
            cut=self._output.cut,
            calls=self._reception.calls,
            wall_s=self._clock() - began,
        )

    def probe(self) -> tuple[ProbeFrame | None, str]:
        """Let the self-probe run where a program would; else why it gave no answer."""
        ending = self._supervise("probe", None, Outgoing())
        return (self._said if isinstance(self._said, ProbeFrame) else None), ending.error

    def condemn(self, ended: ProgramEnd, reason: str) -> None:
        """Kill the program, from any thread. The first reason stands."""
        if self._sentence is None:
            self._sentence = (ended, reason)
        with contextlib.suppress(ZygoteFailed):
            self._zygote.kill(self._number)

    def _supervise(self, what: str, order: dict[str, Any] | None, outgoing: Outgoing) -> Ending:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._out, out = os.pipe()
        self._where, where = os.pipe()
        limits = {"memory_mb": self._limits.memory_mb, "cpu_s": self._limits.cpu_s}
        self._talk = Conversation(ours, Reader(self._limits.frame_max, self._limits.arrays_max))
        for fd in (self._out, self._where):
            os.set_blocking(fd, False)
        try:
            descriptors = (theirs.fileno(), out, where, *([self._ring.fd] if self._ring else []))
            try:
                self._zygote.start(self._number, what, limits, descriptors)
                if self._sentence is not None:  # killed before there was anything to kill
                    self._zygote.kill(self._number)
            except ZygoteFailed as failure:
                self._lose(failure)
            finally:
                theirs.close()
                os.close(out)
                os.close(where)
            if order is not None:
                self._talk.send(order, outgoing)
            self._watch()
        finally:
            self._talk.close()
            if self._ring is not None:
                self._ring.close()
            os.close(self._out)
            os.close(self._where)
        if self._failure is not None:
            raise self._failure
        return self._judge()

    def _watch(self) -> None:
        self._now = self._clock()
        self._wall_by_s = self._now + self._limits.wall_s
        self._idle_by_s = self._now + self._limits.idle_s
        poll = select.poll()
        poll.register(self._zygote.fileno(), select.POLLIN)
        poll.register(self._out, select.POLLIN)
        while self._ended is None:
            self._listen(poll)
            events = dict(poll.poll(max(0.0, self._next_deadline_s() - self._now) * 1000 + 0.5))
            self._now = self._clock()
            try:
                if self._out in events and self._read_output() == 0:
                    poll.unregister(self._out)
                if event := events.get(self._talk.fileno(), 0):
                    self._attend(event)
                if self._zygote.fileno() in events:
                    self._learn_end()
                self._check_clocks()
            except WireViolation as violation:
                self.condemn("killed", str(violation))
            except ZygoteFailed as failure:
                self._lose(failure)
            except BaseException as error:
                # what the cell's side or the listener raised goes to the caller, after the kill
                self._failure = self._failure or error
                self.condemn("killed", "the cell's side failed")
        self._read_rest()

    def _listen(self, poll: select.poll) -> None:
        """Hear the program's end of the calls as long as it makes sense to."""
        if not self._talk.open or self._sentence is not None:
            with contextlib.suppress(KeyError):
                poll.unregister(self._talk.fileno())
        else:
            writing = select.POLLOUT if self._talk.unsent else 0
            poll.register(self._talk.fileno(), select.POLLIN | writing)

    def _next_deadline_s(self) -> float:
        if self._sentence is not None and self._gone_by_s is None:
            self._gone_by_s = self._now + _GONE_WITHIN_S
        if self._gone_by_s is not None:
            return self._gone_by_s
        return min(self._wall_by_s, self._idle_by_s)

    def _check_clocks(self) -> None:
        if self._now < self._next_deadline_s():
            return
        if self._sentence is not None:
            raise ZygoteFailed("a killed program did not go away")
        if self._gone_by_s is not None:
            self._gone_by_s = None
            self.condemn("killed", "its process went on after its end")
        elif self._now >= self._wall_by_s:
            self._time_out(f"ran longer than {self._limits.wall_s:g} s")
        else:
            stuck = "read no answer" if self._talk.unsent else "made no call"
            self._time_out(f"{stuck} for {self._limits.idle_s:g} s")

    def _time_out(self, why: str) -> None:
        with contextlib.suppress(ZygoteFailed):
            self._zygote.where(self._number)
        # The trace comes in pieces; what follows the number says that all of its digits are there.
        while not _LINE_TOLD.search(self._trace):
            if not select.select([self._where], [], [], _TRACE_WITHIN_S)[0]:
                break
            piece = os.read(self._where, _READ)
            if not piece:
                break
            self._trace += piece
        self.condemn("timeout", why)

    def _lose(self, failure: ZygoteFailed) -> None:
        self.lost_zygote = True
        self._ended = Ended(self._number, why=str(failure))

    def _read_output(self) -> int | None:
        """How much there was: 0 when there can be no more, None when there is none yet."""
        try:
            data = os.read(self._out, _READ)
        except BlockingIOError:
            return None
        self._output.add(data)
        if self._output.total > self._limits.stdout_max:
            self.condemn("killed", f"wrote more than {self._limits.stdout_max >> 20} MiB of output")
        return len(data)

    def _attend(self, event: int) -> None:
        if event & select.POLLOUT:
            self._talk.flush()
        if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            for message in self._talk.read():
                if self._sentence is None and self._said is None:
                    self._take(message)

    def _take(self, message: Message | BadFrame) -> None:
        if isinstance(message, BadFrame):
            self._count_bad(message.why)
        elif isinstance(message.header, (EndFrame, ProbeFrame)):
            self._said = message.header
            self._gone_by_s = self._now + _GRACE_AFTER_END_S
        elif self._talk.waiting_bytes > UNREAD_MAX:
            waiting = self._talk.waiting_bytes
            self.condemn("killed", f"called again with {waiting} bytes of an answer unread")
        elif self._talk.unread():
            self._count_bad("a call before the answer to the last one was read")
        else:
            try:
                header, outgoing = self._reception.answer(message, message.header)
            except Malformed as error:
                self._count_bad(str(error))
            except Abort as abort:
                self.condemn(abort.ended, abort.reason)
            else:
                if self._sentence is None:
                    self._talk.send(header, outgoing)
                    self._reception.sent(outgoing)
            self._restart_clocks()

    def _restart_clocks(self) -> None:
        """The wall clock stood still while the call was served; idling begins anew."""
        self._now = self._clock()
        self._wall_by_s += self._reception.served_s
        self._reception.served_s = 0.0
        self._idle_by_s = self._now + self._limits.idle_s

    def _count_bad(self, why: str) -> None:
        self._bad += 1
        if self._bad >= BAD_FRAMES:
            self.condemn("killed", f"sent {self._bad} malformed messages, the last: {why}")
        else:
            answer = {"t": "err", "n": 0, "status": "INVALID", "detail": why}
            self._talk.send(answer, Outgoing())

    def _learn_end(self) -> None:
        ended = self._zygote.receive()
        if ended.run == self._number:
            self._ended = ended

    def _read_rest(self) -> None:
        """What was under way when the process ended. Its calls are not served any more."""
        with contextlib.suppress(WireViolation):
            while self._talk.open and (messages := self._talk.read()):
                for message in messages:
                    if isinstance(message, Message) and isinstance(message.header, EndFrame):
                        self._said = self._said or message.header
        while self._output.total <= self._limits.stdout_max and self._read_output():
            continue
        with contextlib.suppress(BlockingIOError):
            self._trace += os.read(self._where, _READ)

    def _judge(self) -> Ending:
        if self._sentence is not None:
            return imposed(*self._sentence, self._trace)
        if isinstance(self._said, EndFrame):
            return told(self._said)
        return found(self._ended or Ended(self._number), self._trace, self._limits)


def order_of(
    program: str, namespace: Namespace, limits: ProgramLimits, outgoing: Outgoing
) -> dict[str, Any]:
    """The first message to a program's process: the text and every name it is given.

    Raises:
        TypeError: A default or a constant cannot travel.
    """
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
        raise TypeError("the default of a primitive's parameter may not be an array")
    return {
        "t": "program",
        "source": program.encode("utf-8", "replace").decode(),
        "functions": functions,
        "frame_max": limits.frame_max,
        "arrays_max": limits.arrays_max,
        "v": {name: outgoing.encode(value) for name, value in namespace.constants.items()},
    }
