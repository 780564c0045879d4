"""Processes a cell needs beside its host: started in order, waited for, ended with it.

A service says that it is healthy by writing a line to ``--ready-fd N``, by listening on a TCP
port, or by making a file; without any of these it is healthy once it runs.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from drivers.errors import CellFileError
from drivers.loop import as_usual

log = logging.getLogger("cell host")

LOOK_EVERY_S: Final = 0.05
END_WITHIN_S: Final = 3.0
READY_FD: Final = "ready-fd"
RESTARTS_AT_MOST: Final = 9


class ServiceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[service]]``: one process, started before the devices are opened."""

    name: str
    command: tuple[str, ...]
    """``python`` as its first word is the interpreter of the host; no shell."""
    healthy: str = ""
    """``ready-fd``, ``tcp:HOST:PORT`` or ``file:PATH`` (relative to the cell file); empty: once it
    runs."""
    within_s: float = 30.0
    restarts: int = 0
    """How often it is started again when it ends by itself, 9 at most. Not for what moves an arm
    when it starts; without it a service that died is only reported."""


@dataclass
class _Running:
    section: ServiceSection
    process: subprocess.Popen[bytes]
    tries: int = 0
    told: bool = False


class Services:
    """Starts processes in the order given and ends them in the opposite one."""

    def __init__(self, sections: Sequence[ServiceSection], folder: Path) -> None:
        """``folder``: where relative paths begin and what the processes start in."""
        self._sections = sections
        self._folder = folder
        self._running: list[_Running] = []
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._mending: list[threading.Thread] = []

    def start(self) -> None:
        """Start all; each must be healthy before the next.

        Raises:
            CellFileError: One did not start or did not become healthy; none is left running.
        """
        try:
            for section in self._sections:
                self._start(section)
        except CellFileError:
            self.close()
            raise

    def ended(self) -> list[str]:
        """What became of services that ended by themselves since last asked, in words.

        Those that may be are started again beside the caller, who never waits.
        """
        out = []
        for running in self._running:
            code = running.process.poll()
            if code is None or running.told:
                continue
            running.told = True
            name, most = running.section.name, min(running.section.restarts, RESTARTS_AT_MOST)
            what = f"{name} ended by itself (exit {code})"
            if running.tries < most:
                what += f"; started again, {running.tries + 1} of {most}"
                mend = threading.Thread(target=self._again, args=(running,), daemon=True)
                self._mending.append(mend)
                mend.start()
            elif most:
                what += f"; not again after {most} tries"
            out.append(what)
        while not self._said.empty():
            out.append(self._said.get())
        return out

    def _again(self, was: _Running) -> None:
        """Start one anew; what came of it is said when somebody asks next."""
        name = was.section.name
        if self._closing.wait(min(was.tries, 5)):  # Each time a little later.
            return
        try:
            process = self._begin(was.section)
        except CellFileError as error:
            self._said.put(str(error))
            was.tries += 1
            was.told = was.tries >= min(was.section.restarts, RESTARTS_AT_MOST)
            return
        self._said.put(f"{name} is healthy again")
        was.process, was.tries, was.told = process, was.tries + 1, False

    def close(self) -> None:
        """Ask each to end, the last one first; kill what does not."""
        self._closing.set()
        for mend in self._mending:
            mend.join(END_WITHIN_S)
        while self._running:
            _end(self._running.pop().process)

    def _start(self, section: ServiceSection) -> None:
        self._running.append(_Running(section, self._begin(section)))

    def _begin(self, section: ServiceSection) -> subprocess.Popen[bytes]:
        """Start one and wait until it is healthy; none is left running when it does not get so."""
        command = list(section.command)
        if not command:
            raise CellFileError(f"service {section.name}: its command is empty")
        if command[0] == "python":
            command[0] = sys.executable
        read_fd = write_fd = -1
        if section.healthy == READY_FD:
            read_fd, write_fd = os.pipe()
            command += ["--ready-fd", str(write_fd)]
        try:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                pass_fds=(write_fd,) if write_fd >= 0 else (),
                preexec_fn=as_usual,
            )
        except OSError as error:
            raise CellFileError(f"service {section.name}: {command[0]}: {error.strerror}") from None
        finally:
            if write_fd >= 0:
                os.close(write_fd)
        try:
            self._wait(section, process, self._probe(section, read_fd))
        except CellFileError:
            _end(process)
            raise
        finally:
            if read_fd >= 0:
                os.close(read_fd)
        return process

    def _wait(
        self, section: ServiceSection, process: subprocess.Popen[bytes], healthy: Callable[[], bool]
    ) -> None:
        until_s = time.monotonic() + section.within_s
        while not healthy():
            if self._closing.is_set():
                raise CellFileError(f"service {section.name}: the cell is being closed")
            code = process.poll()
            if code is not None:
                raise CellFileError(f"service {section.name} ended with {code} while starting")
            if time.monotonic() > until_s:
                raise CellFileError(
                    f"service {section.name} was not healthy ({section.healthy}) within "
                    f"{section.within_s:.0f} s"
                )

    def _probe(self, section: ServiceSection, read_fd: int) -> Callable[[], bool]:
        kind, _, place = section.healthy.partition(":")
        if section.healthy == READY_FD:
            return lambda: _line_came(section.name, read_fd)
        if kind == "tcp":
            host, _, port = place.rpartition(":")
            if host and port.isdecimal():
                return lambda: _listens(host, int(port))
        if kind == "file" and place:
            return lambda: _exists(self._folder / place)
        if section.healthy:
            raise CellFileError(
                f"service {section.name}: healthy = {section.healthy!r}; use ready-fd, "
                "tcp:HOST:PORT or file:PATH"
            )
        return lambda: True


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _line_came(name: str, fd: int) -> bool:
    """One JSON line: an object with ``ready`` false and ``error`` is a refusal to start."""
    if not select.select([fd], [], [], LOOK_EVERY_S)[0]:
        return False
    line = os.read(fd, 4096)
    if not line:
        time.sleep(LOOK_EVERY_S)  # The writer is gone; whoever waits sees how it ended.
        return False
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return True
    if isinstance(said, dict) and said.get("ready") is False:
        raise CellFileError(f"service {name}: {said.get('error', 'it refused to start')}")
    return True


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1.0):
            return True
    except OSError:
        time.sleep(LOOK_EVERY_S)
        return False


def _exists(path: Path) -> bool:
    if path.exists():
        return True
    time.sleep(LOOK_EVERY_S)
    return False
