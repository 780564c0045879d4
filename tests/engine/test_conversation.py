"""What people and an agent say is recorded, answered once, and denied when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from aspire_tui.domain import Budget
from aspire_tui.engine.book import Book
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.reports import Reports
from aspire_tui.events import AgentAnswered, AgentAsked, AgentTool, OperatorTold
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    recorder = Recorder.create(tmp_path / "talk.db")
    yield Book(recorder, Budget(max_trials=3))
    recorder.close()


def events(book: Book) -> list[object]:
    with SessionReader(book.recorder.path) as reader:
        return [r.event for r in reader.events()]


async def until_asked(talk: Conversation) -> int:
    while not talk._asked:
        await asyncio.sleep(0)
    return next(iter(talk._asked))


async def test_a_message_is_read_once_and_an_interruption_is_seen_before_it_is_read(
    book: Book,
) -> None:
    talk = Conversation(book, lambda: True)
    reports = Reports(book, talk)
    assert await talk.tell("1", "anna", "look at the left cube") == ""
    assert await reports.take("report:standing", {}) == {
        "exhausted": "", "waiting": 1, "interrupts": False,
    }  # fmt: skip
    await talk.tell("2", "anna", "stop talking", interrupts=True)
    standing = await reports.take("report:standing", {})
    assert isinstance(standing, dict) and standing["interrupts"] is True
    assert talk.told().messages == ("look at the left cube", "stop talking")
    assert talk.told().messages == () and not talk.interrupts
    told = [e for e in events(book) if isinstance(e, OperatorTold)]
    assert [(t.who, t.interrupts) for t in told] == [("anna", False), ("anna", True)]


async def test_a_permission_is_allowed_once_by_its_own_number(book: Book) -> None:
    talk = Conversation(book, lambda: True)
    asked = asyncio.create_task(talk.may("run: rm -r build"))
    number = await until_asked(talk)
    assert "asks for permission" in await talk.answer(number, "anna", "allowed")
    assert "not open" in await talk.permit(number + 1, "anna", True)
    assert await talk.permit(number, "anna", True) == ""
    assert await asked is True
    assert "not open" in await talk.permit(number, "anna", True)
    assert [type(e) for e in events(book)] == [AgentAsked, AgentAnswered]


@pytest.mark.parametrize("someone", [True, False])
async def test_a_permission_nobody_answers_is_denied(book: Book, someone: bool) -> None:
    talk = Conversation(book, lambda: someone)
    wish = {"what": "open a shell", "within_s": 0.01}
    allowed = await Reports(book, talk).take("report:permission", wish)
    assert allowed is False
    last = events(book)[-1]
    assert isinstance(last, AgentAnswered)
    assert (last.status, last.text, last.who) == ("TIMEOUT", "denied", "engine")


async def test_a_denial_is_no_answer_to_a_question(book: Book) -> None:
    talk = Conversation(book, lambda: True)
    asked = asyncio.create_task(talk.ask("which cube?"))
    number = await until_asked(talk)
    assert "is no permission" in await talk.permit(number, "anna", False)
    assert await talk.answer(number, "anna", "the red one") == ""
    assert (await asked).text == "the red one"


async def test_a_tool_of_the_agents_own_is_shown_as_its_own(book: Book) -> None:
    talk = Conversation(book, lambda: True)
    used = {"title": "ls -la", "kind": "execute", "ok": True}
    await Reports(book, talk).take("report:own_tool", used)
    shown = events(book)[-1]
    assert isinstance(shown, AgentTool) and shown.tool == "own execute"
