"""Joint state and film are in the hash chain: an edited, moved, added or lost row shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from story import BLOBS, opening, story

from aspire_tui.domain import sha256_hex
from aspire_tui.events import (
    BesideSealed,
    Note,
    RunEnded,
    Samples,
    TrialClosed,
    TrialOpened,
    VideoFrame,
)
from aspire_tui.session.pack import pack, prune_video
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

COLUMNS = ("t_s", "q0")


def opened(trial: int) -> TrialOpened:
    return TrialOpened(trial, "t", 1, "dev", "p", None, "bench", "wall")


def closed(trial: int) -> TrialClosed:
    return TrialClosed(trial, "PASS", "returned", None, 1.0, 1.0)


def beside(recorder: Recorder, trial: int, rows: int) -> None:
    """Joint state and film of a trial, in several batches as the bench sends them."""
    for n in range(rows):
        t = 0.1 * n
        recorder.append(
            [Note(f"{trial}.{n}")],
            samples=[Samples(trial, n, "left", t, t + 0.1, 1, COLUMNS, bytes([trial, n]) * 4)],
            video=[VideoFrame(trial, "scene", t, b"jpeg %d" % (n // 2))],
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([opening()])
        for trial in (1, 2):
            recorder.append([opened(trial)])
            beside(recorder, trial, 4)
            recorder.append([closed(trial)])
        beside(recorder, 2, 1)
        recorder.append([RunEnded("PASS", "done")])
    return path


def problems(path: Path) -> list[str]:
    with SessionReader(path) as reader:
        return [p.what for p in reader.verify()]


def edit(path: Path, *sql: str) -> None:
    db = apsw.Connection(str(path))
    for statement in sql:
        db.execute(statement)
        assert db.changes()
    db.close()


def test_every_trial_and_the_end_are_sealed_and_the_end_is_last(path: Path) -> None:
    with SessionReader(path) as reader:
        seals = [r for r in reader.events() if isinstance(r.event, BesideSealed)]
        assert [(s.event.samples, s.event.video) for s in seals] == [(4, 4), (4, 4), (1, 1)]
        assert [s.event.since for s in seals] == [0, *(s.seq for s in seals[:-1])]
        assert isinstance(reader.events()[-1].event, RunEnded)
        assert reader.unsealed_rows() == 0
    assert problems(path) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE samples SET data=x'00' WHERE id=3",
        "UPDATE samples SET t1_s=t1_s+1e-9 WHERE id=3",
        "UPDATE samples SET call=7 WHERE id=3",
        "UPDATE samples SET columns='t_s,q1' WHERE id=3",
        "UPDATE samples SET after_seq=after_seq+9 WHERE id=4",
        "DELETE FROM samples WHERE id=3",
        "INSERT INTO samples SELECT 99, after_seq, trial, call, arm, t0_s, t1_s, rows, columns, "
        "data FROM samples WHERE id=3",
        "UPDATE video SET t_s=9.0 WHERE id=6",
        "UPDATE video SET camera='top' WHERE id=6",
        "UPDATE video SET blob=(SELECT blob FROM video WHERE id=1) WHERE id=4",
        "DELETE FROM video WHERE id=9",
    ],
)
def test_an_edit_shows(path: Path, sql: str) -> None:
    edit(path, sql)
    found = problems(path)
    assert found and all("is not what was written: edited" in what for what in found), found


def test_other_bytes_under_a_picture_of_the_film_show(path: Path) -> None:
    db = apsw.Connection(str(path))
    ((name,),) = db.execute("SELECT blob FROM video WHERE id=1").fetchall()
    db.close()
    edit(path, f"UPDATE blobs SET data=x'00' WHERE sha256='{name}'")
    assert any("is not what its name says: edited" in what for what in problems(path))
    # Also when the picture is put under its own new name, consistently.
    new = sha256_hex(b"\0")
    edit(path, f"UPDATE blobs SET sha256='{new}' WHERE sha256='{name}'")
    edit(path, f"UPDATE video SET blob='{new}' WHERE blob='{name}'")
    assert any("the film between" in what for what in problems(path))


def test_a_foreign_program_makes_the_same_digest(path: Path) -> None:
    """As the page of the file format says it, with the standard library alone."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    seals = db.execute("SELECT seq, body FROM events WHERE kind='beside'").fetchall()
    for seq, body in seals:
        seal, digest = json.loads(str(body)), hashlib.sha256()
        rows = db.execute(
            "SELECT after_seq, trial, call, arm, t0_s, t1_s, rows, columns, data FROM samples "
            "WHERE after_seq>=? AND after_seq<? ORDER BY id",
            (seal["since"], seq),
        )
        for *plain, data in rows:
            line = [*plain, hashlib.sha256(data).hexdigest()]
            digest.update(json.dumps(line).encode() + b"\n")
        assert digest.hexdigest() == seal["samples_sha256"]
    db.close()


def kill(recorder: Recorder) -> None:
    recorder._stop()
    recorder._store.abandon()
    recorder._ballast.close()


def test_what_a_crash_left_unsealed_is_sealed_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    recorder = Recorder.create(path, ballast_bytes=0)
    recorder.append([opening(), opened(1)])
    beside(recorder, 1, 3)
    kill(recorder)
    with SessionReader(path) as reader:
        assert reader.unsealed_rows() == 6 and reader.verify() == []
    with Recorder.open(path, ballast_bytes=0) as again:
        beside(again, 1, 2)
        again.append([closed(1)])
    with SessionReader(path) as reader:
        (seal,) = [r.event for r in reader.events() if isinstance(r.event, BesideSealed)]
        assert (seal.since, seal.samples, seal.video) == (0, 5, 5)
        assert reader.unsealed_rows() == 0 and reader.verify() == []
    edit(path, "UPDATE samples SET arm='right' WHERE id=1")
    assert problems(path)


def test_a_transaction_that_fails_leaves_the_seal_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([opening(), opened(1)])
        beside(recorder, 1, 1)
        twisted = Samples(1, 0, "left", float("nan"), 0.0, 1, COLUMNS, b"")
        recorder.append(samples=[twisted])  # no such row: SQLite refuses it, and says so in a note
        beside(recorder, 1, 1)
        recorder.append([closed(1)])
    with SessionReader(path) as reader:
        (seal,) = [r.event for r in reader.events() if isinstance(r.event, BesideSealed)]
        assert seal.samples == 2
    assert problems(path) == []


@pytest.mark.parametrize("shrink", [prune_video, None], ids=["pruned", "packed"])
def test_a_copy_without_film_is_whole(
    path: Path, tmp_path: Path, shrink: Callable[[Path], int] | None
) -> None:
    copy = path
    if shrink is None:
        copy = tmp_path / "copy.db"
        pack(path, copy, video=False)
    else:
        shrink(path)
    assert problems(copy) == []
    edit(copy, "UPDATE samples SET call=7 WHERE id=3")
    assert problems(copy)


def test_a_session_from_before_seals_is_whole_and_is_sealed_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as older:
        older.setattr("aspire_tui.session.tail.Tail.seal", lambda tail, db: None)
        with Recorder.create(path, ballast_bytes=0) as recorder:
            recorder.append(list(story(3, 4)), BLOBS)
            beside(recorder, 1, 3)
    with SessionReader(path) as reader:
        assert reader.unsealed_rows() == 6
    assert problems(path) == []
    with Recorder.open(path, ballast_bytes=0):
        pass
    with SessionReader(path) as reader:
        assert reader.unsealed_rows() == 0
    assert problems(path) == []
    edit(path, "UPDATE samples SET call=7 WHERE id=1")
    assert problems(path)
