"""Marking a drafted skill as one for a single task, in the front matter of its SKILL.md."""

from __future__ import annotations

import json

KEY = "task-specific"
FENCE = "---"


class NoFrontMatter(ValueError):
    """The text has none to write into."""


def marked_for(text: str, task: str) -> str:
    """The same text with that mark in its ``metadata``; an earlier mark is replaced.

    Raises:
        NoFrontMatter: It does not begin with front matter.
    """
    lines = text.split("\n")
    if lines[0].strip() != FENCE or FENCE not in (row.strip() for row in lines[1:]):
        raise NoFrontMatter("SKILL.md has no front matter to mark; edit it")
    end = next(n for n, row in enumerate(lines[1:], 1) if row.strip() == FENCE)
    head = [row for row in lines[1:end] if not row.strip().startswith(f"{KEY}:")]
    mark = f"  {KEY}: {json.dumps(task)}"
    if "metadata:" in head:
        head.insert(head.index("metadata:") + 1, mark)
    else:
        head += ["metadata:", mark]
    return "\n".join([lines[0], *head, *lines[end:]])
