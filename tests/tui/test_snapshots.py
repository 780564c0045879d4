"""What the screens look like on sessions that were run; a change shows in the report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from consoles import NOW_S, FakeEngine, FakeFeed, FakeStop
from readme_picture import PICTURE, drawn, words
from textual.pilot import Pilot

from aspire_tui.config import Workspace
from aspire_tui.tui.app import Console
from aspire_tui.tui.inventory import Inventory, Item
from aspire_tui.tui.launcher import Launcher
from aspire_tui.tui.source import SessionSource

Compare = Callable[..., bool]
SESSIONS = Path(__file__).parents[2] / "sessions"
STACK = SESSIONS / "stack-repaired.db"
HELD = SESSIONS / "lift-held.db"
SIZES = ((80, 24), (120, 36), (200, 60))


def replay(path: Path, **given: Any) -> Console:
    return Console(
        SessionSource(path, live=False),
        mode="replay",
        clock=lambda: NOW_S,
        driver_class=None,
        **given,
    )


def pressing(*keys: str) -> Callable[[Pilot[Any]], Any]:
    async def press(pilot: Pilot[Any]) -> None:
        console = pilot.app
        assert isinstance(console, Console)
        while console.moment.snapshot.seq == 0:
            await pilot.pause(0.01)
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await asyncio.to_thread(console.source.settle)
            await pilot.pause()

    return press


@pytest.mark.parametrize("size", SIZES)
def test_replay_at_a_failing_call(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("home", "right_curly_bracket")
    assert snap_compare(replay(STACK), terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize("size", SIZES)
def test_the_tree_and_its_trials(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("5", "g", "j", "enter")
    assert snap_compare(replay(STACK), terminal_size=size, run_before=pressing(*keys))


def test_picture_of_a_call(snap_compare: Compare) -> None:
    keys = ("home", "right_parenthesis", "1", "g", "o")
    assert snap_compare(replay(STACK), terminal_size=(80, 24), run_before=pressing(*keys))


def test_checks_in_ascii_without_colour(snap_compare: Compare) -> None:
    console = replay(STACK, ascii=True, colours="mono")
    keys = ("home", "right_parenthesis", "3")
    assert snap_compare(console, terminal_size=(80, 24), run_before=pressing(*keys))


@pytest.mark.parametrize("theme", ["light", "contrast", "ansi"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    console = replay(STACK, theme=theme)
    keys = ("home", "right_parenthesis", "1")
    assert snap_compare(console, terminal_size=(120, 36), run_before=pressing(*keys))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_a_program_beside_its_parent(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("5", "g", "j", "d")
    assert snap_compare(replay(STACK), terminal_size=size, run_before=pressing(*keys))


def test_two_trials_where_they_part(snap_compare: Compare) -> None:
    keys = ("home", "right_parenthesis", "C", "enter")
    assert snap_compare(replay(STACK), terminal_size=(160, 48), run_before=pressing(*keys))


def test_help(snap_compare: Compare) -> None:
    keys = ("question_mark",)
    assert snap_compare(replay(STACK), terminal_size=(80, 24), run_before=pressing(*keys))


def test_a_run_that_is_over_seen_live(snap_compare: Compare) -> None:
    console = Console(
        SessionSource(HELD, live=True),
        FakeEngine(gone=True),
        FakeStop(),
        feed=FakeFeed("HOLD", None, age_s=60.0),
        clock=lambda: NOW_S,
        driver_class=None,
    )
    assert snap_compare(console, terminal_size=(80, 24), run_before=pressing("3"))


@pytest.mark.parametrize("size", SIZES)
def test_launcher(snap_compare: Compare, size: tuple[int, int]) -> None:
    found = Inventory(
        tasks=(Item("run", "cube_stack", "", "Put the red cube on top of the green cube."),),
        cells=(Item("cell", "yam", "not running", "its host starts with the first run"),),
        sessions=(
            Item("replay", "stack-repaired", "PASS", "run cube_stack, 182 trials", STACK),
            Item("replay", "lift-held", "PASS", "exec cube_lift, 1 trials", HELD),
        ),
    )
    workspace = Workspace(Path("/bench"), "--workspace", Path("/shipped"))
    launcher = Launcher(workspace, "op1", look_around=lambda *_: (found,))

    async def looked(pilot: Pilot[Any]) -> None:
        while launcher._inventory is None:
            await pilot.pause(0.01)
        await pilot.pause()

    assert snap_compare(launcher, terminal_size=size, run_before=looked)


async def test_the_readme_shows_the_console_as_it_is() -> None:
    now = words(await drawn())
    assert words(PICTURE.read_text()) == now, "python tests/tui/readme_picture.py draws it anew"
