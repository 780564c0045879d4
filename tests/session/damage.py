"""Damage of many kinds to a session file, and what salvage must make of it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

from aspire_tui.events import Note, Recorded
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.salvage import salvage

PAGE = 8192


class Outcome(NamedTuple):
    """What came of one damaged file: events in the new one, and invented or unexplained ones."""

    saved: int
    wrong: list[str]


def flipped(whole: bytes, rng: random.Random, bits: int) -> bytes:
    """Single bits turned over, anywhere."""
    data = bytearray(whole)
    for _ in range(bits):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def truncated(whole: bytes, rng: random.Random, _: int) -> bytes:
    return whole[: rng.randrange(len(whole))]


def headless(whole: bytes, rng: random.Random, pages: int) -> bytes:
    """The first page gone, and some more: SQLite does not open it at all."""
    data = bytearray(whole)
    data[:PAGE] = rng.randbytes(PAGE)
    for _ in range(pages):
        at = rng.randrange(len(data) // PAGE) * PAGE
        data[at : at + PAGE] = bytes(PAGE)
    return bytes(data)


KINDS = (flipped, truncated, headless)


def salvaged(folder: Path, data: bytes, original: dict[int, Recorded]) -> Outcome:
    """Look at a damaged file as every command does, then salvage it. Bodies are not invented.

    A flipped bit in a text is still a text: such an event may differ, and then ``verify`` of the
    damaged file must have named it, when it could be opened at all.
    """
    broken, new = folder / "broken.db", folder / "new.db"
    broken.write_bytes(data)
    wrong: list[str] = []
    named = look(broken, wrong)
    try:
        told = salvage(broken, new)
    except SessionFileError as error:
        return Outcome(0, wrong if "\n" not in str(error) else [*wrong, "two lines"])
    with SessionReader(new) as reader:
        kept = reader.events()
        note = kept.pop().event
        if not isinstance(note, Note) or note.code != "salvaged":
            wrong.append("no note says that it was salvaged")
        lost = {n for first, last in told.lost for n in range(first, last + 1)}
        for event in kept:
            if event.seq not in original and event.seq <= max(original):
                wrong.append(f"event {event.seq} was invented")
            if event.seq in lost:
                wrong.append(f"event {event.seq} is there and called lost")
            if named is not None and event != original.get(event.seq) and not named:
                wrong.append(f"event {event.seq} changed and verify had nothing to say")
        gaps = ("missing", "more of the same", "first event")
        wrong += [p.what for p in reader.verify() if not any(gap in p.what for gap in gaps)]
        reader.snapshot()
    new.unlink()
    return Outcome(told.events, wrong)


def look(broken: Path, wrong: list[str]) -> list[str] | None:
    """What verify says; None when the file is refused, which is one line."""
    try:
        with SessionReader(broken) as reader:
            reader.snapshot()
            return [problem.what for problem in reader.verify()]
    except SessionFileError as error:
        if "\n" in str(error):
            wrong.append("refused in more than one line")
        return None
