"""Tools that answer from a table and take reports down: a model is tested without a robot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aspire_tui.domain import JSON, Tokens
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS, read_arguments

TASK = {"name": "t", "instruction": "lift the red cube"}


@dataclass
class Desk:
    """Answers every tool of the set with its checked arguments, or as told; counts tokens."""

    answers: dict[str, Any] = field(default_factory=dict)
    budget_after: int | None = None
    """Tokens after which the budget is used up."""
    used: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: Tokens = field(default_factory=Tokens)

    def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        if tool not in TOOLS:
            raise ToolRefused(f"there is no tool {tool}")
        try:
            checked = read_arguments(tool, args)
        except Exception as error:
            raise ToolRefused(f"{tool}: {error}") from None
        self.used.append((tool, dict(args)))
        answer = self.answers.get(tool, _DEFAULTS.get(tool))
        return answer(checked) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]

    def report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        self.reports.append((what, dict(fields)))
        if what != "tokens":
            return ""
        self.tokens = self.tokens + Tokens(**fields["tokens"])  # type: ignore[arg-type]
        over = self.budget_after is not None and self.tokens.total >= self.budget_after
        return "100 tokens are used up" if over else ""

    def said(self, role: str) -> list[str]:
        return [a["text"] for t, a in self.used if t == "say" and a.get("role") == role]

    def names(self) -> list[str]:
        return [tool for tool, _ in self.used]

    def speech(self) -> dict[int, str]:
        """What was streamed, joined by the number of each text."""
        texts: dict[int, str] = {}
        for what, fields in self.reports:
            if what == "speech":
                texts[fields["stream"]] = texts.get(fields["stream"], "") + fields["text"]
        return texts


_DEFAULTS: dict[str, Any] = {
    "task": TASK,
    "cell": {"name": "c"},
    "primitives": [],
    "leaderboard": [],
    "told": {"messages": []},
    "budget": {"exhausted": ""},
    "calls": [],
    "checks": [],
}
