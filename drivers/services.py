"""Processes a cell needs beside its host: started in order, waited for, ended with it.

A service says that it is healthy by writing a line to ``--ready-fd N``, by listening on a TCP
port, or by making a file; without any of these it is healthy once it runs.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
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


class ServiceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[service]]``: one process, started before the devices are opened."""

    name: str
    command: tuple[str, ...]
    """``python`` as its first word is the interpreter of the host; no shell."""
    healthy: str = ""
    """``ready-fd``, ``tcp:HOST:PORT`` or ``file:PATH`` (relative to the cell file); empty: once it
    runs."""
    within_s: float = 30.0


@dataclass
class _Running:
    section: ServiceSection
    process: subprocess.Popen[bytes]
    told: bool = False


class Services:
    """Starts processes in the order given and ends them in the opposite one."""

    def __init__(self, sections: Sequence[ServiceSection], folder: Path) -> None:
        """``folder``: where relative paths begin and what the processes start in."""
        self._sections = sections
        self._folder = folder
        self._running: list[_Running] = []

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
        """Names of services that ended by themselves since last asked, with how."""
        out = []
        for running in self._running:
            code = running.process.poll()
            if code is not None and not running.told:
                running.told = True
                out.append(f"{running.section.name} (exit {code})")
        return out

    def close(self) -> None:
        """Ask each to end, the last one first; kill what does not."""
        while self._running:
            process = self._running.pop().process
            if process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, section: ServiceSection) -> None:
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
        self._running.append(_Running(section, process))
        try:
            self._wait(section, process, self._probe(section, read_fd))
        finally:
            if read_fd >= 0:
                os.close(read_fd)

    def _wait(
        self, section: ServiceSection, process: subprocess.Popen[bytes], healthy: Callable[[], bool]
    ) -> None:
        until_s = time.monotonic() + section.within_s
        while not healthy():
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
