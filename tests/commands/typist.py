"""Somebody at a terminal: a command on a real pty, answered as it asks."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

Answer = str | Callable[[], str]


class Typist:
    """Runs ``aspire-tui`` on a pty. ``heard`` is all that was written."""

    def __init__(self, arguments: Sequence[str], workspace: Path, runtime: Path) -> None:
        self.heard = ""
        self._at = 0
        self._master, slave = pty.openpty()
        command = [sys.executable, "-m", "aspire_tui.cli", "--workspace", str(workspace)]
        env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(CHECKOUT)}
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=CHECKOUT,
            start_new_session=True,
        )
        os.close(slave)

    def answer(
        self, answers: Sequence[tuple[str, Answer]], until: str, within_s: float = 120.0
    ) -> None:
        """Answer each question as often as it comes, until something is said."""
        end = time.monotonic() + within_s
        while until not in self.heard[self._at :]:
            fresh = self.heard[self._at :]
            found = [(fresh.find(q), q, a) for q, a in answers if q in fresh]
            if found:
                where, question, given = min(found, key=lambda f: f[0])
                self._at += where + len(question)
                self.type(given() if callable(given) else given)
                continue
            assert time.monotonic() < end, f"never said {until!r}; heard:\n{self.heard[-2000:]}"
            if not self._hear(0.2):
                assert self._process.poll() is None or self._hear(0.2), (
                    f"ended before {until!r}; heard:\n{self.heard[-2000:]}"
                )
        self._at += self.heard[self._at :].index(until) + len(until)

    def type(self, text: str) -> None:
        if text:
            os.write(self._master, text.encode())

    def ended(self, within_s: float = 20.0) -> int:
        """Exit code, once it has ended by itself."""
        end = time.monotonic() + within_s
        while self._process.poll() is None:
            assert time.monotonic() < end, f"never ends; heard:\n{self.heard[-2000:]}"
            self._hear(0.1)
        while self._hear(0.05):
            pass
        return self._process.returncode

    @staticmethod
    def gone(pid_fd: int, within_s: float = 15.0) -> None:
        """Wait for a process to end, and make it."""
        if not select.select([pid_fd], [], [], within_s)[0]:
            signal.pidfd_send_signal(pid_fd, signal.SIGKILL)
        os.close(pid_fd)

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        os.close(self._master)

    def _hear(self, within_s: float) -> bool:
        if not select.select([self._master], [], [], within_s)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            time.sleep(0.02)
            return False
        self.heard += data.decode(errors="replace")
        return bool(data)
