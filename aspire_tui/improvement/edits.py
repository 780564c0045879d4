"""Changes to a program by its lines, so that an agent need not write out what stays. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from typing import Annotated

import msgspec
from msgspec import Meta


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines ``line`` to ``upto`` of a program, both from 1, replaced by ``text``."""

    line: Annotated[int, Meta(ge=1)]
    text: Annotated[str, Meta(max_length=20_000, description="Instead of them; empty: taken out.")]
    upto: Annotated[int, Meta(ge=0, description="Last line; leave out: one line.")] = 0


class EditError(Exception):
    """Edits that do not fit the program; the text says which and why."""


def edited(program: str, edits: Sequence[Edit]) -> str:
    """The program with the edits in it; line numbers are those of the program as it was.

    Raises:
        EditError: An edit is outside of the program, or two of them overlap.
    """
    lines = program.splitlines()
    below = len(lines) + 1
    for edit in sorted(edits, key=lambda e: e.line, reverse=True):
        last = max(edit.line, edit.upto)
        if last > len(lines):
            raise EditError(f"line {last}: the program has {len(lines)} lines")
        if last >= below:
            raise EditError(f"line {last}: two edits change it")
        lines[edit.line - 1 : last] = edit.text.splitlines()
        below = edit.line
    return "\n".join(lines) + "\n"


def difference(before: str, after: str) -> list[str]:
    """What was changed, as a unified diff without its file names."""
    return list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
