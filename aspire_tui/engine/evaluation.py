"""Honest evaluation: what judges a session is read when it begins and again before every trial.

What was hashed is what is compared: the files themselves, as they lie on the disk now. A file that
differs refuses the next trial, and the difference is kept and shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from aspire_tui.domain import SourceChange, sha256_hex
from aspire_tui.rollout.in_force import digest

DIFF_LINES: Final = 60
"""Lines of one difference that are kept; the rest is counted."""


class EvaluationRefused(Exception):
    """A trial was refused: what judges it is not what the session began with."""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Evaluation:
    """The files that judge a session: their text when it began, and whether they are still that."""

    def __init__(
        self, files: Mapping[str, Sequence[Path]], read: Callable[[Path], bytes] = _read
    ) -> None:
        self._read = read
        self._files = {name: tuple(paths) for name, paths in files.items()}
        self._texts = {path: read(path) for paths in self._files.values() for path in paths}

    def hashes(self) -> dict[str, str]:
        """By name, as it was when the session began."""
        return {name: digest(self._texts[p] for p in paths) for name, paths in self._files.items()}

    def changes(self) -> tuple[SourceChange, ...]:
        """Every file that is not what it was, once, under the first name it belongs to."""
        found: dict[Path, SourceChange] = {}
        for name, paths in self._files.items():
            for path in paths:
                now = self._read(path)
                if path not in found and now != self._texts[path]:
                    found[path] = change_of(name, path, self._texts[path], now)
        return tuple(found.values())

    def changed_since(
        self,
        kept: Mapping[tuple[str, str], bytes],
        before: Mapping[str, str],
        now: Mapping[str, str],
        names: Sequence[str],
        more: Mapping[str, tuple[tuple[str, str], bytes]],
    ) -> tuple[SourceChange, ...]:
        """What is not what an earlier session began with, with the difference where its text is
        kept.

        Args:
            kept: Texts of that session by what they are for and their file's name.
            before, now: Hashes by name, then and here.
            names: Those that differ.
            more: Texts that lie in no file, by name: under what they are kept, and as they are.
        """
        out: list[SourceChange] = []
        for name in names:
            found = [
                change_of(name, path, old, self._texts[path])
                for path in self._files.get(name, ())
                if (old := _kept_as(kept, name, path)) is not None and old != self._texts[path]
            ]
            if name in more and (old := kept.get(more[name][0])) is not None:
                found.append(change_of(name, Path(more[name][0][1]), old, more[name][1]))
            out += found or [SourceChange(name, "", before[name], now[name], "")]
        return tuple(out)


def _kept_as(kept: Mapping[tuple[str, str], bytes], name: str, path: Path) -> bytes | None:
    """The text a session keeps of this file: a module by its dotted name, others by their own."""
    role = name.replace(" ", "_")
    parts = path.with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    dotted = (".".join(parts[i:]) + ".py" for i in range(len(parts)))
    return next((kept[role, n] for n in (path.name, *dotted) if (role, n) in kept), None)


def change_of(name: str, path: Path, before: bytes, after: bytes) -> SourceChange:
    """What happened to one file. Pure."""
    return SourceChange(
        name=name,
        path=str(path),
        before=sha256_hex(before) if before else "",
        after=sha256_hex(after) if after else "",
        diff=text_difference(before, after),
    )


def text_difference(before: bytes, after: bytes) -> str:
    """A unified diff without context beyond two lines; empty for what is no text. Pure."""
    try:
        old, new = before.decode().splitlines(), after.decode().splitlines()
    except UnicodeDecodeError:
        return ""
    lines = list(difflib.unified_diff(old, new, "at session start", "now", n=2, lineterm=""))
    if len(lines) > DIFF_LINES:
        lines = [*lines[:DIFF_LINES], f"… {len(lines) - DIFF_LINES} more lines"]
    return "\n".join(lines)


def in_words(changes: Sequence[SourceChange]) -> str:
    """One line for an operator: which, and how much. Pure."""
    told = []
    for c in changes:
        lines = c.diff.splitlines()[2:]
        plus = sum(line.startswith("+") for line in lines)
        minus = sum(line.startswith("-") for line in lines)
        gone = " is gone" if not c.after else f" +{plus} -{minus} lines" if c.diff else " differs"
        told.append(f"{c.name} ({Path(c.path).name}{gone})")
    return (
        f"no trial starts: {', '.join(told)} changed since the session began; "
        "put it back, or start a new session"
    )
