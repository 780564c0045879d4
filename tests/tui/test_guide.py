"""The guided first session: ticked off by what the session says, in order, never by keys alone."""

from __future__ import annotations

from pathlib import Path

from consoles import bench
from recorded import Story, first_half

from aspire_tui.events import OperatorAct, SkillDrafted, SkillRuled
from aspire_tui.tui.guide import LIVE, Guide


def act(story: Story, verb: str, accepted: bool = True) -> None:
    story.say(OperatorAct(f"c{story.clock.t_s}", verb, "op1", "operator", accepted))


async def test_every_step_waits_for_its_own_event(tmp_path: Path) -> None:
    story = Story(tmp_path / "guided.db")
    first_half(story)
    guide = Guide(LIVE)
    try:
        async with bench(story.path, size=(80, 24), guide=guide) as b:
            assert (
                "GUIDE  hold: press space" in b.rows("guide")[0] and "1 of 7" in b.rows("guide")[0]
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
                ("fork", "promote"),
            ):
                act(story, verb)
                await b.until(lambda title=title: guide.steps[guide.at].title == title)
            story.say(SkillDrafted("s", 1, 1, 1, str(tmp_path), "rules"))
            story.say(SkillRuled("s", "refused", ("another session",)))
            await b.until(lambda: guide.steps[guide.at].title == "replay")
            assert "press q" in b.rows("guide")[0]
    finally:
        story.close()
