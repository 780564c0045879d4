"""What an agent worker reports beside its tools: tokens, prompts, text while it is being said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from aspire_tui.domain import JSON, Tokens
from aspire_tui.engine.book import Book
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.provenance import Attachment, attach
from aspire_tui.events import AgentSaid, AgentTool, TokensUsed
from aspire_tui.improvement.answers import PERMIT_WITHIN_S
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import REPORT

LONGEST_PIECE = 4000
LONGEST_TITLE = 300
LONGEST_PERMIT_S = 3600.0


class TokensReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of one answer of a model."""

    tokens: Tokens
    model: str


class PromptReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The standing instructions a model was given."""

    name: str
    text: str


class ExperimentReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an experiment with a model found, as JSON."""

    name: str
    text: str


class SpeechReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of what a model is saying."""

    text: str
    stream: int
    done: bool


class PermissionReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hosted agent wants to do something of its own that a person should allow."""

    what: str
    within_s: Annotated[float, Meta(gt=0.0, le=LONGEST_PERMIT_S)] = PERMIT_WITHIN_S


class OwnToolReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hosted agent used a tool of its own, such as its shell in its work folder."""

    title: str
    kind: str
    ok: bool


@dataclass
class Reports:
    """Takes reports into the session and the budget."""

    book: Book
    conversation: Conversation
    by: str = ""
    """Which member of a team reports."""

    async def take(self, name: str, fields: Mapping[str, Any]) -> JSON:
        """Record one report. ``tokens`` answers which budget is used up, ``permission`` whether
        it is allowed, ``standing`` what the agent should know before it goes on.

        Raises:
            ToolRefused: It is no report this release knows.
        """
        match name.removeprefix(REPORT):
            case "tokens":
                return await self._tokens(msgspec.convert(dict(fields), TokensReport))
            case "prompt":
                prompt = msgspec.convert(dict(fields), PromptReport)
                data = prompt.text.encode()
                await attach(self.book, [Attachment("prompt", prompt.name, "text/markdown", data)])
            case "experiment":
                found = msgspec.convert(dict(fields), ExperimentReport)
                data = found.text.encode()
                await attach(
                    self.book, [Attachment("experiment", found.name, "application/json", data)]
                )
            case "speech":
                said = msgspec.convert(dict(fields), SpeechReport)
                text = said.text[:LONGEST_PIECE]
                await self.book.write(
                    AgentSaid(text, stream=said.stream, done=said.done, by=self.by)
                )
            case "permission":
                asked = msgspec.convert(dict(fields), PermissionReport)
                return await self.conversation.may(asked.what[:LONGEST_PIECE], asked.within_s)
            case "own_tool":
                used = msgspec.convert(dict(fields), OwnToolReport)
                what: dict[str, JSON] = {"what": used.title[:LONGEST_TITLE]}
                answer = "" if used.ok else "failed"
                await self.book.write(
                    AgentTool(f"own {used.kind[:24]}", what, answer, used.ok, self.by)
                )
            case "standing":
                return {
                    "exhausted": self.book.exhausted(),
                    "waiting": self.conversation.waiting,
                    "interrupts": self.conversation.interrupts,
                }
            case other:
                raise ToolRefused(f"there is no report {other}")
        return ""

    async def _tokens(self, report: TokensReport) -> str:
        t = report.tokens
        if min(t.input, t.cached, t.output, t.reasoning) < 0 or not 0 <= t.cost_usd < 1e6:
            raise ToolRefused("tokens and cost are not negative")
        self.book.spend(t)
        await self.book.write(TokensUsed(t, report.model, self.by), self.book.spent())
        return self.book.exhausted()
