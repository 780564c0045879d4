"""A person writes to the agent, answers it, allows it something: by key, recorded by number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import bench
from recorded import Story, first_half

from aspire_tui.events import AgentAnswered, AgentAsked


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path / "running.db")
    first_half(made)
    yield made
    made.close()


async def test_a_message_is_typed_and_an_exclamation_mark_interrupts(story: Story) -> None:
    async with bench(story.path) as b:
        for typed, interrupt in (("use the left arm", False), ("! stop", True)):
            await b.press("i")
            b.console.typed.value = typed
            await b.press("enter")
            sent = ("tell", {"text": typed.removeprefix("! "), "interrupt": interrupt})
            await b.until(lambda sent=sent: sent in b.engine.sent)


async def test_a_permission_is_allowed_by_its_number_after_a_question(story: Story) -> None:
    story.say(AgentAsked(7, "run: make test", 120.0, permission=True))
    async with bench(story.path) as b:
        await b.until(lambda: b.console.moment.snapshot.agent.asked == 7)
        await b.press("m")
        assert b.console.acts.asking is not None
        assert "make test" in b.console.acts.asking.confirm.question
        assert b.console.acts.asking.choice == "cancel"  # enter alone allows nothing
        await b.press("tab")
        await b.press("enter")
        await b.until(lambda: ("permit", {"question": 7, "allow": True}) in b.engine.sent)


async def test_a_permission_is_denied_by_one_key_and_gone_when_answered(story: Story) -> None:
    story.say(AgentAsked(8, "open a shell", 120.0, permission=True))
    async with bench(story.path) as b:
        await b.until(lambda: b.console.moment.snapshot.agent.asked == 8)
        await b.press("M")
        await b.until(lambda: ("permit", {"question": 8, "allow": False}) in b.engine.sent)
        story.say(AgentAnswered(8, "TIMEOUT", "denied", "engine"))
        await b.until(lambda: b.console.moment.snapshot.agent.asked is None)
        b.engine.sent.clear()
        await b.press("M")
        assert b.engine.verbs == []


async def test_a_question_is_answered_in_words(story: Story) -> None:
    story.say(AgentAsked(3, "which cube?", 300.0))
    async with bench(story.path) as b:
        await b.until(lambda: b.console.moment.snapshot.agent.asked == 3)
        await b.press("m")
        assert b.console.acts.asking is None  # it asks for no permission
        await b.press("w")
        assert "which cube?" in b.console.typed.placeholder
        b.console.typed.value = "the red one"
        await b.press("enter")
        await b.until(lambda: ("reply", {"question": 3, "text": "the red one"}) in b.engine.sent)
