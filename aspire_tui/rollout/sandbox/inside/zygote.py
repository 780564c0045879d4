"""A warm, confined Python that forks one process per program."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from pathlib import Path

from . import kernel, program_process
from .channel import Channel, Message, one_line

_PARENT_CHECK_S = 0.2
"""The control socket tells at once that the launcher is gone, unless a fork of it holds a copy."""
_STRAGGLER_ROUNDS = 200


class Zygote:
    """Waits for programs to run and for their ends."""

    def __init__(self, control: Channel, level: str, memory: int, launcher: int) -> None:
        self._control = control
        self._level = level
        self._memory = memory
        self._launcher = launcher
        self._pid = 0
        self._run = 0
        self._spare = 0
        self._orders: Channel | None = None

    def serve(self) -> None:
        ended, woken = os.pipe()
        os.set_blocking(ended, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        if self._level == "D" and sys.platform == "linux":
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        self._fork_spare()
        watch = select.poll()
        watch.register(self._control.fileno(), select.POLLIN)
        watch.register(ended, select.POLLIN)
        while True:
            for fd, _events in watch.poll(_PARENT_CHECK_S * 1000):
                if fd == ended:
                    with contextlib.suppress(BlockingIOError):
                        os.read(ended, 4096)
                    self._reap()
                else:
                    self._obey()
            if self._launcher and os.getppid() != self._launcher:
                self._leave()

    def _obey(self) -> None:
        try:
            message = self._control.receive()
            while True:
                self._do(message)
                if not self._control.pending():
                    return
                message = self._control.receive()
        except (EOFError, OSError):
            self._leave()

    def _do(self, message: Message) -> None:
        if message["do"] == "run":
            self._start(message)
        elif message["run"] == self._run and self._pid:
            os.kill(self._pid, signal.SIGKILL if message["do"] == "kill" else program_process.WHERE)

    def _start(self, message: Message) -> None:
        descriptors = tuple(self._control.take_descriptors())
        try:
            if not self._spare:
                self._fork_spare()
            try:
                self._order_spare(message, descriptors)
            except OSError:  # the spare is gone; the next one is fresh
                self._fork_spare()
                self._order_spare(message, descriptors)
        except OSError as error:
            self._control.send({"ended": message["run"], "why": one_line(error)})
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._fork_spare()

    def _fork_spare(self) -> None:
        """Have a process ready that has paid for its fork when the next program comes."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            program_process.await_order(theirs, zygote, self._level, self._memory)
        theirs.close()
        self._spare, self._orders = pid, Channel(ours)

    def _order_spare(self, message: Message, descriptors: tuple[int, ...]) -> None:
        pid, orders = self._spare, self._orders
        self._spare = 0
        if orders is None:
            raise OSError("no process to order")
        try:
            orders.send(message, descriptors)
        finally:
            orders.close()
        self._pid, self._run = pid, message["run"]

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._spare:
                self._spare = 0
            if pid == self._pid:
                run, self._pid, self._run = self._run, 0, 0
                if self._level == "D":
                    _kill_stragglers(pid, self._spare)
                code = os.waitstatus_to_exitcode(status)
                self._control.send({"ended": run, "signal": max(0, -code), "code": max(0, code)})

    def _leave(self) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            if self._level == "D":
                _kill_stragglers(self._pid, 0)
        os._exit(0)


def _kill_stragglers(leader: int, spared: int) -> None:
    """Without seccomp a program may have left processes behind; they were re-parented to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(_STRAGGLER_ROUNDS):
        try:
            children = [int(pid) for pid in mine.read_text().split() if int(pid) != spared]
        except OSError:
            return
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
