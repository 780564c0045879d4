"""The listed calls of a long trial are what the file says, at every moment, and few are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.events import AnyEvent, CallIntent, CallResult, TrialOpened
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.tui.calls_reading import Begins, Calls, CallsReading
from aspire_tui.tui.panes.body import Target
from aspire_tui.tui.panes.calls import CallRows

WINDOW = 20
CALLS = 130


def long_trial(path: Path) -> int:
    """A trial of many calls in four attempts, its last call without a result; the last event."""
    events: list[AnyEvent] = [TrialOpened(1, "t", 1, "dev", "p" * 64, None, "worker", "sim")]
    for n in range(1, CALLS + 1):
        attempt = 1 + n // 40
        events.append(CallIntent(1, attempt, n, "goto_pose", {}, 7, 1.0))
        if n < CALLS:
            status = "OK" if n % 5 else "COLLISION"
            events.append(CallResult(1, attempt, n, "goto_pose", status, "there", 1.2, 2.0))
    with Recorder.create(path) as recorder:
        recorder.append(events)
    with SessionReader(path) as reader:
        return reader.last_seq()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.db"
    long_trial(path)
    return path


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.integers(1, 2 * CALLS), min_size=1, max_size=12))
def test_it_lists_what_the_file_says_wherever_one_goes(long: Path, steps: list[int]) -> None:
    reading = CallsReading(WINDOW)
    with SessionReader(long) as reader:
        for seq in steps:
            shown, told = reading.at(reader, 1, seq), reader.calls(1, seq)
            assert len(shown) <= WINDOW and shown.total == len(told)
            assert list(shown) == told[len(told) - len(shown) :]
            assert len(shown) >= min(len(told), WINDOW // 10)


def test_following_costs_what_is_new(tmp_path: Path) -> None:
    last = long_trial(tmp_path / "s.db")
    reading = CallsReading(WINDOW)
    with SessionReader(tmp_path / "s.db") as reader:
        for seq in range(1, last + 1):
            reading.at(reader, 1, seq)
        assert reading.rows_read <= 3 * CALLS, "each call once, and once more for its result"
        before = reading.rows_read
        reading.at(reader, 1, last)
        assert reading.rows_read == before


def test_rows_and_what_they_stand_for_agree(tmp_path: Path) -> None:
    last = long_trial(tmp_path / "s.db")
    with SessionReader(tmp_path / "s.db") as reader:
        whole = Calls.of(reader.calls(1, last))
        tail = CallsReading(WINDOW).at(reader, 1, last)
    assert whole.begins == (Begins(39, 2), Begins(79, 3), Begins(119, 4))
    for calls in (whole, tail, Calls.of(whole.rows[5:60], earlier=5)):
        rows = CallRows(calls)
        seen = [rows.at(row) for row in range(len(rows))]
        assert [t.number for t in seen if t] == [row.call for row in calls]
        assert all(rows.row_of(t) == at for at, t in enumerate(seen) if t)
        assert rows.row_of(Target("call", 10_000)) is None
        here, walked = rows.step(None, 1), []
        while here is not None:
            walked.append(rows.at(here))
            here = rows.step(here, 1)
        assert walked == [t for t in seen if t], "every call is reached, and nothing else"
