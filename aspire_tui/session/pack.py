"""One tidy file of a session to ship or keep, and making a kept one smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aspire_tui.session import database
from aspire_tui.session.ballast import Ballast
from aspire_tui.session.errors import SessionFileError

_UNUSED_BLOBS: Final = """
DELETE FROM blobs WHERE sha256 NOT IN (
    SELECT blob FROM programs UNION ALL SELECT blob FROM video
    UNION ALL SELECT rgb FROM keyframes
    UNION ALL SELECT depth FROM keyframes WHERE depth IS NOT NULL
    UNION ALL SELECT overlay FROM keyframes WHERE overlay IS NOT NULL)
"""


def pack(source: Path, into: Path, *, video: bool = True) -> None:
    """Copy a session, live or finished, to one compact file readable from a read-only folder.

    Events, their hashes and everything perception used are the same; without ``video`` the pictures
    for people are left out.

    Raises:
        SessionFileError: ``source`` cannot be read, or ``into`` exists.
    """
    if into.exists():
        raise SessionFileError(into, "exists already", "choose another name")
    db = database.connect(source, write=False)
    try:
        with database.named_errors(source):
            db.execute("VACUUM INTO ?", (str(into),))
    finally:
        db.close()
    if not video:
        prune_video(into)


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
                db.execute("DELETE FROM video")
                db.execute(_UNUSED_BLOBS)
            db.execute("VACUUM")
    finally:
        db.close()
        if lock is not None:
            lock.close()
    return before - path.stat().st_size
