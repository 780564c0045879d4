"""A program in a real pseudo-terminal, its screen read by pyte, its bytes counted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte

REPO = Path(__file__).parents[2]


class Terminal:
    """Runs a command on a pty of a given size. Reads only when told to, so it can also not read."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.received = 0
        self.raw = bytearray()
        self._master, slave = pty.openpty()
        self._slave = slave
        self.resize(columns, rows)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/tmp"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": f"{REPO}:{Path(__file__).parent}",
            **(environment or {}),
        }
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=REPO,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )  # fmt: skip

    @classmethod
    def python(cls, *arguments: str, **given: object) -> Terminal:
        return cls([sys.executable, *arguments], **given)  # type: ignore[arg-type]

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def resize(self, columns: int, rows: int) -> None:
        packed = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, packed)
        self.screen.resize(rows, columns)

    def send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, for_s: float) -> int:
        """Read what comes within a time; the number of bytes."""
        end = time.monotonic() + for_s
        got = 0
        while (left := end - time.monotonic()) > 0:
            got += self._read_once(left)
        return got

    def settle(self, quiet_s: float = 0.5, timeout_s: float = 15.0) -> None:
        """Read until nothing more comes."""
        end = time.monotonic() + timeout_s
        while self._read_once(quiet_s):
            assert time.monotonic() < end, "never quiet"

    def wait(self, shown: Callable[[str], bool], timeout_s: float = 15.0) -> str:
        """Read until the screen is as wished; the screen's text."""
        end = time.monotonic() + timeout_s
        while not shown(self.text()):
            if time.monotonic() > end:
                raise AssertionError(f"never shown:\n{self.text()}")
            self._read_once(0.2)
        return self.text()

    def wait_sent(self, marker: bytes, timeout_s: float = 15.0) -> None:
        """Wait until something was sent, without looking at the screen: for measuring."""
        end = time.monotonic() + timeout_s
        got = b""
        while marker not in got:
            assert time.monotonic() < end, f"never sent: {marker!r}"
            if select.select([self._master], [], [], 0.2)[0]:
                got += os.read(self._master, 65536)
        self.received += len(got)
        self.raw += got
        self._stream.feed(got)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """What an eye can tell of every cell: the colour of a blank's ink is not among it."""
        buffer = self.screen.buffer
        return [
            [
                (c.data, c.bg)
                if c.data == " " and not c.reverse
                else (c.data, c.fg, c.bg, c.bold, c.reverse)
                for c in (buffer[y][x] for x in range(self.screen.columns))
            ]
            for y in range(self.screen.lines)
        ]

    def modes(self) -> list[int]:
        """The terminal's settings (termios)."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=5)
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def hang_up(self) -> None:
        """The line is cut: the master closes, the kernel sends SIGHUP."""
        os.close(self._slave)
        os.close(self._master)

    def _read_once(self, timeout_s: float) -> int:
        ready, _, _ = select.select([self._master], [], [], max(0.0, timeout_s))
        if not ready:
            return 0
        try:
            data = os.read(self._master, 65536)
        except OSError:
            time.sleep(min(0.05, max(0.0, timeout_s)))
            return 0
        self.received += len(data)
        self.raw += data
        self._stream.feed(data)
        return len(data)
