"""One tidy file of a session to ship or keep, and making a kept one smaller."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw
import msgspec

from aspire_tui.domain import Struct
from aspire_tui.session import database
from aspire_tui.session.ballast import Ballast
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.rewriting import Cleaned, clean
from aspire_tui.session.verification import LEFT_OUT, head, left_out, wanted_blobs


class Packed(Struct, frozen=True):
    """What is in a packed file, and what is not."""

    events: int
    bytes: int
    head: str
    """Hash of the last event: kept elsewhere, it tells any later edit."""
    sandbox: str
    brands: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    redacted_events: int = 0
    redacted_texts: int = 0


def pack(
    source: Path,
    into: Path,
    *,
    video: bool = True,
    pictures: bool = True,
    redactor: Redactor | None = None,
) -> Packed:
    """Copy a session, live or finished, to one compact file readable from a read-only folder.

    One moment of the session is copied, whole or not at all. Without ``video`` the film for people
    is left out, without ``pictures`` the images that perception used. Secrets that the redactor
    knows and the recorder did not are taken out, which the copy says.

    Raises:
        SessionFileError: ``source`` cannot be read, or ``into`` cannot be written or exists.
    """
    if into.exists():
        raise SessionFileError(into, "exists already", "choose another name")
    unfinished = into.with_name(f".{into.name}.{os.getpid()}")
    try:
        _copy(source, unfinished)
        out = _tidy(unfinished, video, pictures, redactor or Redactor())
        _make_durable(unfinished)
        unfinished.rename(into)
    except (apsw.FullError, apsw.CantOpenError, OSError) as error:
        said = "the disk is full" if isinstance(error, apsw.FullError) else str(error)
        raise SessionFileError(
            into, f"cannot be written ({said})", "choose another place"
        ) from None
    finally:
        for left in (unfinished, Path(f"{unfinished}-journal")):
            left.unlink(missing_ok=True)
    return out


def _copy(source: Path, into: Path) -> None:
    db = database.connect(source, write=False)
    try:
        database.refuse_newer_writer(db, source)
        with database.named_errors(source):
            db.execute("VACUUM INTO ?", (str(into),))
    finally:
        db.close()


def _tidy(path: Path, video: bool, pictures: bool, redactor: Redactor) -> Packed:
    db = database.connect(path, write=True)
    try:
        db.pragma("synchronous", "off")  # a copy that is not finished is thrown away
        with db:
            absent = [n for n, kept in (("pictures", pictures), ("video", video)) if not kept]
            if absent:
                _leave_out(db, absent)
            cleaned = clean(db, redactor)
        if absent or cleaned != Cleaned():
            db.execute("VACUUM")
        return _told(db, path, cleaned)
    finally:
        db.close()


def _leave_out(db: apsw.Connection, absent: list[str]) -> None:
    names = ",".join(sorted({*absent, *left_out(db)}))
    db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (LEFT_OUT, names))
    if "video" in absent:
        db.execute("DELETE FROM video")
    kept = f"SELECT blob FROM ({wanted_blobs(db)})"
    if "pictures" in absent:
        kept += " WHERE what<>'pictures'"
    db.execute(f"DELETE FROM blobs WHERE sha256 NOT IN ({kept})")


def _told(db: apsw.Connection, path: Path, cleaned: Cleaned) -> Packed:
    opened: list[tuple[Any, ...]] = db.execute(
        "SELECT body ->> '$.sandbox.level', coalesce(body -> '$.brands', '[]') FROM events "
        "WHERE kind='session_opened' ORDER BY seq LIMIT 1"
    ).fetchall()
    level, brands = opened[0] if opened else ("", "[]")
    counted: list[tuple[Any, ...]] = db.execute("SELECT count(*) FROM events").fetchall()
    return Packed(
        events=counted[0][0],
        bytes=path.stat().st_size,
        head=head(db),
        sandbox=str(level or ""),
        brands=msgspec.json.decode(str(brands), type=tuple[str, ...]),
        left_out=left_out(db),
        redacted_events=cleaned.events,
        redacted_texts=cleaned.texts,
    )


def _make_durable(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def prune_video(path: Path) -> int:
    """Take the video out of a finished session and give its space back; the bytes freed.

    Raises:
        SessionFileError: It cannot be read, or is being recorded.
    """
    before = path.stat().st_size if path.is_file() else 0
    db = database.connect(path, write=True)
    lock = None
    try:
        lock = Ballast(path, 0)
        with database.named_errors(path):
            with db:
                _leave_out(db, ["video"])
            db.execute("VACUUM")
    finally:
        db.close()
        if lock is not None:
            lock.close()
    return before - path.stat().st_size
