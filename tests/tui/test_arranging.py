"""Borders, themes and the terminal's title: changed by key, remembered, undone on leaving."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import bench
from hypothesis import given
from hypothesis import strategies as st
from recorded import Story, first_half, whole_session

from aspire_tui.events import PhaseChanged
from aspire_tui.tui.arrange import PANES, Shares, arrange
from aspire_tui.tui.remembered import Left, Remembered


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("arranging") / "over.db")


async def test_borders_move_and_are_remembered(over: Path, tmp_path: Path) -> None:
    kept = tmp_path / "screen.json"
    async with bench(over, "replay", remembered=kept) as b:
        before = b.console.workspace.places()
        await b.press("f6", "f6", "f8")
        after = b.console.workspace.places()
        assert after["agent"].width > before["agent"].width
        assert after["agent"].height > before["agent"].height
        await b.press("ctrl+t")
        assert b.console.theme_name == "light" and "theme: light" in b.bar
    assert Remembered(kept).read().theme_name() == "light"
    async with bench(over, "replay", remembered=kept) as b:
        assert b.console.workspace.places() == after


async def test_what_a_poor_terminal_shows_is_not_what_was_chosen(
    over: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "screen.json"
    Remembered(kept).write(Left(theme="light"))
    for colours, worn in (("mono", "mono"), ("standard", "ansi"), ("256", "light")):
        theme = Remembered(kept).read().theme_name()
        async with bench(over, "replay", remembered=kept, colours=colours, theme=theme) as b:
            assert b.console.theme_name == worn
            if worn != "light":
                await b.press("ctrl+t")
                assert "this terminal shows" in b.bar
    assert Remembered(kept).read().theme_name() == "light"


def test_a_file_that_is_not_understood_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    path = tmp_path / "screen.json"
    path.write_text('{"shares": "wide"}')
    assert Remembered(path).read() == Left()
    assert Left(recent=("search", "nonsense")).panes()[0] == "search"
    assert set(Left(recent=("search",)).panes()) == set(PANES)


@given(
    columns=st.integers(80, 260), rows=st.integers(16, 80),
    steps=st.lists(st.tuples(st.sampled_from((-4, 4)), st.booleans()), max_size=20),
)  # fmt: skip
def test_wherever_the_borders_are_panes_fill_the_room_and_never_overlap(
    columns: int, rows: int, steps: list[tuple[int, bool]]
) -> None:
    shares = Shares()
    for by, wide in steps:
        shares = shares.widened(by) if wide else shares.heightened(by)
    places = arrange(columns, rows, PANES, False, shares)
    cells = [
        (x, y)
        for box in places.values()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    ]
    assert len(cells) == len(set(cells)) == columns * rows
    assert all(box.width >= 20 and box.height >= 3 for box in places.values())


async def test_the_title_says_who_is_wanted_and_is_given_back(tmp_path: Path) -> None:
    story = Story(tmp_path / "title.db")
    first_half(story)
    try:
        async with bench(story.path) as b:
            sent: list[str] = []
            b.console.to_terminal = sent.append  # type: ignore[method-assign]
            rung: list[bool] = []
            b.console.bell = lambda: rung.append(True)  # type: ignore[method-assign]
            story.say(PhaseChanged(1, "needs_operator", "the cube fell", 1.0))
            await b.until(lambda: any("NEEDS YOU - yam-sim" in s for s in sent))
            assert rung == [True]
        assert sent[-1] == "\x1b[23;0t"
    finally:
        story.close()
