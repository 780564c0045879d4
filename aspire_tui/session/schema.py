"""The tables of a session file, and how an older file becomes a newer one.

``events`` is the truth; the noun tables are an index over it, written in the same transaction, and
carry the ``seq`` of the event each fact came from, so that any moment is a query. ``samples`` and
``video`` run beside the events and carry ``after_seq``, the last event before them.

The schema has a major and a minor version. A newer minor only adds: readers of the same major read
it, writers leave it to the release that made it. A newer major is refused by name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw

APPLICATION_ID: Final = 0x41535031
"""``ASP1`` in the header of the database: what tells a session from any other SQLite file."""

SCHEMA_MAJOR: Final = 1
SCHEMA_MINOR: Final = 1
PAGE_BYTES: Final = 8192
OLDEST_SQLITE: Final = (3, 51, 3)
"""Before it, two connections that write or checkpoint at once can corrupt the WAL."""

FIRST: Final = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE migrations(
    major INTEGER NOT NULL, minor INTEGER NOT NULL, wall_s REAL NOT NULL, release TEXT NOT NULL
) STRICT;
CREATE TABLE events(
    seq INTEGER PRIMARY KEY, wall_s REAL NOT NULL, mono_s REAL NOT NULL, kind TEXT NOT NULL,
    trial INTEGER, call INTEGER, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE INDEX events_by_kind ON events(kind, seq);
CREATE INDEX events_by_trial ON events(trial, seq) WHERE trial IS NOT NULL;
CREATE TABLE checkpoints(seq INTEGER PRIMARY KEY, state BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE trials(
    trial INTEGER PRIMARY KEY, opened_seq INTEGER NOT NULL, opened_mono_s REAL NOT NULL,
    task TEXT NOT NULL, seed INTEGER NOT NULL, seed_set TEXT NOT NULL, program TEXT NOT NULL,
    hypothesis INTEGER, place TEXT NOT NULL, clock TEXT NOT NULL,
    closed_seq INTEGER, outcome TEXT, ended TEXT, implicated INTEGER, reason TEXT,
    cell_s REAL, wall_s REAL) STRICT;
CREATE INDEX trials_by_hypothesis ON trials(hypothesis, trial);
CREATE TABLE attempts(
    trial INTEGER NOT NULL, attempt INTEGER NOT NULL, ended_seq INTEGER NOT NULL,
    ended TEXT NOT NULL, error TEXT NOT NULL, error_line INTEGER NOT NULL, claimed INTEGER,
    calls INTEGER NOT NULL, PRIMARY KEY(trial, attempt)) WITHOUT ROWID, STRICT;
CREATE TABLE calls(
    trial INTEGER NOT NULL, call INTEGER NOT NULL, attempt INTEGER NOT NULL,
    primitive TEXT NOT NULL, line INTEGER NOT NULL, intent_seq INTEGER NOT NULL,
    start_mono_s REAL NOT NULL, start_cell_s REAL NOT NULL,
    result_seq INTEGER, status TEXT, summary TEXT, duration_s REAL, held_s REAL, think_s REAL,
    error_m REAL, operator TEXT, PRIMARY KEY(trial, call)) WITHOUT ROWID, STRICT;
CREATE INDEX calls_by_intent ON calls(intent_seq);
CREATE INDEX calls_by_result ON calls(result_seq) WHERE result_seq IS NOT NULL;
CREATE TABLE verdicts(
    seq INTEGER PRIMARY KEY, trial INTEGER NOT NULL, attempt INTEGER NOT NULL,
    judge TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE INDEX verdicts_by_trial ON verdicts(trial, judge, seq);
CREATE TABLE hypotheses(
    hypothesis INTEGER PRIMARY KEY, opened_seq INTEGER NOT NULL, parent INTEGER,
    program TEXT NOT NULL, author TEXT NOT NULL, claim TEXT NOT NULL) STRICT;
CREATE TABLE scores(
    seq INTEGER PRIMARY KEY, hypothesis INTEGER NOT NULL, seed_set TEXT NOT NULL,
    k INTEGER NOT NULL, n INTEGER NOT NULL, lo REAL NOT NULL, hi REAL NOT NULL) STRICT;
CREATE INDEX scores_by_hypothesis ON scores(hypothesis, seq);
CREATE TABLE decisions(
    seq INTEGER PRIMARY KEY, hypothesis INTEGER NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL) STRICT;
CREATE INDEX decisions_by_hypothesis ON decisions(hypothesis, seq);
CREATE TABLE programs(
    program TEXT PRIMARY KEY, stored_seq INTEGER NOT NULL, author TEXT NOT NULL,
    blob TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE keyframes(
    seq INTEGER NOT NULL, ordinal INTEGER NOT NULL, trial INTEGER NOT NULL, call INTEGER,
    source TEXT NOT NULL, camera TEXT NOT NULL, t_s REAL NOT NULL,
    rgb TEXT NOT NULL, depth TEXT, overlay TEXT, PRIMARY KEY(seq, ordinal)) WITHOUT ROWID, STRICT;
CREATE INDEX keyframes_by_trial ON keyframes(trial, call, seq);
CREATE TABLE samples(
    id INTEGER PRIMARY KEY, after_seq INTEGER NOT NULL, trial INTEGER NOT NULL,
    call INTEGER NOT NULL, arm TEXT NOT NULL, t0_s REAL NOT NULL, t1_s REAL NOT NULL,
    rows INTEGER NOT NULL, columns TEXT NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX samples_by_trial ON samples(trial, t0_s);
CREATE TABLE video(
    id INTEGER PRIMARY KEY, after_seq INTEGER NOT NULL, trial INTEGER NOT NULL,
    camera TEXT NOT NULL, t_s REAL NOT NULL, blob TEXT NOT NULL) STRICT;
CREATE INDEX video_by_trial ON video(trial, camera, t_s);
CREATE TABLE blobs(
    sha256 TEXT PRIMARY KEY, media TEXT NOT NULL, redacted INTEGER NOT NULL DEFAULT 0,
    data BLOB NOT NULL) STRICT;
"""

ATTACHMENTS: Final = """
CREATE TABLE attachments(
    seq INTEGER PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, blob TEXT NOT NULL) STRICT;
"""

NOUNS: Final = (
    "trials",
    "attempts",
    "calls",
    "verdicts",
    "hypotheses",
    "scores",
    "decisions",
    "programs",
    "keyframes",
    "attachments",
)
"""Tables that are an index over the events and can be made again from them."""


class Migration(NamedTuple):
    """One step forward, run by a writer inside one transaction."""

    major: int
    minor: int
    sql: str


MIGRATIONS: Final[tuple[Migration, ...]] = (Migration(1, 1, ATTACHMENTS),)
"""In order; each names the version it leads to."""


def lay_out(db: apsw.Connection) -> None:
    """The tables of this release, empty."""
    db.execute(FIRST + "".join(step.sql for step in MIGRATIONS))


def create(db: apsw.Connection, session: str, wall_s: float, release: str) -> None:
    """Lay out an empty session. Call inside a transaction."""
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    lay_out(db)
    db.executemany(
        "INSERT INTO meta VALUES (?,?)",
        [
            ("session", session),
            ("schema_major", str(SCHEMA_MAJOR)),
            ("schema_minor", str(SCHEMA_MINOR)),
            ("created_wall_s", repr(wall_s)),
        ],
    )
    db.execute(
        "INSERT INTO migrations VALUES (?,?,?,?)", (SCHEMA_MAJOR, SCHEMA_MINOR, wall_s, release)
    )


def session_id(db: apsw.Connection) -> str:
    """The identity given at creation; it survives a rename of the file."""
    return str(db.execute("SELECT value FROM meta WHERE key='session'").fetchall()[0][0])


def version(db: apsw.Connection) -> tuple[int, int]:
    found = dict(db.execute("SELECT key, value FROM meta WHERE key LIKE 'schema%'"))
    return int(found["schema_major"]), int(found["schema_minor"])


def has_attachments(db: apsw.Connection) -> bool:
    """Whether the file is new enough to have this table; an older one is read without it."""
    return version(db) >= (1, 1)


def noun_tables(db: apsw.Connection) -> tuple[str, ...]:
    """The noun tables this file has."""
    return NOUNS if has_attachments(db) else tuple(t for t in NOUNS if t != "attachments")


def migrate(
    db: apsw.Connection,
    wall_s: float,
    release: str,
    steps: tuple[Migration, ...] = MIGRATIONS,
) -> None:
    """Bring an older file forward. Call inside a transaction."""
    here = version(db)
    for step in steps:
        if (step.major, step.minor) <= here:
            continue
        db.execute(step.sql)
        for key, value in (("schema_major", step.major), ("schema_minor", step.minor)):
            db.execute("UPDATE meta SET value=? WHERE key=?", (str(value), key))
        db.execute(
            "INSERT INTO migrations VALUES (?,?,?,?)", (step.major, step.minor, wall_s, release)
        )
