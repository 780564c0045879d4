"""Opening a session file: which files are refused, and with what words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from aspire_tui.session import schema
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.file_system import why_not_here

SALVAGE: Final = "`aspire-tui sessions salvage {path}` saves what can be read"
UPGRADE: Final = "upgrade aspire-tui, or replay it with the release that wrote it"


def sqlite_version() -> tuple[int, ...]:
    return tuple(int(part) for part in apsw.sqlite_lib_version().split("."))


def refuse_old_sqlite(version: tuple[int, ...]) -> None:
    """A writer must not run on a SQLite with the WAL-reset bug."""
    if version < schema.OLDEST_SQLITE:
        have = ".".join(map(str, version))
        need = ".".join(map(str, schema.OLDEST_SQLITE))
        raise RuntimeError(
            f"SQLite {have} can corrupt a live session (fixed in {need}); "
            "install a newer apsw: pip install --upgrade apsw"
        )


def refuse_network(path: Path, why_not: Callable[[Path], str] = why_not_here) -> None:
    """WAL needs shared memory and honest locks; a network file system has neither."""
    why = why_not(path.parent)
    if why:
        raise SessionFileError(
            path,
            f"is on {why}, where SQLite's write-ahead log is not safe",
            "record on a local disk and copy the session when it is closed",
        )


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a bad file into the one line an operator can act on."""
    try:
        yield
    except apsw.NotADBError:
        raise SessionFileError(path, "is not a session file", "pick another file") from None
    except (apsw.CorruptError, apsw.SQLError, UnicodeDecodeError) as error:
        said = _one_line(error)
        raise SessionFileError(path, f"is damaged ({said})", SALVAGE.format(path=path)) from None
    except apsw.CantOpenError:
        raise SessionFileError(
            path,
            "cannot be opened where it lies (no right to read it, or an unfinished session in a "
            "read-only folder)",
            "copy it to a folder of yours",
        ) from None
    except apsw.IOError as error:
        raise SessionFileError(
            path, f"cannot be read ({_one_line(error)})", SALVAGE.format(path=path)
        ) from None


def _one_line(error: Exception) -> str:
    """SQLite quotes whole statements of a damaged schema."""
    return " ".join(str(error).split())[:200]


def connect(path: Path, *, write: bool) -> apsw.Connection:
    """Open an existing session and check that this release understands it.

    Never ``immutable``: beside a live write-ahead log it shows a damaged database.
    """
    if not path.is_file():
        raise SessionFileError(path, "there is no such file", "`aspire-tui sessions` lists them")
    with named_errors(path):
        try:
            return _opened(path, write)
        except apsw.ReadOnlyError:
            # The recorder died while it sealed the file: SQLite must first take that step back.
            _settle(path)
            return _opened(path, write)


def _opened(path: Path, write: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    db = apsw.Connection(str(path), flags=flags)
    try:
        db.set_busy_timeout(5000)
        _check_session(db, path, write)
    except BaseException:
        db.close()
        raise
    return db


def _settle(path: Path) -> None:
    """Let SQLite roll back a step that was not finished; what was acknowledged is not part of it.

    Raises:
        SessionFileError: It may not be written here.
    """
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            db.pragma("application_id")
        finally:
            db.close()
    except (apsw.ReadOnlyError, apsw.CantOpenError):
        raise SessionFileError(
            path,
            "was left in the middle of being closed, and cannot be finished where it lies",
            "copy it, with the file ending in -journal, to a folder of yours",
        ) from None


def _check_session(db: apsw.Connection, path: Path, write: bool) -> None:
    application = db.pragma("application_id")
    if application != schema.APPLICATION_ID:
        raise SessionFileError(path, "is not a session file", "pick another file")
    try:
        major, minor = schema.version(db)
    except (KeyError, ValueError, apsw.SQLError):
        raise SessionFileError(
            path, "is damaged (no schema version)", SALVAGE.format(path=path)
        ) from None
    if major > schema.SCHEMA_MAJOR:
        raise SessionFileError(
            path,
            f"was written by a newer release (schema {major}.{minor}, "
            f"this one reads {schema.SCHEMA_MAJOR}.x)",
            f"{UPGRADE}; {SALVAGE.format(path=path)}",
        )
    if write:
        refuse_newer_writer(db, path)


def refuse_newer_writer(db: apsw.Connection, path: Path) -> None:
    """An additive newer file is read, and left to the release that made it for writing."""
    major, minor = schema.version(db)
    if (major, minor) > (schema.SCHEMA_MAJOR, schema.SCHEMA_MINOR):
        raise SessionFileError(
            path,
            f"was written by a newer release (schema {major}.{minor}); this one reads it, but "
            "would lose what is new if it went on writing",
            UPGRADE,
        )


def set_up_writer(db: apsw.Connection) -> None:
    """Write-ahead log, an fsync per commit, and nobody but us decides when to checkpoint."""
    db.set_busy_timeout(5000)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full")
    db.wal_autocheckpoint(0)
