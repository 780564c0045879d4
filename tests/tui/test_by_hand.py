"""Acts beside the run, by key: what leaves the console, what it asks first, what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import bench
from recorded import Story, first_half, second_half

from aspire_tui.domain import Verdict
from aspire_tui.events import HandAct, PhaseChanged, VerdictOverridden
from aspire_tui.tui.by_hand import override_of
from aspire_tui.tui.guards import next_speed


def between_trials(path: Path) -> Story:
    """A run whose first trial is judged: the bench is free, the agent goes on."""
    story = Story(path)
    program = first_half(story)
    second_half(story, program, ends=False)
    return story


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = between_trials(tmp_path_factory.mktemp("hand") / "free.db")
    yield story.path
    story.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("hand") / "running.db")
    first_half(story)
    yield story.path
    story.close()


async def test_slower_is_at_once_and_faster_asks(running: Path) -> None:
    async with bench(running) as b:
        await b.press("left_square_bracket")
        await b.until(lambda: b.engine.sent)
        assert b.engine.sent == [("speed", {"fraction": 0.75})]
        b.feed.speed = 0.25
        await b.press("right_square_bracket")
        assert "25 % to 50 %" in b.bar and "[cancel]" in b.bar and len(b.engine.sent) == 1
        await b.press("enter")
        assert len(b.engine.sent) == 1, "cancel is the default"
        await b.press("right_square_bracket", "y")
        await b.until(lambda: b.engine.sent[-1] == ("speed", {"fraction": 0.5}))


@pytest.mark.parametrize(("key", "verb"), [("h", "home"), ("0", "reset"), ("v", "verify")])
async def test_what_moves_by_hand_asks_with_cancel_as_default(
    free: Path, key: str, verb: str
) -> None:
    async with bench(free) as b:
        await b.press(key, "enter")
        assert b.engine.sent == []
        await b.press(key, "y")
        await b.until(lambda: b.engine.sent == [(verb, {})])


@pytest.mark.parametrize("key", ["h", "0", "v"])
async def test_a_trial_at_the_bench_is_not_disturbed(running: Path, key: str) -> None:
    async with bench(running) as b:
        await b.press(key)
        assert "a trial is at the bench" in b.bar
        await b.press("y")
        assert b.engine.sent == []


async def test_an_override_needs_outcome_and_note_and_is_asked(free: Path) -> None:
    async with bench(free) as b:
        await b.press("V", *"good", "enter")
        assert "override: type PASS, FAIL or UNSURE, then why" in b.bar and not b.engine.sent
        await b.press("V", *"unsure", "space", *"dark", "enter")
        trial = b.console.moment.trial
        assert trial is not None and f"Trial {trial.trial} is UNSURE by your word?" in b.bar
        await b.press("y")
        said = {"trial": trial.trial, "outcome": "UNSURE", "note": "dark"}
        await b.until(lambda: b.engine.sent == [("override", said)])


async def test_note_and_bookmark_are_typed(free: Path) -> None:
    async with bench(free) as b:
        await b.press("quotation_mark", *"lamp", "enter")
        await b.press("apostrophe", *"odd", "enter")
        await b.until(lambda: len(b.engine.sent) == 2)
        assert ("note", {"text": "lamp"}) in b.engine.sent
        assert ("bookmark", {"name": "odd"}) in b.engine.sent


async def test_retry_tells_the_agent_which_trial_and_why(free: Path) -> None:
    async with bench(free) as b:
        b.console.source.choose(trial=1)
        await b.settled()
        await b.press("t", *"deeper", "enter")
        await b.until(lambda: b.engine.sent)
        verb, args = b.engine.sent[0]
        assert verb == "tell" and args["interrupt"] is True
        for part in ("trial 1", "the red cube was not moved", "close_gripper", "deeper"):
            assert part in args["text"], part


async def test_what_came_of_it_is_said_and_shown_beside_the_verdict(tmp_path: Path) -> None:
    story = between_trials(tmp_path / "told.db")
    try:
        async with bench(story.path) as b:
            verdict = Verdict("FAIL", (), "all", "nothing lifted")
            story.say(
                HandAct("verify", "op1", "c1", "cube_stack", 7, True, "FAIL: no", None, verdict)
            )
            await b.until(lambda: "verify: FAIL: no (by hand, counts nowhere)" in b.bar)
            story.say(VerdictOverridden(1, "FAIL", "UNSURE", "it was dark", "op1", "c2"))
            b.console.source.choose(trial=1)
            await b.until(lambda: b.console.moment.overrides)
            await b.settled()
            checks = "\n".join(b.pane("checks"))
            assert "FAIL" in checks and "UNSURE says op1" in checks
            await b.press("J")
            rows = "\n".join(row_text(b))
            assert "trial 1: FAIL, UNSURE says op1" in rows and "verify: FAIL" in rows
    finally:
        story.close()


def row_text(b) -> list[str]:  # type: ignore[no-untyped-def]
    view = b.console.workspace.overlay
    return [view.render_line(y).text for y in range(view.size.height)]


async def test_a_held_cell_goes_nowhere_by_hand(tmp_path: Path) -> None:
    story = between_trials(tmp_path / "held.db")
    try:
        async with bench(story.path) as b:
            b.feed.held = True
            await b.press("h")
            assert "R resumes first" in b.bar and not b.engine.sent
            b.feed.held = False
            story.say(PhaseChanged(2, "held", "HOLD by op1", 1.0))  # of a trial that is over since
            await b.until(lambda: b.console.moment.snapshot.phase.phase == "held")
            await b.press("h")
            assert "[cancel]" in b.bar, "nothing is held any more"
    finally:
        story.close()


def test_words_of_an_override() -> None:
    assert override_of("pass  it stands") == ("PASS", "it stands")
    assert override_of("PASS") is None and override_of("fine it stands") is None


def test_speed_goes_by_steps_and_stays_in_its_range() -> None:
    assert next_speed(1.0, up=False) == 0.75 and next_speed(1.0, up=True) == 1.0
    assert next_speed(0.05, up=False) == 0.05 and next_speed(0.3, up=True) == 0.5
