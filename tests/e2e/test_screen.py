"""The real binary on a real screen: tmux at 80×24, and the same through a real sshd on loopback.

Keys are typed, the screen is read, and what they did is asked of the session and of the cell host.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aspire_tui.events import Bookmarked, HandAct, OperatorAct
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.loopback import sshd_binary, sshd_on_loopback
from tests.e2e.test_bench import events, until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 90.0
TERMINAL = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


@dataclass
class Tmux:
    """One tmux server of our own with one pane."""

    name: str
    environment: dict[str, str]

    def do(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.name, "-f", "/dev/null", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        return done.stdout

    def open(self, command: str, size: tuple[int, int] = (80, 24)) -> None:
        columns, rows = (str(n) for n in size)
        self.do("new-session", "-d", "-x", columns, "-y", rows, f"{command}; sleep 600")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.do("send-keys", "--", key)
            # What follows an escape at once is taken for one key with alt.
            time.sleep(0.4 if key == "Escape" else 0.05)

    def screen(self) -> str:
        return self.do("capture-pane", "-p")

    def shows(self, words: str) -> str:
        end = time.monotonic() + PATIENCE_S
        while words not in (screen := self.screen()):
            if time.monotonic() > end:
                raise AssertionError(f"never shown: {words}\n{screen}")
            time.sleep(0.1)
        return screen


@pytest.fixture
def tmux(bench, tmp_path: Path) -> Iterator[Tmux]:  # type: ignore[no-untyped-def]
    environment = bench.environment | TERMINAL
    environment["PYTHONPATH"] = str(CHECKOUT)
    found = Tmux(f"aspire-{os.getpid()}", environment)
    yield found
    found.do("kill-server")


def command(bench, *arguments: str) -> str:  # type: ignore[no-untyped-def]
    return shlex.join(bench.command(*arguments))


def test_a_live_run_is_held_stepped_and_left_by_keys(bench, tmux: Tmux) -> None:  # type: ignore[no-untyped-def]
    tmux.open(command(bench, "run", "cube_stack", "--rounds", "0", "--speed", "1"))
    tmux.shows("trial 1")
    reader = _reader(bench)
    stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
    try:
        tmux.press("Space")
        tmux.shows("HOLD confirmed")
        until(lambda: (s := stream.wait(0.2)) and s.status.held, "the host holds")
        until(lambda: acts(reader)[:1] == ["hold"], "the session has it")

        tmux.press("s")
        until(lambda: "step" in acts(reader), "the engine stepped")
        tmux.press("[")
        until(lambda: events(reader, HandAct), "the engine slowed the cell")
        until(lambda: (s := stream.wait(0.2)) and s.status.speed == 0.75, "the host is slower")
        tmux.press("'", "o", "d", "d", "Enter")
        until(lambda: events(reader, Bookmarked), "a bookmark is in the session")
        tmux.do("resize-window", "-x", "120", "-y", "36")
        tmux.shows("2 Call")
        tmux.press("?")
        tmux.shows("the robot")
        tmux.press("C-c")
        until(lambda: acts(reader).count("hold") >= 2, "HOLD works in help")
        tmux.press("Escape", "q", "Enter")
        tmux.shows("aspire-tui attach")
        assert reader.snapshot().ended is None, "leaving ends nothing"
    finally:
        stream.close()
        bench.run("stop")


def acts(reader) -> list[str]:  # type: ignore[no-untyped-def]
    return [r.event.verb for r in events(reader, OperatorAct) if r.event.accepted]


def replayed(shows: Callable[[str], str], press: Callable[..., None]) -> None:
    """Through a recorded run, from the end to its failure and out again."""
    shows("REPLAY")
    press("Home", "}")
    shows("BLOCKED")
    press("End", "5")
    shows("H9")
    press("g", "j", "d")
    shows("H1 → H2")
    press("Escape", "C-f", *"blocked", "Enter")
    shows("Found")
    press("Escape", "q")
    shows("session ")


def test_a_replay_by_keys_in_tmux(bench, tmux: Tmux) -> None:  # type: ignore[no-untyped-def]
    tmux.open(command(bench, "replay", "stack-repaired") + "; echo session over")
    replayed(tmux.shows, tmux.press)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[list[str]]:
    """A real sshd on loopback; the command that logs in."""
    if sshd_binary() is None:
        pytest.skip("openssh-server is not installed")
    with sshd_on_loopback(tmp_path) as command:
        yield command


def test_a_replay_through_ssh_and_a_line_that_is_cut(bench, tmux: Tmux, sshd: list[str]) -> None:  # type: ignore[no-untyped-def]
    away = " ".join(
        shlex.quote(f"{name}={value}")
        for name, value in {
            **bench.environment,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }.items()
    )
    remote = f"cd {CHECKOUT} && env {away} {command(bench, 'replay', 'stack-repaired')}"
    tmux.open(shlex.join([*sshd, remote]) + "; echo session over")
    replayed(tmux.shows, tmux.press)

    tmux.do("kill-server")
    tmux.open(shlex.join([*sshd, remote]) + "; echo session over")
    tmux.shows("REPLAY")
    tmux.do("kill-server")  # the line is cut: the far console must not live on
    until(lambda: not _running(str(bench.home)), "the console ended with its line")


def _running(marker: str) -> list[str]:
    """Consoles of this test: those whose environment names its workspace."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            mine = b"replay" in words and marker.encode() in (entry / "environ").read_bytes()
        except OSError:
            continue
        if mine and Path(sys.executable).name.encode()[:6] in words:
            found.append(entry.name)
    return found
