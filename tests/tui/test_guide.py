"""The guided first session: ticked off by what the session says, in order, never by keys alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
from consoles import bench
from recorded import Story, first_half

from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    OperatorAct,
    RunEnded,
    SkillDrafted,
    SkillRuled,
)
from aspire_tui.session.snapshot import EMPTY
from aspire_tui.session.views import EndView
from aspire_tui.tui.guide import LIVE, REPLAY, Guide
from aspire_tui.tui.screen.text import plain


def act(story: Story, verb: str, accepted: bool = True) -> None:
    story.say(OperatorAct(f"c{story.clock.t_s}", verb, "op1", "operator", accepted))


async def test_every_step_waits_for_its_own_event(tmp_path: Path) -> None:
    story = Story(tmp_path / "guided.db")
    program = first_half(story)
    guide = Guide(LIVE)
    try:
        async with bench(story.path, size=(80, 24), guide=guide) as b:
            assert (
                "GUIDE  hold: press space" in b.rows("guide")[0] and "1 of 12" in b.rows("guide")[0]
            )
            act(story, "step")
            act(story, "hold", accepted=False)
            await b.pilot.pause(0.3)
            assert guide.at == 0, "another act, and a refused one, are not it"
            for verb, title in (
                ("hold", "resume"),
                ("resume", "step"),
                ("step", "run on"),
                ("resume", "fork"),
                ("fork", "search"),
            ):
                act(story, verb)
                await b.until(lambda title=title: guide.steps[guide.at].title == title)
            story.say(
                HypothesisOpened(2, 1, "deeper", "a line", "it fails", program, "rules"),
                HypothesisDecided(2, "kept", "5 of 6"),
            )
            await b.until(lambda: guide.steps[guide.at].title == "pause")
            act(story, "pause_agent")
            await b.until(lambda: guide.steps[guide.at].title == "draft")
            story.say(SkillDrafted("s", 1, 1, 1, str(tmp_path), "rules"))
            await b.until(lambda: guide.steps[guide.at].title == "mark")
            story.say(SkillRuled("s", "draft", would_be="provisional"))
            await b.until(lambda: guide.steps[guide.at].title == "admit")
            story.say(SkillRuled("s", "refused", ("another session",)))
            await b.settled()
            story.say(SkillRuled("s", "provisional", ("another session",)))
            await b.until(lambda: guide.steps[guide.at].title == "end")
            story.say(RunEnded("PASS", "operator", 2, 5, 6, 0.4, 0.9, "stopped"))
            await b.until(lambda: guide.steps[guide.at].title == "replay")
            assert "press q" in b.rows("guide")[0]
    finally:
        story.close()


def test_every_step_can_be_read_in_eighty_columns() -> None:
    for steps in (LIVE, REPLAY):
        guide = Guide(steps)
        for guide.at, step in enumerate(steps):
            assert step.words in plain(guide.row(80)), step.title


def test_a_run_that_ends_before_its_guide_is_only_to_be_left() -> None:
    guide = Guide(LIVE)
    assert guide.saw(
        msgspec.structs.replace(
            EMPTY, ended=EndView("FAIL", "done", None, 0, 0, 0.0, 1.0, "", 1, 1.0)
        )
    )
    assert guide.steps[guide.at].title == "replay"
