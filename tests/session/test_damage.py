"""Bit flips, truncation and a lost header: named in one line, and salvaged without invention."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from damage import KINDS, headless, salvaged, truncated
from story import BLOBS, story

from aspire_tui.events import Note, Recorded
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[int, Recorded]]:
    path = tmp_path_factory.mktemp("whole") / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([*story(5, 20), Note("long " * 6000), Note("after")], BLOBS)
    with SessionReader(path) as reader:
        return path.read_bytes(), {e.seq: e for e in reader.events()}


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_and_the_rest_is_saved(
    kind, session: tuple[bytes, dict[int, Recorded]], tmp_path: Path
) -> None:
    whole, events = session
    saved = []
    for n in range(12):
        found = salvaged(tmp_path, kind(whole, random.Random(n), 1 + n % 4), events)
        assert found.wrong == [], f"{kind.__name__} {n}"
        saved.append(found.saved)
    least = 0 if kind is truncated else len(events) // 3
    assert sorted(saved)[1] >= least
    assert max(saved) > 0.9 * len(events)


def test_events_are_read_off_the_pages_of_a_file_without_a_header(
    session: tuple[bytes, dict[int, Recorded]], tmp_path: Path
) -> None:
    whole, events = session
    assert salvaged(tmp_path, headless(whole, random.Random(1), 0), events) == (len(events), [])
