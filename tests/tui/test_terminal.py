"""In a real terminal: what is sent, what HOLD needs, how the console leaves."""

from __future__ import annotations

import signal
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import whole_session
from terminal import Terminal

CONSOLE = str(Path(__file__).with_name("typed_console.py"))
READY = "event 114 of 114"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("terminal") / "session.db")


def ready(screen: str) -> bool:
    return READY in screen


def until(true: Callable[[], bool], terminal: Terminal | None = None) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "never came true"
        if terminal is not None:
            terminal.read(0.02)
        else:
            time.sleep(0.01)


KEYS = ("{", "o", "2", "z", "?", "1")


def test_the_diff_shows_what_stock_drawing_shows_for_far_fewer_bytes(session: Path) -> None:
    columns, rows = 160, 48
    with Terminal.python(CONSOLE, str(session), "--stock", columns=columns, rows=rows) as t:
        t.wait(ready)
        t.settle()
        stock_first, expected = t.received, []
        for key in KEYS:
            t.send(key)
            t.settle()
            expected.append(t.cells())
        stock_later = t.received - stock_first
    with Terminal.python(CONSOLE, str(session), columns=columns, rows=rows) as t:
        t.wait(ready)
        t.settle()
        first = t.received
        for key, cells in zip(KEYS, expected, strict=True):
            t.send(key)
            t.wait(lambda _, cells=cells: t.cells() == cells)
        later = t.received - first
    assert first <= 20_000 < stock_first
    assert later < stock_later / 2


def test_idle_sends_next_to_nothing(session: Path) -> None:
    with Terminal.python(CONSOLE, str(session)) as t:
        t.wait(ready)
        t.settle()
        assert t.received <= 10_000
        assert t.read(2.0) <= 120


def test_what_was_typed_before_anything_was_shown_is_lost_but_hold(
    session: Path, tmp_path: Path
) -> None:
    holds = tmp_path / "holds"
    with Terminal.python(CONSOLE, str(session), "--live", "--holds", str(holds)) as t:
        t.send("q ?")  # typed at a shell that was still starting it
        t.wait(ready)
        until(holds.exists, t)
        t.settle()
        assert "esc closes" not in t.text() and t.process.poll() is None
        t.send("?")
        t.wait(lambda screen: "esc closes" in screen)


def test_hold_goes_out_while_the_event_loop_stands_still(session: Path, tmp_path: Path) -> None:
    holds, frozen = tmp_path / "holds", tmp_path / "frozen"
    with Terminal.python(
        CONSOLE, str(session), "--live", "--freeze", "--holds", str(holds),
        environment={"FROZEN": str(frozen)},
    ) as t:  # fmt: skip
        t.wait(ready)
        t.send("c")
        until(frozen.exists, t)
        t.send(" ")
        until(holds.exists, t)
        assert holds.read_text().startswith("op1 ")


def test_a_terminal_that_reads_nothing_stops_neither_hold_nor_the_console(
    session: Path, tmp_path: Path
) -> None:
    holds, beats = tmp_path / "holds", tmp_path / "beats"
    with Terminal.python(
        CONSOLE, str(session), "--live", "--flood", "--holds", str(holds), columns=160, rows=48,
        environment={"BEATS": str(beats)},
    ) as t:  # fmt: skip
        t.wait(ready)
        begun = beats.stat().st_size
        until(lambda: beats.stat().st_size > begun + 300)  # unread for 300 changes of the screen
        t.send("\x03")
        until(holds.exists)
        before = beats.stat().st_size
        until(lambda: beats.stat().st_size > before + 50)


@pytest.mark.parametrize("key", [" ", "\x03"])
def test_hold_in_a_healthy_terminal_is_sent_and_confirmed(
    session: Path, tmp_path: Path, key: str
) -> None:
    holds = tmp_path / "holds"
    with Terminal.python(CONSOLE, str(session), "--live", "--holds", str(holds)) as t:
        t.wait(ready)
        t.send(key)
        t.wait(lambda screen: "HOLD confirmed" in screen)
        assert len(holds.read_text().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_ends(session: Path, number: signal.Signals) -> None:
    with Terminal.python(CONSOLE, str(session)) as t:
        before = t.modes()
        t.wait(ready)
        t.process.send_signal(number)
        until(lambda: t.process.poll() is not None, t)
        t.read(0.1)
        assert t.process.returncode == 128 + number
        sent = t.raw.decode("utf-8", "replace")
        assert sent.rindex("\x1b[?1049l") > sent.rindex("\x1b[?1049h")
        assert "\x1b[?25h" in sent[sent.rindex("\x1b[?1049l") - 200 :]
        assert t.modes()[3] & (termios.ECHO | termios.ICANON) == before[3] & (
            termios.ECHO | termios.ICANON
        )


def test_a_cut_line_ends_the_console(session: Path) -> None:
    t = Terminal.python(CONSOLE, str(session))
    try:
        t.wait(ready)
        t.hang_up()
        assert t.process.wait(timeout=10) != 0
    finally:
        if t.process.poll() is None:
            t.process.kill()


def test_resizing_and_redrawing_end_in_a_right_screen(session: Path) -> None:
    with Terminal.python(CONSOLE, str(session), columns=160, rows=48) as t:
        t.wait(ready)
        t.resize(80, 24)
        t.wait(lambda screen: "1 Calls*" in screen and ready(screen))
        t.settle()
        narrow = t.text()
        t.screen.reset()
        t.send("\x0c")
        t.wait(lambda screen: screen == narrow)


@pytest.mark.parametrize("term", ["linux", "xterm"])
def test_poor_terminals_get_what_they_can_show(session: Path, term: str) -> None:
    with Terminal.python(CONSOLE, str(session), environment={"TERM": term}) as t:
        t.wait(ready)
        sent = t.raw.decode("utf-8", "replace")
        assert "38;5;" not in sent and "48;5;" not in sent and "38;2;" not in sent
        if term != "xterm":
            assert t.text().isascii()


def test_no_colour_sends_no_colour(session: Path) -> None:
    with Terminal.python(CONSOLE, str(session), environment={"NO_COLOR": "1"}) as t:
        t.wait(ready)
        sent = t.raw.decode("utf-8", "replace")
        assert not any(f"[{code}" in sent for code in ("38;", "48;", "31m", "32m", "36m"))
        assert "REPLAY" in t.text() and "HOLD" in t.text()
