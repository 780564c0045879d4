"""What a model is sent: grows turn by turn, is folded when long, and never says one thing twice.

Folding keeps the first request and the last turns as they are. Of older turns the answers of tools
that only look become one line each, pictures and program texts go, and what the model itself said
stays: its findings are the memory of the run. Folding is rare and cuts deep, so that caches of
providers stay useful.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)

from aspire_tui.improvement.toolset import TOOLS

LONGEST: Final = 120_000
"""Characters of a conversation before it is folded; pictures count as :data:`PICTURE`."""
KEPT_TURNS: Final = 4
PICTURE: Final = 4_000
ENOUGH: Final = 0.6
"""What may be left of a conversation that did not fit, before it is tried again."""
FOLDED_LINE: Final = 160
FOLDED_PROGRAM: Final = "[folded away; the tool program shows it again]"


@dataclass
class Transcript:
    """The messages of one conversation and what has been shown in them."""

    first: str
    longest: int = LONGEST
    pictures: Sequence[BinaryContent] = ()
    """Shown with the first request."""
    messages: list[ModelMessage] = field(default_factory=list)
    folds: int = 0
    _shown: set[tuple[str, str]] = field(default_factory=set)
    _seen: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shown: list[UserContent] = [self.first, *self.pictures]
        begin = shown if self.pictures else self.first
        self.messages.append(ModelRequest(parts=[UserPromptPart(begin)]))

    def answered(self, response: ModelResponse) -> None:
        self.messages.append(response)

    def add(self, parts: Sequence[ModelRequestPart]) -> None:
        """What the model is told next: answers of its tools, words of the operator."""
        self.messages.append(ModelRequest(parts=list(parts)))
        if self.size() > self.longest:
            self.fold()

    def shown_before(self, tool: str, args: Mapping[str, Any]) -> bool:
        """Whether this very question was answered, and the answer still stands above.

        Only for traces, which never change once their trial is closed.
        """
        return _question(tool, args) in self._shown

    def remember(self, call: ToolCallPart, args: Mapping[str, Any]) -> None:
        """Note that this question is answered in the coming message."""
        if call.tool_name in UNCHANGING:
            self.remember_as(call, call.tool_name, args)

    def remember_as(self, call: ToolCallPart, tool: str, args: Mapping[str, Any]) -> None:
        """Note that the coming answer to ``call`` answers this question as well."""
        question = _question(tool, args)
        self._shown.add(question)
        self._seen.setdefault(call.tool_call_id, []).append(question)

    def size(self) -> int:
        """Characters, pictures counted flat."""
        return sum(_size(m) for m in self.messages)

    def fold(self, kept_turns: int = KEPT_TURNS) -> None:
        """Shorten everything but the first request and the last turns. Idempotent."""
        self.folds += 1
        upto = max(1, len(self.messages) - 2 * kept_turns)
        self.messages = [
            m if i == 0 or i >= upto else self._folded(m) for i, m in enumerate(self.messages)
        ]

    def shorten(self) -> bool:
        """Fold as deep as it takes to become shorter; False when nothing is left to fold."""
        before = self.size()
        for kept in (KEPT_TURNS, KEPT_TURNS // 2, 1, 0):
            self.fold(kept)
            if self.size() <= before * ENOUGH:
                break
        return self.size() < before

    def _folded(self, message: ModelMessage) -> ModelMessage:
        if not isinstance(message, ModelRequest):
            return replace(message, parts=[_fold_use(p) for p in message.parts])
        parts: list[ModelRequestPart] = []
        for part in message.parts:
            if isinstance(part, ToolReturnPart):
                self._shown.difference_update(self._seen.pop(part.tool_call_id, ()))
                parts.append(_fold_return(part))
            elif isinstance(part, UserPromptPart) and not isinstance(part.content, str):
                text = " ".join(c for c in part.content if isinstance(c, str))
                parts.append(UserPromptPart(f"{text} [picture folded away; view it again]"))
            else:
                parts.append(part)
        return replace(message, parts=parts)


UNCHANGING: Final = frozenset({"calls", "call", "checks", "view", "compare", "primitive", "skill"})
"""Tools whose answer to one question stays the same."""


def _question(tool: str, args: Mapping[str, Any]) -> tuple[str, str]:
    return tool, json.dumps(args, sort_keys=True)


def _fold_use(part: Any) -> Any:
    """A tool call without the program it carried: that stands in the tree."""
    if not isinstance(part, ToolCallPart):
        return part
    try:
        args = part.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError, TypeError):
        return replace(part, args={})
    if len(str(args.get("program", ""))) <= FOLDED_LINE:
        return part
    return replace(part, args={**args, "program": FOLDED_PROGRAM})


def _fold_return(part: ToolReturnPart) -> ToolReturnPart:
    text = part.model_response_str()
    tool = TOOLS.get(part.tool_name)
    foldable = tool is None or tool.looks_only or len(text) > 10 * FOLDED_LINE
    if not foldable or len(text) <= FOLDED_LINE:
        return part
    first = " ".join(text.split())[:FOLDED_LINE]
    return replace(part, content=f"{first} [folded away; ask again if you need it]")


def _size(message: ModelMessage) -> int:
    return sum(_part_size(p) for p in message.parts)


def _part_size(part: Any) -> int:
    content = part.content if hasattr(part, "content") else part.args_as_json_str()
    if isinstance(content, str):
        return len(content)
    if isinstance(content, (list, tuple)):
        return sum(PICTURE if isinstance(c, BinaryContent) else len(str(c)) for c in content)
    return len(str(content))
