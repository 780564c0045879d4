"""Salvage, pack and prune: what is kept is the same, what is gone is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from story import BLOBS, story

from aspire_tui.events import Samples, VideoFrame
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.pack import pack, prune_video
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.salvage import salvage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(list(story(5, 60)), BLOBS)
        recorder.append(
            samples=[Samples(1, 1, "left", 0.0, 1.0, 1, ("t_s",), b"\0" * 4)],
            video=[VideoFrame(1, "scene", 0.1 * n, b"jpeg %d" % n * 3000) for n in range(9)],
        )
    return path


def test_a_sound_session_is_salvaged_whole(path: Path, tmp_path: Path) -> None:
    salvaged = salvage(path, tmp_path / "new.db")
    with SessionReader(path) as old, SessionReader(tmp_path / "new.db") as new:
        assert salvaged.lost == ()
        assert new.events()[:-1] == old.events()
        assert new.snapshot(old.last_seq()) == old.snapshot()
        assert new.trials() == old.trials()
        assert new.samples(1) == old.samples(1)
        assert new.video_frame(1, "scene", 0.5) == old.video_frame(1, "scene", 0.5)
        assert new.verify() == []


def test_what_a_broken_page_leaves_is_saved_and_the_rest_named(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    told = 0
    saved = []
    with SessionReader(path) as reader:
        events = {e.seq: e for e in reader.events()}
    for n, page in enumerate(range(2, len(whole) // 8192, 6)):
        damaged = bytearray(whole)
        damaged[page * 8192 : page * 8192 + 8192] = bytes(8192)
        broken = tmp_path / f"broken{n}.db"
        broken.write_bytes(damaged)
        new = tmp_path / f"new{n}.db"
        try:
            salvaged = salvage(broken, new)
        except SessionFileError:
            continue
        saved.append(salvaged.events)
        with SessionReader(new) as reader:
            kept = reader.events()
            note = kept.pop()
            assert all(events[e.seq] == e for e in kept), "nothing is invented"
            for first, last in salvaged.lost:
                assert f"{first}–{last}" in note.event.text or f"{first}" in note.event.text
                told += 1
            missing = {s for a, b in salvaged.lost for s in range(a, b + 1)}
            assert {e.seq for e in kept} == set(range(1, note.seq)) - missing
            reader.snapshot()
    assert told > 0, "the test must have hit pages with events"
    assert len(saved) > 5 and min(saved) > len(events) * 0.5


def test_nothing_readable_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(SessionFileError, match="holds no event that can be read"):
        salvage(tmp_path / "text.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_pack_is_the_same_session_in_one_file(path: Path, tmp_path: Path) -> None:
    with Recorder.open(path, ballast_bytes=0):
        pack(path, tmp_path / "packed.db")
    with SessionReader(path) as old, SessionReader(tmp_path / "packed.db") as new:
        assert new.events() == old.events()
        assert new.session_id() == old.session_id()
        assert new.verify() == []
        assert new.video_frame(1, "scene", 9.0) is not None
    with pytest.raises(SessionFileError, match="exists already"):
        pack(path, tmp_path / "packed.db")


def test_video_is_pruned_and_nothing_else(path: Path) -> None:
    with SessionReader(path) as reader:
        events, keyframes = reader.events(), reader.keyframes(1)
    assert prune_video(path) > 50_000
    with SessionReader(path) as reader:
        assert reader.events() == events
        assert reader.verify() == []
        assert reader.video_frame(1, "scene", 9.0) is None
        assert all(reader.blob(row.keyframe.rgb.sha256) is not None for row in keyframes)
    with Recorder.open(path, ballast_bytes=0), pytest.raises(SessionFileError, match="recorded by"):
        prune_video(path)
