"""What the screens look like; a change shows as a picture in the report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from consoles import NOW_S, FakeEngine, FakeFeed, FakeStop
from recorded import Story, first_half, whole_session
from textual.pilot import Pilot

from aspire_tui.tui.app import Console
from aspire_tui.tui.source import SessionSource

Compare = Callable[..., bool]


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("snapshots") / "over.db")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Path:
    story = Story(tmp_path_factory.mktemp("snapshots") / "running.db")
    first_half(story)
    story.close()
    return story.path


def replay(path: Path, **given: Any) -> Console:
    return Console(
        SessionSource(path, live=False),
        mode="replay",
        clock=lambda: NOW_S,
        driver_class=None,
        **given,
    )


def live(path: Path, **given: Any) -> Console:
    return Console(
        SessionSource(path, live=True),
        FakeEngine(),
        FakeStop(),
        feed=FakeFeed("HOLD", None),
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


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
def test_replay_at_the_failing_call(
    snap_compare: Compare, over: Path, size: tuple[int, int]
) -> None:
    assert snap_compare(replay(over), terminal_size=size, run_before=pressing("left_curly_bracket"))


def test_picture_of_a_call(snap_compare: Compare, over: Path) -> None:
    keys = ("left_curly_bracket", "g", "o")
    assert snap_compare(replay(over), terminal_size=(80, 24), run_before=pressing(*keys))


def test_resume_is_asked_live(snap_compare: Compare, running: Path) -> None:
    assert snap_compare(live(running), terminal_size=(80, 24), run_before=pressing("R"))


def test_checks_in_ascii_without_colour(snap_compare: Compare, over: Path) -> None:
    console = replay(over, ascii=True, colours="mono")
    keys = ("5", "g", "enter", "3")
    assert snap_compare(console, terminal_size=(80, 24), run_before=pressing(*keys))


def test_help(snap_compare: Compare, running: Path) -> None:
    keys = ("question_mark",)
    assert snap_compare(live(running), terminal_size=(80, 24), run_before=pressing(*keys))
