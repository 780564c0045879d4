from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from recorded import Story, whole_session
from terminal import Terminal

from aspire_tui.config import Workspace
from aspire_tui.errors import Exit
from aspire_tui.events import RunEnded
from aspire_tui.tui.inventory import Inventory, Item, Surroundings
from aspire_tui.tui.launcher import Choice, Launcher
from aspire_tui.tui.screen.draw import Rows
from aspire_tui.tui.terminal import RESET, reset_terminal, speaks_unicode, terminal_colours
from aspire_tui.tui.verbs import VerbFailed, WarmVerbs

CHECKOUT = Path(__file__).parents[2]

SOME = Inventory(
    engines=(
        Item("attach", "live-1", "running", "run cube_stack", Path("/l.db"), Path("/e.sock")),
    ),
    tasks=(Item("run", "cube_lift", "", "Pick up the red cube."),),
    cells=(Item("cell", "yam", "HOLD", "drives on, e-stop NOT WIRED"),),
    sessions=(
        Item("replay", "good", "PASS", "run cube_stack: 5 of 6", Path("/good.db")),
        Item("replay", "bad", "damaged", "not a session", Path("/bad.db")),
    ),
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "--workspace", tmp_path / "shipped")


async def chosen(workspace: Workspace, inventory: Inventory, *keys: str) -> object:
    launcher = Launcher(workspace, "op1", look_around=lambda *_: (inventory,))
    async with launcher.run_test(size=(100, 30)) as pilot:
        async with asyncio.timeout(5):
            while launcher._inventory is None:
                await pilot.pause(0.01)
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
    return launcher.return_value


@pytest.mark.parametrize(
    ("keys", "choice"),
    [
        (("enter",), Choice("attach", "live-1", Path("/l.db"), Path("/e.sock"))),
        (("j", "enter"), Choice("run", "cube_lift")),
        (("j", "j", "enter", "j", "enter"), Choice("replay", "good", Path("/good.db"))),
        (("end", "shift+tab", "enter"), Choice("replay", "good", Path("/good.db"))),
        (("tab", "enter"), Choice("run", "cube_lift")),
        (("q",), None),
        (("escape", "j", "enter"), Choice("run", "cube_lift")),  # one step back is not leaving
        (("g",), Choice("guide", "cube_stack")),
    ],
)
async def test_enter_does_what_the_row_says(
    workspace: Workspace, keys: tuple[str, ...], choice: Choice | None
) -> None:
    assert await chosen(workspace, SOME, *keys) == choice


@asynccontextmanager
async def launched(workspace: Workspace, **given: Any) -> AsyncIterator[tuple[Launcher, Any]]:
    launcher = Launcher(workspace, "op1", look_around=lambda *_: (SOME,), **given)
    async with launcher.run_test(size=(100, 30)) as pilot:
        async with asyncio.timeout(5):
            while launcher._inventory is None:
                await pilot.pause(0.01)
        await pilot.pause()
        yield launcher, pilot


async def shows(launcher: Launcher, pilot: Any, words: str) -> str:
    """The screen, once it shows these words."""
    async with asyncio.timeout(10):
        while True:
            rows = "\n".join(launcher._list.render_line(y).text for y in range(28))
            rows += "\n" + launcher.query_one("#footer", Rows).render_line(0).text
            if words in rows:
                return rows
            await pilot.pause(0.02)


@pytest.mark.parametrize("key", ["space", "ctrl+c"])
async def test_hold_works_where_no_session_is_shown(workspace: Workspace, key: str) -> None:
    held: list[str] = []

    def hold(who: str) -> list[str]:
        held.append(who)
        return ["yam: HOLD confirmed 4 ms"]

    async with launched(workspace, hold=hold) as (launcher, pilot):
        await pilot.press(key)
        await shows(launcher, pilot, "HOLD confirmed 4 ms")
        await pilot.press("slash")
        await pilot.press("ctrl+c")
        async with asyncio.timeout(5):
            while len(held) < 2:
                await pilot.pause(0.01)
    assert held == ["op1", "op1"] and launcher.return_value is None


async def test_skills_are_browsed_searched_and_read() -> None:
    asked: list[tuple[str, ...]] = []

    def run(_: Path, *arguments: str) -> str:
        asked.append(arguments)
        return "# Anew\ngrasp where it is" if "show" in arguments else "admitted by op1"

    shipping = Workspace(CHECKOUT, "--workspace", CHECKOUT)
    async with launched(shipping, run=run) as (launcher, pilot):
        await pilot.press("s")
        rows = await shows(launcher, pilot, "PASS with it and without")
        assert "23/32 18/32" in rows and not asked, (
            "the list is read here, no process is waited for"
        )
        await pilot.press("slash", *"after-empty", "enter", "enter")
        rows = await shows(launcher, pilot, "grasp where it is")
        assert "admitted by op1" in rows
        await pilot.press("escape")
        await shows(launcher, pilot, "PASS with it and without")
        await pilot.press("escape")
        await shows(launcher, pilot, "cube_lift")
    assert asked[0][:2] == ("skills", "show")


async def test_what_a_verb_refuses_is_said_in_its_own_words(workspace: Workspace) -> None:
    def run(_: Path, *__: str, **___: object) -> str:
        raise VerbFailed("doctor: no such thing")

    async with launched(workspace, run=run) as (launcher, pilot):
        await pilot.press("d")
        await shows(launcher, pilot, "no such thing")


async def test_the_doctor_says_all_of_what_is_wrong_worst_first(workspace: Workspace) -> None:
    """A machine that is not well ends the verb with FAULT; that is what the page is for."""
    report = {"healthy": False, "findings": [
        {"code": "python", "severity": "info", "what": "Python", "seen": "3.11", "expected": "",
         "why": "", "do": []},
        {"code": "terminal", "severity": "info", "what": "terminal", "seen": "not a terminal",
         "expected": "", "why": "", "do": []},
        {"code": "sandbox", "severity": "error", "what": "sandbox", "seen": "level D " * 20,
         "expected": "A or B", "why": "programs get out", "do": ["allow user namespaces"]},
    ]}  # fmt: skip

    def run(_: Path, *__: str, fine: tuple[int, ...]) -> str:
        assert Exit.FAULT in fine
        return json.dumps(report)

    async with launched(workspace, run=run) as (launcher, pilot):
        await pilot.press("d")
        rows = (await shows(launcher, pilot, "1 of 3 want attention")).splitlines()
        assert "FAIL sandbox" in rows[1] and rows[2].index("level D") == rows[1].index("level D")
        assert any("do: allow user namespaces" in row for row in rows)
        assert any("terminal" in row and "100×30, 256 colours" in row for row in rows)


async def test_marked_sessions_are_compared(workspace: Workspace) -> None:
    asked: list[tuple[object, ...]] = []

    def run(_: Path, *arguments: str, columns: int) -> str:
        asked.append((*arguments, columns))
        return "rules: 1 runs\n100.0┤ ⢕⢕ rules"

    async with launched(workspace, run=run) as (launcher, pilot):
        await pilot.press("pagedown", "m", "k", "m", "c")
        rows = await shows(launcher, pilot, "rules: 1 runs")
        assert "Compare" in rows
    assert asked == [("compare", "/bad.db", "/good.db", 96)]


async def test_a_first_start_teaches_itself(workspace: Workspace) -> None:
    launcher = Launcher(workspace, "op1", look_around=lambda *_: (Inventory(tasks=SOME.tasks),))
    async with launcher.run_test(size=(100, 30)) as pilot:
        async with asyncio.timeout(5):
            while launcher._inventory is None:
                await pilot.pause(0.01)
        await pilot.pause()
        rows = "\n".join(launcher._list.render_line(y).text for y in range(30))
        assert "press enter on a task" in rows and "HOLD" in rows


def test_the_inventory_is_what_lies_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    workspace.sessions.mkdir()
    whole_session(workspace.sessions / "over.db")
    story = Story(workspace.sessions / "cut.db")
    story.opens()
    story.close()
    (workspace.sessions / "junk.db").write_bytes(b"junk")
    found = list(Surroundings().look(workspace, "op1"))[-1]
    states = {item.name: item.state for item in found.sessions}
    assert states == {"over": "PASS", "cut": "unfinished", "junk": "damaged"}
    assert "cube_stack" in {item.name for item in found.tasks}
    assert {item.state for item in found.cells} == {"not running"}
    assert found.engines == ()


def test_a_session_that_did_not_change_is_read_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    workspace.sessions.mkdir()
    story = Story(workspace.sessions / "cut.db")
    story.opens()
    around = Surroundings()
    first, read = list(around.look(workspace, "op1"))
    assert [item.state for item in first.sessions] == [""], "named before it is read"
    assert [item.state for item in read.sessions] == ["unfinished"]
    assert len(list(around.look(workspace, "op1"))) == 1, "nothing was read again"
    story.say(RunEnded("PASS", "agent", None))
    assert [item.state for item in list(around.look(workspace, "op1"))[-1].sessions] == ["PASS"]
    story.close()


# -- the terminal around it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "NO_COLOR": "1"}, "mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "linux"}, "standard"),
        ({"TERM": "dumb"}, "mono"),
        ({}, "mono"),
    ],
)
def test_colours_by_what_the_terminal_says(environment: dict[str, str], colours: str) -> None:
    assert terminal_colours(environment) == colours


def test_ascii_where_the_locale_has_nothing_else() -> None:
    assert speaks_unicode({"TERM": "xterm"}, "UTF-8")
    assert not speaks_unicode({"TERM": "xterm"}, "ANSI_X3.4-1968")
    assert not speaks_unicode({"TERM": "linux"}, "utf-8")


def test_a_terminal_left_in_a_bad_state_is_mended() -> None:
    code = "from aspire_tui.tui.terminal import reset_terminal as r; r()"
    spoil = "import termios,sys; a=termios.tcgetattr(0); a[3]&=~(termios.ECHO|termios.ICANON); "
    spoil += "termios.tcsetattr(0,0,a); "
    with Terminal.python("-c", spoil + code) as t:
        good = t.modes()
        t.process.wait(timeout=10)
        t.settle(0.1)
        assert t.raw.decode() == RESET
        assert t.modes()[3] == good[3] or t.modes()[3] & 0o12


def test_mending_a_pipe_is_harmless(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as out:
        reset_terminal(out)


def test_verbs_that_were_read_ahead_say_what_the_command_line_says(tmp_path: Path) -> None:
    warm = WarmVerbs()
    warm.warm()
    try:
        assert "stack-repaired" in warm(tmp_path, "sessions", "list")
        with pytest.raises(VerbFailed, match="no session is called nosuch"):
            warm(tmp_path, "sessions", "show", "nosuch")
        assert "outcome" in warm(tmp_path, "sessions", "show", "stack-repaired"), "it goes on"
        with pytest.raises(VerbFailed, match="no answer"):
            warm(tmp_path, "sessions", "list", within_s=0.0)
        assert "stack-repaired" in warm(tmp_path, "sessions", "list"), "it is started anew"
    finally:
        warm.close()


@pytest.mark.parametrize(("state", "offered"), [("RUN", True), ("not running", False)])
async def test_hold_is_offered_while_a_cell_runs(
    workspace: Workspace, state: str, offered: bool
) -> None:
    found = Inventory(cells=(Item("cell", "yam", state),), tasks=SOME.tasks)
    launcher = Launcher(workspace, "op1", look_around=lambda *_: (found,))
    async with launcher.run_test(size=(80, 24)) as pilot:
        await shows(launcher, pilot, "enter")
        foot = launcher.query_one("#footer", Rows).render_line(0).text
        assert ("space HOLD" in foot) == offered and "q leave" in foot
