"""What was acknowledged survives the loss of power, at any moment, also inside a checkpoint."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import apsw
import pytest
from power import Disk, WatchedVFS
from stopped_clock import StoppedClock
from story import opening

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import Note, ProgramStored
from aspire_tui.session import schema
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.store import Store, prepare
from aspire_tui.session.verification import _chain, _structure

IMAGES = 1500


def recorded(folder: Path, synchronous: str) -> Disk:
    """A session of 40 durable batches with checkpoints in between, on a watched disk."""
    disk = Disk()
    vfs = WatchedVFS("watched", disk)
    db = apsw.Connection(str(folder / "s.db"), vfs="watched")
    db.pragma("page_size", schema.PAGE_BYTES)
    # The index of the log in memory: a shim like this one has no shared memory.
    db.pragma("locking_mode", "exclusive")
    with db:
        schema.create(db, "a session", 1.0, "")
    store = Store(db, folder / "s.db", StoppedClock())
    db.pragma("synchronous", synchronous)
    store.write([prepare(Redactor(), [opening()], {}, (), ())])
    store.checkpoint()
    disk.files = {p.name: p.read_bytes() for p in folder.iterdir()}
    disk.log.clear()
    rng = random.Random(1)
    for n in range(40):
        data = rng.randbytes(rng.choice([100, 20_000]))
        name = sha256_hex(data)
        events = [ProgramStored(name, Blob(name, "image/png", len(data)), "rules"), Note(f"{n}")]
        (end,) = store.write([prepare(Redactor(), events, {name: ("image/png", data)}, (), ())])
        disk.ack(end)
        if n % 7 == 6:
            store.checkpoint()
    store.abandon()
    vfs.unregister()
    return disk


def damaged(reader: SessionReader, whole: bool) -> bool:
    """SQLite's own check and the chain; the whole verification too, which takes three times."""
    if whole:
        return reader.verify() != []
    return any(True for check in (_structure, _chain) for _ in check(reader._db))


def losses(disk: Disk, folder: Path, images: int = IMAGES) -> tuple[int, int]:
    """How many of the images lost something acknowledged, and how many cannot be read."""
    lost = unreadable = 0
    rng = random.Random(2)
    for n in range(images):
        files, acknowledged = disk.image(rng.randint(0, len(disk.log)), rng)
        image = folder / f"{n}"
        image.mkdir()
        for name, data in files.items():
            (image / name).write_bytes(data)
        try:
            with SessionReader(image / "s.db") as reader:
                lost += reader.last_seq() < acknowledged
                unreadable += damaged(reader, whole=n % 10 == 0)
        except SessionFileError:
            unreadable += 1
        shutil.rmtree(image)
    return lost, unreadable


def test_no_acknowledged_event_is_lost_by_a_power_cut(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    assert losses(recorded(folder, "full"), tmp_path) == (0, 0)


@pytest.mark.parametrize(("synchronous", "loses", "breaks"), [("normal", 1, 0), ("off", 0, 1)])
def test_the_cut_is_a_real_one(tmp_path: Path, synchronous: str, loses: int, breaks: int) -> None:
    """Without the fsyncs the same test must fail, or it would prove nothing."""
    folder = tmp_path / "disk"
    folder.mkdir()
    lost, unreadable = losses(recorded(folder, synchronous), tmp_path, 60)
    assert lost >= loses and unreadable >= breaks


def test_the_recorder_syncs_every_commit(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s.db", StoppedClock(), "")
    assert store._db.pragma("synchronous") == 2
    assert store._db.pragma("journal_mode") == "wal"
    store.close()
