"""Operator and agent: messages for the agent, questions and permissions put to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aspire_tui.engine.book import Book
from aspire_tui.events import AgentAnswered, AgentAsked, OperatorTold
from aspire_tui.improvement.answers import PERMIT_WITHIN_S, OperatorAnswer, Told

ANSWER_WITHIN_S = 300.0
MESSAGES_KEPT = 50
ALLOWED, DENIED = "allowed", "denied"

HEARD: Mapping[str, str] = {
    "rules": "it is in the record; the rules agent reads nothing: p pauses it, A aborts the trial",
    "manual": "shown at their terminal before the next command",
    "mcp": "the agent reads it with the answer of its next tool",
}
"""When an agent reads a message, where that is not at its next step."""
BREAKS_OFF: Mapping[str, str] = {
    **HEARD,
    "mcp": "the agent reads it with the answer of its next tool; what it says elsewhere cannot be "
    "broken off from here; p holds its answers back",
}

Asker = Literal["agent", "program"]


def when_heard(agent: str, interrupts: bool) -> str:
    """What becomes of a message that was taken, in words for who wrote it."""
    known = (BREAKS_OFF if interrupts else HEARD).get(agent)
    if known is not None:
        return known
    return f"the agent {'breaks off and reads it' if interrupts else 'reads it at its next step'}"


@dataclass(frozen=True)
class Open:
    """A question that stands, and whether it asks for permission."""

    answer: asyncio.Future[str | None]
    permission: bool
    asker: Asker


@dataclass
class Conversation:
    """One agent and the people at its cell. ``someone`` says whether anybody could answer."""

    book: Book
    someone: Callable[[], bool]
    within_s: float = ANSWER_WITHIN_S
    interrupts: bool = False
    """A message waits that the agent should read before it says anything more."""
    _messages: list[str] = field(default_factory=list)
    _others: list[Conversation] = field(default_factory=list)
    _asked: dict[int, Open] = field(default_factory=dict)
    _questions: int = 0

    def beside(self) -> Conversation:
        """That of another agent in the same run: it is told the same, and asks for itself."""
        other = Conversation(self.book, self.someone, self.within_s)
        self._others.append(other)
        return other

    async def tell(self, id: str, who: str, text: str, interrupts: bool = False) -> str:
        """Queue a message for the agent's next look. Returns why not, or an empty string."""
        if len(self._messages) >= MESSAGES_KEPT:
            return f"{MESSAGES_KEPT} messages wait already; the agent has not read them"
        for each in (self, *self._others):
            each._messages.append(text)
        self.interrupts = self.interrupts or interrupts
        await self.book.write(OperatorTold(id, who, text, interrupts))
        return ""

    def told(self) -> Told:
        """Everything queued, once."""
        messages, self._messages = tuple(self._messages), []
        self.interrupts = False
        return Told(messages)

    @property
    def waiting(self) -> int:
        """Messages the agent has not read."""
        return len(self._messages)

    async def ask(self, question: str, asker: Asker = "agent") -> OperatorAnswer:
        """Put a question to whoever is at the cell and wait for the answer, not for ever."""
        text = await self._put(question, self.within_s, permission=False, asker=asker)
        if text is None:
            nobody = not self.someone()
            why = "nobody is at the cell" if nobody else f"no answer in {self.within_s:g} s"
            return OperatorAnswer("TIMEOUT", why)
        return OperatorAnswer("OK", text)

    async def may(self, what: str, within_s: float = PERMIT_WITHIN_S) -> bool:
        """Whether a person allows this; without an answer in time the answer is no."""
        return await self._put(what, within_s, permission=True) == ALLOWED

    async def answer(self, question: int, who: str, text: str) -> str:
        """Answer an open question. Returns why not, or an empty string."""
        return await self._settle(question, who, text, permission=False)

    async def permit(self, question: int, who: str, allowed: bool) -> str:
        """Allow or deny what was asked for, once. Returns why not, or an empty string."""
        return await self._settle(question, who, ALLOWED if allowed else DENIED, permission=True)

    def withdraw(self) -> None:
        """End what a program asks: nobody is there any more, or its trial is aborted."""
        for asked in self._asked.values():
            if asked.asker == "program" and not asked.answer.done():
                asked.answer.set_result(None)

    async def _put(
        self, text: str, within_s: float, *, permission: bool, asker: Asker = "agent"
    ) -> str | None:
        """Ask and wait; None when nobody is there or nobody answers."""
        self._questions += 1
        number = self._questions
        await self.book.write(AgentAsked(number, text, within_s, asker, permission))
        denied = DENIED if permission else ""
        if not self.someone():
            await self.book.write(AgentAnswered(number, "TIMEOUT", denied, "engine"))
            return None
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = Open(future, permission, asker)
        said = None
        try:
            said = await asyncio.wait_for(future, within_s)
        except TimeoutError:
            pass
        finally:
            self._asked.pop(number, None)
        if said is None:
            await self.book.write(AgentAnswered(number, "TIMEOUT", denied, "engine"))
        return said

    async def _settle(self, question: int, who: str, text: str, *, permission: bool) -> str:
        asked = self._asked.get(question)
        if asked is None or asked.answer.done():
            return f"question {question} is not open"
        if asked.permission != permission:
            return f"question {question} {'asks for' if asked.permission else 'is no'} permission"
        asked.answer.set_result(text)
        await self.book.write(AgentAnswered(question, "OK", text, who))
        return ""
