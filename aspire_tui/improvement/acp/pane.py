"""What a hosted agent says and does, told to the engine in the words every agent uses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from acp.exceptions import RequestError
from acp.schema import (
    AgentMessageChunk,
    AgentPlanUpdate,
    AllowedOutcome,
    DeniedOutcome,
    PermissionOption,
    RequestPermissionResponse,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    UsageUpdate,
)

from aspire_tui.improvement.acp.link import Link
from aspire_tui.improvement.acp.usage import Account
from aspire_tui.improvement.answers import PERMIT_WITHIN_S
from aspire_tui.improvement.toolset import TOOLS
from aspire_tui.session.redaction import HeldTail, Redactor

CHUNK_EVERY_S: Final = 0.1
_MARKS: Final = {"completed": "done", "in_progress": "now", "pending": "then"}


@dataclass
class Pane:
    """The client side of the protocol: no files, no terminals, only what a person can see.

    What it lacks of ``acp.Client`` the SDK answers with "method not found"; derived from it, it
    would answer with nothing.
    """

    link: Link
    redactor: Redactor = field(default_factory=Redactor)
    """Knows the agent's keys: a text that comes in pieces is cleared of them as a whole."""
    account: Account = field(default_factory=Account)
    permit_within_s: float = PERMIT_WITHIN_S
    clock: Callable[[], float] = time.monotonic
    acted: int = 0
    """Tool calls seen; an agent that ends its turn without any only talks."""
    _texts: int = 0
    _stream: int = 0
    _gathered: str = ""
    _last_s: float = float("-inf")
    _titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    _plan: str = ""

    def __post_init__(self) -> None:
        self._held = HeldTail(self.redactor)

    async def session_update(self, session_id: str, update: Any, **kwargs: Any) -> None:
        match update:
            case AgentMessageChunk(content=TextContentBlock(text=text)):
                await self._speak(text)
            case AgentPlanUpdate():
                await self._tell_plan(update)
            case ToolCallStart():
                await self.hush()
                self.acted += 1
                self._titles[update.tool_call_id] = (update.title, update.kind or "other")
                await self._ended(update.tool_call_id, update.status)
            case ToolCallProgress():
                title, kind = self._titles.get(update.tool_call_id, ("", "other"))
                self._titles[update.tool_call_id] = (update.title or title, update.kind or kind)
                await self._ended(update.tool_call_id, update.status)
            case UsageUpdate():
                self.account.priced(update.cost)

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption],
        **kwargs: Any,
    ) -> RequestPermissionResponse:  # fmt: skip
        """A person decides; our own tools need no permission, the engine guards them."""
        await self.hush()
        known = self._titles.get(tool_call.tool_call_id, ("", "other"))[0]
        title = tool_call.title or known or tool_call.kind or "something"
        given = "" if tool_call.raw_input is None else f" {str(tool_call.raw_input)[:400]}"
        ours = is_ours(title)
        wish = {"what": f"{title}{given}", "within_s": self.permit_within_s}
        allowed = ours or await self.link.report("permission", wish) is True
        wanted = "allow_once" if allowed else "reject_once"
        chosen = next((o for o in options if o.kind == wanted), None)
        if chosen is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        outcome = AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        return RequestPermissionResponse(outcome=outcome)

    async def hush(self) -> None:
        """The text that was being said is over."""
        self._gathered += self._held.end()
        if self._stream or self._gathered:
            await self._send(done=True)
            self._stream = 0

    async def _speak(self, text: str) -> None:
        self._gathered += self._held.feed(text)
        if self._gathered and self.clock() - self._last_s >= CHUNK_EVERY_S:
            self._last_s = self.clock()
            await self._send(done=False)

    async def _send(self, *, done: bool) -> None:
        if not self._stream:
            self._texts += 1
            self._stream = self._texts
        text, self._gathered = self._gathered, ""
        fields = {"text": text, "stream": self._stream, "done": done}
        await self.link.report("speech", fields)

    async def _tell_plan(self, update: AgentPlanUpdate) -> None:
        await self.hush()
        plan = "\n".join(f"{_MARKS[e.status]}: {e.content}" for e in update.entries)
        if plan and plan != self._plan:
            self._plan = plan
            await self.link.use("say", {"text": plan[:4000], "role": "plan"})

    async def _ended(self, call: str, status: str | None) -> None:
        """A tool of its own ended; ours are shown by the engine, which answered them."""
        title, kind = self._titles[call]
        if status in ("completed", "failed") and not is_ours(title):
            fields = {"title": title, "kind": kind, "ok": status == "completed"}
            await self.link.report("own_tool", fields)

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        return None


def is_ours(title: str) -> bool:
    """Whether a tool call's title names a tool of our server, as the products write it."""
    words = title.replace("__", " ").replace("/", " ").replace(":", " ").replace(".", " ").split()
    return any(w in ("aspire-tui", "aspire_tui") for w in words) and any(w in TOOLS for w in words)
