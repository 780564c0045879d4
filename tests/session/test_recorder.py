"""What an append promises, and what the file refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from stopped_clock import StoppedClock
from story import BLOBS, intent, opening, picture, result, story, trial_opened

from aspire_tui.domain import Evidence, sha256_hex
from aspire_tui.events import (
    BesideSealed,
    Note,
    ProgramEnded,
    RefereeJudged,
    Samples,
    TrialOpened,
    VideoFrame,
)
from aspire_tui.rollout.journal import Journal, MemoryJournal
from aspire_tui.session import database, file_system
from aspire_tui.session.errors import RecorderClosed, RecorderFull, SessionFileError
from aspire_tui.session.journal import RecorderJournal
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def recorder(path: Path) -> Iterator[Recorder]:
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([opening()])
        yield recorder


def test_an_append_is_in_the_file_when_it_returns(recorder: Recorder, path: Path) -> None:
    seq = recorder.append([Note("one"), Note("two")])
    with SessionReader(path) as reader:
        assert [(e.seq, e.event) for e in reader.events(after_seq=1)] == [
            (2, Note("one")),
            (3, Note("two")),
        ]
        assert reader.last_seq() == seq == 3


def test_many_threads_write_and_readers_see_every_event(recorder: Recorder, path: Path) -> None:
    seen: list[list[int]] = [[], []]
    stop = threading.Event()

    def follow(into: list[int]) -> None:
        with SessionReader(path) as reader:
            while True:
                last_round = stop.is_set()
                if reader.changed() or last_round:
                    into.extend(e.seq for e in reader.events(after_seq=into[-1] if into else 0))
                if last_round:
                    return

    def write(thread: int) -> None:
        for n in range(40):
            recorder.append([Note(f"{thread}/{n}"), Note("again")])

    followers = [threading.Thread(target=follow, args=(into,)) for into in seen]
    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in followers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in followers:
        thread.join()
    assert seen == [list(range(1, 3 * 40 * 2 + 2))] * 2


def test_a_batch_is_never_half_there(recorder: Recorder, path: Path) -> None:
    beyond_sqlite = TrialOpened(1, "t", 1 << 70, "dev", "p", None, "bench", "wall")
    with pytest.raises(OverflowError):
        recorder.append([Note("before"), beyond_sqlite])
    recorder.append([Note("after")])
    with SessionReader(path) as reader:
        assert [e.event for e in reader.events(after_seq=1)] == [Note("after")]
        assert reader.verify() == []


def test_what_would_not_read_back_is_refused_at_once(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="RefereeJudged cannot be recorded"):
        recorder.append([RefereeJudged(1, 1, "PASS", {"z": float("nan")})])
    with pytest.raises(ValueError, match="Note cannot be recorded"):
        recorder.append([Note("\ud800")])
    with pytest.raises(ValueError, match="not named by its content"):
        recorder.append([Note("x")], {"00": ("image/png", b"x")})


def test_the_journal_of_the_bench_is_durable_call_by_call(recorder: Recorder, path: Path) -> None:
    journal: Journal = RecorderJournal(recorder)
    journal.record(trial_opened(1))
    journal.record(intent(1, 1))
    kept = journal.blob(b"pixels", "image/png")
    journal.record(result(1, 1, evidence=Evidence(keyframes=(picture(b"pixels"),))))
    with SessionReader(path) as reader:
        assert reader.blob(kept.sha256) == b"pixels"
        (row,) = reader.keyframes(1, 1)
        assert row.keyframe.rgb == kept
        assert reader.keyframes(1, 2) == []


def test_a_trial_from_memory_arrives_whole(recorder: Recorder, path: Path) -> None:
    journal = MemoryJournal()
    journal.record(trial_opened(1, "worker"))
    journal.record(ProgramEnded(1, 1, "returned", "", None, "", 0))
    journal.samples(Samples(1, 0, "left", 0.0, 1.0, 1, ("t_s", "q0"), b"\0" * 8))
    journal.video(VideoFrame(1, "scene", 0.5, b"jpeg"))
    recorder.append_trial(journal)
    with SessionReader(path) as reader:
        assert reader.samples(1, 0.5, 0.6) == journal.sampled
        assert reader.samples(1, 1.5, 2.0) == []
        assert reader.video_frame(1, "scene", 9.0) == journal.frames[0]
        assert reader.video_frame(1, "scene", 0.4) is None
        assert reader.cameras(1) == ["scene"]


def test_video_is_durable_without_an_event(recorder: Recorder, path: Path) -> None:
    recorder.append(
        video=[VideoFrame(1, "scene", 0.5, b"still"), VideoFrame(1, "top", 0.5, b"still")]
    )
    recorder.close()
    with SessionReader(path) as reader:
        assert reader.video_frame(1, "scene", 1.0) is not None
        assert reader.video_frame(1, "top", 1.0) is not None
        assert [type(r.event) for r in reader.events()][1:] == [BesideSealed]
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        assert db.execute("SELECT count(*) FROM blobs").fetchall() == [(1,)], (
            "a still scene is stored once"
        )


def test_a_closed_session_is_one_file_readable_from_a_read_only_folder(
    path: Path, tmp_path: Path
) -> None:
    with Recorder.create(path) as recorder:
        recorder.append(list(story(1)), BLOBS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.db"]
    (tmp_path / "sealed").mkdir()
    shutil.copy(path, tmp_path / "sealed" / "s.db")
    (tmp_path / "sealed").chmod(0o500)
    with SessionReader(tmp_path / "sealed" / "s.db") as reader:
        assert reader.verify() == []
    assert [p.name for p in (tmp_path / "sealed").iterdir()] == ["s.db"], "a reader leaves nothing"


def test_a_session_has_one_recorder(recorder: Recorder, path: Path) -> None:
    with pytest.raises(SessionFileError, match="is being recorded by another process"):
        Recorder.open(path)
    with pytest.raises(SessionFileError, match="exists already"):
        Recorder.create(path)
    recorder.append([Note("still mine")])


def test_nothing_is_taken_after_close(recorder: Recorder) -> None:
    recorder.close()
    with pytest.raises(RecorderClosed):
        recorder.append([Note("late")])


def test_time_away_counts_on_the_sessions_clock(path: Path) -> None:
    clock = StoppedClock()
    with Recorder.create(path, clock=clock, ballast_bytes=0) as recorder:
        clock.wind(5)
        recorder.append([opening()])
    another_boot = StoppedClock(wall_s=clock.wall_s() + 60, mono_s=0.25)
    with Recorder.open(path, clock=another_boot, ballast_bytes=0) as recorder:
        another_boot.wind(2)
        recorder.append([Note("on")])
    with SessionReader(path) as reader:
        assert [e.mono_s for e in reader.events()] == [5.0, 65.0, 67.0]
        assert reader.seq_at_time(mono_s=66.0) == 2
        assert reader.seq_at_time(wall_s=1_000_000.0) == 0
        assert reader.seq_at_time(wall_s=2_000_000.0) == 3


def test_a_network_disk_and_an_old_sqlite_are_refused(path: Path) -> None:
    with pytest.raises(SessionFileError, match=r"is on NFS.*record on a local disk"):
        database.refuse_network(path, lambda _: file_system.NETWORK[0x6969])
    database.refuse_network(path)
    with pytest.raises(RuntimeError, match=r"SQLite 3.40.1 can corrupt .*pip install"):
        database.refuse_old_sqlite((3, 40, 1))
    database.refuse_old_sqlite((3, 51, 3))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small disk here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_written_down_before_it_ends(small_disk: Path) -> None:
    path = small_disk / "s.db"
    recorder = Recorder.create(path, ballast_bytes=2 << 20)
    recorder.append([opening()])
    written = 1
    with pytest.raises(RecorderFull):
        for n in range(10_000):
            data = os.urandom(30_000)
            recorder.append([Note(f"{n}")], {sha256_hex(data): ("image/png", data)})
            written += 1
    with pytest.raises(RecorderFull):
        recorder.append([Note("a picture")], {sha256_hex(b"x"): ("image/png", b"x")})
    assert recorder.full
    last = recorder.append([Note("cell held, trial closed")])
    recorder.close()
    with SessionReader(path) as reader:
        events = reader.events()
        assert len(events) == last == written + 2
        assert events[-2].event.code == "disk_full"
        assert events[-1].event == Note("cell held, trial closed")
        assert reader.verify() == []


def test_plain_events_still_fit_when_others_filled_the_disk(small_disk: Path) -> None:
    path = small_disk / "s.db"
    with Recorder.create(path, ballast_bytes=2 << 20) as recorder:
        recorder.append([opening()])
        with (small_disk / "others").open("wb", buffering=0) as others, pytest.raises(OSError):
            while True:
                others.write(bytes(4096))
        told = 0
        while not recorder.full:
            told += 1
            recorder.append([Note("x" * 4000)])
    with SessionReader(path) as reader:
        codes = [e.event.code for e in reader.events(kinds=("note",))]
        assert codes.count("disk_full") == 1
        assert codes.count("") == told, "what was acknowledged is there"


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:40 / /home/ann/far rw,nosuid - fuse.sshfs ann@bench: rw,user_id=1000
41 22 0:41 / /media/usb\\040stick rw - fuseblk /dev/sdb1 rw,user_id=0
42 41 0:42 / /media/usb\\040stick/in rw - fuse ? rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ann/far/sessions", "a FUSE file system (fuse.sshfs)"),
        ("/home/ann/far", "a FUSE file system (fuse.sshfs)"),
        ("/media/usb stick/sessions", ""),
        ("/media/usb stick/in/x", "a FUSE file system (fuse)"),
    ],
)
def test_a_fuse_file_system_without_a_disk_is_refused_by_name(folder: str, kind: str) -> None:
    assert file_system.fuse_without_a_disk(Path(folder), MOUNTS) == kind


def test_fuse_is_recognised_where_it_is_mounted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says FUSE, the table of mounts says which."""
    mounts = path.with_name("mounts")
    mounts.write_text(f"40 22 0:40 / {path.parent} rw - fuse.rclone far: rw\n")
    monkeypatch.setattr(file_system, "magic_of", lambda folder: file_system.FUSE)
    monkeypatch.setattr(file_system, "MOUNTS", mounts)
    with pytest.raises(SessionFileError, match=r"is on a FUSE file system \(fuse.rclone\), where"):
        Recorder.create(path)
    assert not path.exists()
