"""Any moment is the same, however it is reached."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stopped_clock import StoppedClock
from story import story

from aspire_tui.events import Recorded, decode, encode
from aspire_tui.session import checkpoints
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.snapshot import EMPTY, Snapshot, fold


def record(path: Path, seed: int, rng: random.Random, trials: int = 8) -> None:
    """Write a story in pieces of random size, time passing between them."""
    clock = StoppedClock()
    events = list(story(seed, trials))
    with Recorder.create(path, clock=clock, ballast_bytes=0) as recorder:
        while events:
            count = rng.randint(1, 40)
            recorder.append(events[:count])
            events = events[count:]
            clock.wind(rng.uniform(0, 2))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6), picks=st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_a_snapshot_is_the_fold_of_everything_before_it(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    picks: list[float],
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 17)
    path = tmp_path_factory.mktemp("moments") / "s.db"
    record(path, seed, random.Random(seed))
    with SessionReader(path) as reader:
        recorded = reader.events()
        folded = [EMPTY]
        for event in recorded:
            folded.append(fold(folded[-1], event))
        for pick in picks:
            at = round(pick * len(recorded))
            with SessionReader(path) as fresh:
                assert fresh.snapshot(at) == folded[at]
            assert reader.snapshot(at) == folded[at], "one reader jumping about"
        assert reader.snapshot() == folded[-1]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_snapshot_survives_its_checkpoint(seed: int) -> None:
    state = EMPTY
    for seq, event in enumerate(story(seed, 4), 1):
        state = fold(state, Recorded(seq, 5.0 + seq, float(seq), decode(encode(event))))
    assert msgspec.json.decode(msgspec.json.encode(state), type=Snapshot) == state


def test_a_live_reader_following_the_end_sees_what_a_seek_sees(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    events = list(story(3, 30))
    with (
        Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder,
        SessionReader(path) as live,
    ):
        for at in range(0, len(events), 13):
            last = recorder.append(events[at : at + 13])
            with SessionReader(path) as seeking:
                assert live.snapshot() == seeking.snapshot(last) == recorder.snapshot()


def test_a_snapshot_stays_small_however_long_the_session(tmp_path: Path) -> None:
    state = EMPTY
    sizes = []
    for seq, event in enumerate(story(11, 600), 1):
        state = fold(state, Recorded(seq, float(seq), float(seq), event))
        sizes.append(len(msgspec.json.encode(state)))
    assert len(sizes) > 5000
    assert max(sizes[len(sizes) // 2 :]) < 64_000


def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 17)
    path = tmp_path / "s.db"
    record(path, 4, random.Random(4))
    with SessionReader(path) as reader:
        before = reader.snapshot()
    db = apsw.Connection(str(path))
    db.execute(
        "UPDATE checkpoints SET state=CAST(replace(CAST(state AS TEXT), 'seq', 'sec') AS BLOB) "
        "WHERE seq=(SELECT max(seq) FROM checkpoints)"
    )
    db.close()
    with SessionReader(path) as reader:
        assert reader.snapshot() == before
        assert any("checkpoint at event" in p.what for p in reader.verify())
