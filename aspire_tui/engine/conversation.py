"""Operator and agent: messages queued for the agent, questions put to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aspire_tui.engine.book import Book
from aspire_tui.events import AgentAnswered, AgentAsked, OperatorTold
from aspire_tui.improvement.answers import OperatorAnswer, Told

ANSWER_WITHIN_S = 300.0
MESSAGES_KEPT = 50


@dataclass
class Conversation:
    """One agent and the people at its cell. ``someone`` says whether anybody could answer."""

    book: Book
    someone: Callable[[], bool]
    within_s: float = ANSWER_WITHIN_S
    _messages: list[str] = field(default_factory=list)
    _asked: dict[int, asyncio.Future[str]] = field(default_factory=dict)
    _questions: int = 0

    async def tell(self, id: str, who: str, text: str) -> str:
        """Queue a message for the agent's next look. Returns why not, or an empty string."""
        if len(self._messages) >= MESSAGES_KEPT:
            return f"{MESSAGES_KEPT} messages wait already; the agent has not read them"
        self._messages.append(text)
        await self.book.write(OperatorTold(id, who, text))
        return ""

    def told(self) -> Told:
        """Everything queued, once."""
        messages, self._messages = tuple(self._messages), []
        return Told(messages)

    @property
    def waiting(self) -> int:
        """Messages the agent has not read."""
        return len(self._messages)

    async def ask(self, question: str) -> OperatorAnswer:
        """Put a question to whoever is at the cell and wait for the answer, not for ever."""
        self._questions += 1
        number = self._questions
        await self.book.write(AgentAsked(number, question, self.within_s))
        if not self.someone():
            await self.book.write(AgentAnswered(number, "TIMEOUT", "", "engine"))
            return OperatorAnswer("TIMEOUT", "nobody is at the cell")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            text = await asyncio.wait_for(future, self.within_s)
        except TimeoutError:
            await self.book.write(AgentAnswered(number, "TIMEOUT", "", "engine"))
            return OperatorAnswer("TIMEOUT", f"no answer in {self.within_s:g} s")
        finally:
            self._asked.pop(number, None)
        return OperatorAnswer("OK", text)

    async def answer(self, question: int, who: str, text: str) -> str:
        """Answer an open question. Returns why not, or an empty string."""
        future = self._asked.get(question)
        if future is None or future.done():
            return f"question {question} is not open"
        future.set_result(text)
        await self.book.write(AgentAnswered(question, "OK", text, who))
        return ""
