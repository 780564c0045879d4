"""Questions about texts: programs, attachments, and where some words occur."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aspire_tui.domain import Struct
from aspire_tui.session.call_rows import Rows
from aspire_tui.session.rows import AttachmentRow, ProgramRow

STRETCH: Final = 20_000
"""Events one search looks at before it answers; the next goes on from there."""

First = Callable[[str, tuple[Any, ...]], tuple[Any, ...] | None]


class Found(Struct, frozen=True):
    """Where a text occurs, nearest first, and how far the search came.

    ``goes_on_from`` is the moment to ask again from; None when everything was looked at.
    """

    seqs: tuple[int, ...]
    goes_on_from: int | None


def program(first: First, sha: str) -> ProgramRow | None:
    row = first(
        "SELECT author, stored_seq, CAST(data AS BLOB), redacted FROM programs "
        "LEFT JOIN blobs ON blobs.sha256=programs.blob WHERE program=?",
        (sha,),
    )
    if row is None:
        return None
    author, stored_seq, data, redacted = row
    text = bytes(data).decode("utf-8", "replace") if data is not None else ""
    return ProgramRow(sha, author, text, stored_seq, bool(redacted))


def attachments(rows: Rows, role: str, upto: int) -> list[AttachmentRow]:
    found = rows(
        "SELECT seq, role, name, blob FROM attachments "
        "WHERE seq<=? AND (?='' OR role=?) ORDER BY seq",
        (upto, role, role),
    )
    return [AttachmentRow(*row) for row in found]


def search(rows: Rows, words: str, seq: int, last: int, forward: bool, limit: int) -> Found:
    """Events whose body holds some words, whatever their case, seen from a moment.

    Words are looked for as they stand in JSON: a quote or a line break would be escaped there.
    """
    low, high = (seq + 1, min(last, seq + STRETCH)) if forward else (max(1, seq - STRETCH), seq - 1)
    order = "ASC" if forward else "DESC"
    literal = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = rows(
        f"SELECT seq FROM events WHERE seq BETWEEN ? AND ? AND body LIKE ? ESCAPE '\\' "
        f"ORDER BY seq {order} LIMIT ?",
        (low, high, f"%{literal}%", limit),
    )
    seqs = tuple(row[0] for row in found)
    if len(seqs) == limit:
        return Found(seqs, seqs[-1])
    over = high >= last if forward else low <= 1
    return Found(seqs, None if over else (high if forward else low))
