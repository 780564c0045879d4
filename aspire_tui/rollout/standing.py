"""A call that stands: what it would do now, and what an operator made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aspire_tui.domain import JSON, CallPreview
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.primitives.stated import stated
from aspire_tui.rollout.preview import preview
from aspire_tui.rollout.values import summarise

TYPED_VALUES = 64
"""An array with more values than this is told in words and cannot be edited."""


@dataclass
class StandingCall:
    """One call before it runs. Edits are checked like a program's own arguments."""

    bench: Workbench
    primitive: Primitive
    given: Mapping[str, Any]
    changes: dict[str, Any] = field(default_factory=dict)
    edited_by: str = ""
    result: PrimitiveOutcome | None = None
    """What the program gets instead, once an operator stated it."""
    skipped_by: str = ""

    @property
    def args(self) -> dict[str, Any]:
        """What would be run now."""
        return {**self.given, **self.changes}

    def edit(self, changes: Mapping[str, Any], who: str) -> None:
        """Replace some arguments; raises InvalidArgument and changes nothing when they are wrong.

        An empty edit takes every earlier one back.
        """
        wanted = {**self.given, **self.changes, **changes} if changes else dict(self.given)
        self.primitive.check(wanted)
        self.changes = {**self.changes, **changes} if changes else {}
        self.edited_by = who if self.changes else ""

    def state(self, status: str, value: Any, detail: str, who: str) -> None:
        """State the result of a skip; raises InvalidArgument when the primitive has no such."""
        said = detail or f"skipped by {who}"
        self.result = stated(self.primitive, self.bench, status, value, said)
        self.skipped_by = who

    def preview(self) -> CallPreview:
        return preview(self.bench, self.primitive, self.args)

    def shown(self) -> dict[str, JSON]:
        """The arguments as they would be run, exact where they can be typed."""
        return {name: _typed(value) for name, value in self.args.items()}


def _typed(value: Any) -> JSON:
    if isinstance(value, np.ndarray) and value.size <= TYPED_VALUES and value.dtype.kind in "fiub":
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)) and len(value) <= TYPED_VALUES:
        return [_typed(v) for v in value]
    return summarise(value)
