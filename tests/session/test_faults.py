"""When the disk fails, what was acknowledged stays, and what was not says so to its caller."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from faulty import Fault, FaultyVFS, Trouble, recording
from stopped_clock import StoppedClock
from story import opening

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import Note, ProgramStored
from aspire_tui.session import schema
from aspire_tui.session.errors import RecorderFull
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import DISK_FULL, Recorder
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.store import Store, prepare

APPENDS = 14


def acknowledged(path: Path, trouble: Trouble) -> dict[int, str]:
    """Append through a failing disk; what each acknowledged append wrote last, by its number."""
    rng = random.Random(3)
    kept: dict[int, str] = {}
    with recording(path, StoppedClock(), trouble) as recorder:
        for n in range(APPENDS):
            data = rng.randbytes(rng.choice([100, 9_000, 20_000]))
            name = sha256_hex(data)
            text = f"append {n}"
            events = [
                opening() if n == 0 else Note("and"),
                ProgramStored(name, Blob(name, "image/png", len(data)), "rules"),
                Note(text),
            ]
            try:
                kept[recorder.append(events, {name: ("image/png", data)})] = text
            except (apsw.Error, RecorderFull):
                continue
    return kept


def check(path: Path, kept: dict[int, str]) -> None:
    with SessionReader(path) as reader:
        found = {e.seq: e.event for e in reader.events()}
        for seq, text in kept.items():
            assert found[seq] == Note(text)
        problems = [p for p in reader.verify() if "first event" not in p.what]
        assert problems == []


def sweep(folder: Path, fault: Fault, step: int) -> int:
    """Fail the first operation, then a later one, until the recording gets by; how many failed."""
    n = 1
    while True:
        trouble = Trouble(fault, n)
        path = folder / f"{n}.db"
        kept = acknowledged(path, trouble)
        check(path, kept)
        if trouble.struck == 0:
            assert len(kept) == APPENDS
            return n - 1
        path.unlink()
        n += step


@pytest.mark.parametrize(
    ("fault", "step", "least"),
    [("write", 17, 100), ("short write", 29, 100), ("sync", 1, APPENDS), ("truncate", 1, 1)],
)
def test_whichever_operation_fails_nothing_acknowledged_is_lost(
    tmp_path: Path, fault: Fault, step: int, least: int
) -> None:
    assert sweep(tmp_path, fault, step) >= least


@pytest.mark.parametrize("fault", ["write", "sync"])
def test_a_disk_that_fails_for_a_while_is_survived(tmp_path: Path, fault: Fault) -> None:
    for n in (1, 5, 12):
        trouble = Trouble(fault, n, times=9)
        path = tmp_path / f"{n}.db"
        kept = acknowledged(path, trouble)
        assert trouble.struck
        check(path, kept)
        assert len(kept) < APPENDS, "a failure must reach the caller"


def full_at(path: Path, room_bytes: int) -> int:
    """Record until the disk of this size is full; the number of acknowledged appends."""
    trouble = Trouble()
    trouble.room_bytes = room_bytes
    told: list[int] = []
    with recording(path, StoppedClock(), trouble, ballast_bytes=128 << 10) as recorder:
        recorder.append([opening()])
        n = 0
        while not recorder.full and n < 1000:
            n += 1
            data = random.Random(n).randbytes(3000)
            name = sha256_hex(data)
            stored = ProgramStored(name, Blob(name, "image/png", len(data)), "rules")
            try:
                told.append(recorder.append([stored], {name: ("image/png", data)}))
            except RecorderFull:
                break
        assert recorder.full
        with pytest.raises(RecorderFull):
            recorder.append([Note("a picture")], {sha256_hex(b"x"): ("image/png", b"x")})
        last = recorder.append([Note("disk full, cell stopped")])
    with SessionReader(path) as reader:
        events = {e.seq: e.event for e in reader.events()}
        assert set(told) <= set(events)
        assert events[last] == Note("disk full, cell stopped")
        notes = [e.code for e in events.values() if isinstance(e, Note)]
        assert notes.count(DISK_FULL) == 1
        assert [p for p in reader.verify() if "first event" not in p.what] == []
    return len(told)


def test_a_disk_full_at_any_page_ends_with_the_reason_written(tmp_path: Path) -> None:
    """The room grows by pages, so that another write comes to be the one that fails."""
    appends = []
    with recording(tmp_path / "empty.db", StoppedClock(), Trouble(), ballast_bytes=128 << 10):
        laid_out = sum(p.stat().st_size for p in tmp_path.iterdir())
    for page in range(2, 42, 3):
        folder = tmp_path / f"{page}"
        folder.mkdir()
        appends.append(full_at(folder / "s.db", laid_out + page * 8192))
    assert appends[-1] > appends[0], "more room, more of the session"


def closing_with(fault: Fault, at: int, path: Path) -> Trouble:
    """Record two events, and close while the n-th operation of closing fails."""
    trouble = Trouble()
    vfs = FaultyVFS(f"closing-{fault}-{at}", trouble)
    db = apsw.Connection(str(path), vfs=f"closing-{fault}-{at}")
    db.pragma("page_size", schema.PAGE_BYTES)
    db.pragma("locking_mode", "exclusive")
    with db:
        schema.create(db, "a session", 1.0, "")
    store = Store(db, path, StoppedClock())
    store.write([prepare(Redactor(), [opening(), Note("last")], {}, (), ())])
    trouble.fault, trouble.at, trouble.times = fault, at, 1000
    with suppress(apsw.IOError):  # SQLite closes regardless; the shim tells of it all the same
        store.close()
    vfs.unregister()
    return trouble


@pytest.mark.parametrize("fault", ["write", "sync", "truncate"])
def test_a_session_whose_closing_failed_anywhere_is_read_whole(
    tmp_path: Path, fault: Fault
) -> None:
    for n in range(1, 40):
        path = tmp_path / f"{n}.db"
        struck = closing_with(fault, n, path).struck
        check(path, {2: "last"})
        if not struck:
            return
    raise AssertionError("closing never got by")


def test_a_session_that_could_not_be_gone_on_with_is_not_left_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    Recorder.create(path, ballast_bytes=0).close()

    def fails(*_: object) -> None:
        raise apsw.IOError("the disk failed")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "write", fails)
        with pytest.raises(apsw.IOError):
            Recorder.open(path, ballast_bytes=0)
    Recorder.open(path, ballast_bytes=0).close()


def test_a_session_that_could_not_be_begun_leaves_its_name_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise apsw.FullError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(schema, "lay_out", fails)
        with pytest.raises(apsw.FullError):
            Recorder.create(tmp_path / "s.db", ballast_bytes=0)
    assert list(tmp_path.iterdir()) == []
