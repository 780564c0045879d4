"""Side by side: programs, a failing and a passing trial, all trials of one program; and what
happened while nobody was there."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import NOW_S, bench
from recorded import Story, first_half, whole_session
from test_by_hand import row_text

from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.compare import diff_body
from aspire_tui.tui.screen.text import plain, width


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("comparing") / "over.db")


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_a_hypothesis_beside_its_parent(over: Path, size: tuple[int, int]) -> None:
    async with bench(over, "replay", size=size) as b:
        await b.press("5", "G", "d")
        await b.until(lambda: b.console.workspace.covered)
        rows = "\n".join(row_text(b))
        assert "H1 → H2" in rows and "- [0, 0, 0.012]" in rows


async def test_a_failing_trial_beside_a_passing_one_where_they_part(over: Path) -> None:
    async with bench(over, "replay") as b:
        b.console.source.choose(trial=1)
        await b.settled()
        await b.press("C", "enter")
        await b.until(lambda: b.console.workspace.covered)
        rows = row_text(b)
        text = "\n".join(rows)
        assert "Trial 1 beside trial 2" in text
        parting = next(row for row in rows if "◀ ✓   7 close_gripper" in row)
        assert "EMPTY_GRASP" in parting
        assert "status: EMPTY_GRASP" in text and "status: OK" in text


async def test_a_trial_that_is_not_there_is_said(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("C", *"99", "enter")
        await b.until(lambda: "there is no trial 99" in b.bar)
        await b.press("C", *"x", "enter")
        assert "type the number of a trial" in b.bar


async def test_failures_of_a_program_are_grouped_and_opened(over: Path) -> None:
    async with bench(over, "replay") as b:
        b.console.source.choose(trial=2)
        await b.settled()
        await b.press("O")
        await b.until(lambda: b.console.workspace.covered)
        text = "\n".join(row_text(b))
        assert "6/7 PASS" in text and "1 × home_pose OK" in text
        await b.press("enter")
        assert b.console.moment.trial is not None and b.console.moment.trial.trial == 5


def test_code_in_columns_fits_whatever_it_says() -> None:
    wide = "x = 1  # " + "ü字\x1b[31m" * 60
    for columns in (40, 109, 110, 200):
        body = diff_body(("H1", wide), ("H2", wide + "\ny = 2"), Look(width=columns))
        for index in range(len(body.lines)):
            row = body.lines.line(index)
            assert width(row) <= columns and "\x1b" not in plain(row)


async def test_the_first_key_after_a_long_while_says_what_happened(tmp_path: Path) -> None:
    story = Story(tmp_path / "morning.db")
    first_half(story)
    try:
        async with bench(story.path) as b:
            b.console._clock = lambda: NOW_S + 3600.0
            await b.press("A")
            await b.until(lambda: b.console.workspace.covered)
            assert any("What happened" in row for row in row_text(b))
            assert b.console.acts.asking is None, "the key that woke the screen did nothing else"
            b.console._clock = lambda: NOW_S + 7200.0
            await b.press("space")
            await b.until(lambda: b.stop.holds), "HOLD is never taken for waking up"
    finally:
        story.close()
