"""Which programs wait for a person before they move a cell, and what that person is shown. Pure.

The facts are the engine's own: pose, speed, what the text calls. Never what an author says of it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aspire_tui.domain import sha256_hex

ApprovalMode = Literal["each", "new", "large-moves", "none-within-grant", "none"]

LARGE_MOVE_M: Final = 0.25
"""A target further than this from where the tool stands is a large move."""


def approval_mode(kind: str, wanted: ApprovalMode | None = None) -> ApprovalMode:
    """By kind of cell: on hardware at least new programs are looked at; else nobody is asked.

    Hardware cannot be told to ask for nothing at all: that needs a grant.
    """
    if kind == "hardware":
        return "new" if wanted in (None, "none") else wanted
    return wanted or "none"


@dataclass
class Approvals:
    """What was approved in this session."""

    mode: ApprovalMode
    approved: set[str] = field(default_factory=set)

    def why_ask(self, program: str, granted: bool) -> str:
        """Why this program must be approved before its trial; empty when it may run."""
        match self.mode:
            case "each":
                return "every trial is approved on this cell"
            case "new":
                known = program in self.approved
                return "" if known else "this program has not run on this cell in this session"
            case "none-within-grant":
                if granted or program in self.approved:
                    return ""
                return "nobody granted that programs run unapproved"
            case "large-moves" | "none":
                return ""

    def why_ask_move(self, reach_m: float | None) -> str:
        """Why one motion must be approved before it starts; empty when it may."""
        if self.mode != "large-moves" or reach_m is None or reach_m <= LARGE_MOVE_M:
            return ""
        return f"a move of {reach_m:.2f} m; moves over {LARGE_MOVE_M:g} m are approved here"

    def decide(self, program: str, approved: bool) -> None:
        if approved:
            self.approved.add(program)
        else:
            self.approved.discard(program)


def program_facts(text: str, primitives: Collection[str]) -> dict[str, Any]:
    """What a program's text is, as far as reading it can tell: its primitives with their lines."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return {"program": sha256_hex(text.encode())[:12], "syntax_error_line": error.lineno}
    except (ValueError, RecursionError, MemoryError):
        return {"program": sha256_hex(text.encode())[:12], "syntax_error_line": None}
    calls: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name in primitives:
                calls[name] = calls.get(name, 0) + 1
    return {
        "program": sha256_hex(text.encode())[:12],
        "lines": len(text.splitlines()),
        "primitives": dict(sorted(calls.items())),
    }
