"""A program's question: put to whoever is there, answered, withdrawn, never counted unanswered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aspire_tui.engine.bench import Bench
from aspire_tui.engine.conversation import Conversation
from aspire_tui.events import AgentAnswered, AgentAsked, PhaseChanged
from aspire_tui.improvement.answers import OperatorAnswer
from aspire_tui.rollout.link import PersonSaid


@dataclass
class Written:
    """A book that keeps what is written."""

    events: list[Any] = field(default_factory=list)

    async def write(self, *events: Any, **_: Any) -> int:
        self.events += events
        return len(self.events)


def of(book: Written, kind: type) -> list[Any]:
    return [e for e in book.events if isinstance(e, kind)]


async def asked(talk: Conversation, book: Written) -> asyncio.Task[OperatorAnswer]:
    task = asyncio.create_task(talk.ask("is the lid off?", "program"))
    while not of(book, AgentAsked):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_nobody_there_is_a_timeout_at_once() -> None:
    book = Written()
    answer = await Conversation(book, lambda: False).ask("is the lid off?", "program")
    assert answer == OperatorAnswer("TIMEOUT", "nobody is at the cell")
    assert [e.asker for e in of(book, AgentAsked)] == ["program"]
    assert [e.status for e in of(book, AgentAnswered)] == ["TIMEOUT"]


async def test_the_answer_reaches_who_asked_and_is_recorded_with_who_gave_it() -> None:
    book = Written()
    talk = Conversation(book, lambda: True)
    task = await asked(talk, book)
    assert await talk.answer(1, "ada", "yes") == ""
    assert await task == OperatorAnswer("OK", "yes")
    assert [(e.who, e.text) for e in of(book, AgentAnswered)] == [("ada", "yes")]


async def test_a_question_is_withdrawn_when_people_go_but_an_agents_stands() -> None:
    book, there = Written(), [True]
    talk = Conversation(book, lambda: there[0])
    program = await asked(talk, book)
    agent = asyncio.create_task(talk.ask("may I?", "agent"))
    while len(of(book, AgentAsked)) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    there[0] = False
    talk.withdraw()
    assert (await program).status == "TIMEOUT"
    assert not agent.done()
    await talk.answer(2, "ada", "yes")
    assert (await agent).text == "yes"


def bench_with(book: Written, answer: OperatorAnswer) -> tuple[Bench, list[Any]]:
    bench, sent = Bench(book), []
    bench.trial, bench.phase = 3, "executing"
    bench._send = sent.append  # type: ignore[method-assign]

    async def ask(text: str) -> OperatorAnswer:
        return answer

    bench.ask_person = ask
    return bench, sent


async def test_while_it_waits_the_trial_needs_an_operator() -> None:
    book = Written()
    bench, sent = bench_with(book, OperatorAnswer("OK", "yes"))
    await bench._put("is the lid off?")
    assert [p.phase for p in of(book, PhaseChanged)] == ["needs_operator", "executing"]
    assert sent == [PersonSaid("OK", "yes")]


async def test_hold_while_it_waits_stays_on_the_record() -> None:
    book = Written()
    bench, sent = bench_with(book, OperatorAnswer("OK", "yes"))
    bench.gate.hold("HOLD by ada")
    bench.stands_held = True
    await bench._put("is the lid off?")
    assert [p.phase for p in of(book, PhaseChanged)] == ["needs_operator"]
    assert bench.gate.mode == "held"
    assert sent == [PersonSaid("OK", "yes")]


async def test_an_abort_ends_the_question_stopped() -> None:
    book = Written()
    bench, sent = bench_with(book, OperatorAnswer("TIMEOUT", ""))
    bench.gate.abort("aborted by ada")
    await bench._put("is the lid off?")
    assert sent == [PersonSaid("STOPPED", "aborted by ada")]
