"""``kill -9`` of the writer loses nothing that was acknowledged, and the file goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from killed_writer import main as write_until_killed

from aspire_tui.events import CallIntent, Note, ProgramStored
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

from story import intent, opening, result, trial_opened  # isort: skip


def killed_at_random(path: Path, seed: int) -> int:
    """Fork a writer, kill it at a random moment after its first acknowledgement; the last one."""
    acks, writers_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writers_end, 1)
        os.close(acks)
        try:
            write_until_killed(path, seed)
        finally:
            os._exit(1)
    os.close(writers_end)
    told = os.read(acks, 8)
    time.sleep(random.Random(seed).uniform(0.0, 0.012))  # the moment that chance chose
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(acks, 8):
        told = more
    os.close(acks)
    assert len(told) == 8, "the writer died by itself"
    return int.from_bytes(told, "big")


RUNS = 200


@pytest.mark.timeout(600)
def test_no_acknowledged_event_is_lost_by_kill_9(tmp_path: Path) -> None:
    for run in range(RUNS):
        path = tmp_path / f"s{run // 8}.db"
        acknowledged = killed_at_random(path, run)
        with SessionReader(path) as reader:
            events = reader.events()
            assert [e.seq for e in events] == list(range(1, len(events) + 1))
            assert len(events) >= acknowledged, f"run {run}"
            newest = next(e.event for e in reversed(events) if isinstance(e.event, ProgramStored))
            blob = reader.blob(newest.text.sha256)
            assert blob is not None and len(blob) == newest.text.size
            if run % 8 == 7:
                problems = [p for p in reader.verify() if "first event" not in p.what]
                assert problems == [], f"run {run}"


def leave_as_a_crash_would(recorder: Recorder) -> None:
    """End the writer without sealing the file."""
    recorder._stop()
    recorder._store.abandon()
    os.close(recorder._ballast._fd)


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    recorder = Recorder.create(path, ballast_bytes=4096)
    recorder.append([opening(), trial_opened(1), intent(1, 1), result(1, 1), intent(1, 2)])
    leave_as_a_crash_would(recorder)
    return path


def test_an_intent_without_result_is_an_unknown_outcome(crashed: Path) -> None:
    with SessionReader(crashed) as reader:
        first, second = reader.calls(1)
        assert (first.status, second.status) == ("OK", None)
        detail = reader.call(1, 2)
        assert detail is not None
        assert isinstance(detail.intent, CallIntent) and detail.result is None
        in_flight = reader.snapshot().in_flight
        assert in_flight is not None and in_flight.call == 2 and in_flight.status is None


def test_a_crashed_session_is_taken_up_again_and_says_so(crashed: Path) -> None:
    with Recorder.open(crashed) as recorder:
        assert recorder.append([Note("on")]) == 7
    with SessionReader(crashed) as reader:
        reopened = reader.events(kinds=("note",))[0]
        assert reopened.seq == 6
        assert reopened.event == Note(
            "the recording was taken up again; unknown outcome: call 2 (goto_pose) of trial 1",
            "warn",
            "session_reopened",
        )
        assert reader.verify() == []
        times = [e.mono_s for e in reader.events()]
        assert times == sorted(times), "the session's clock never goes back"
    assert not crashed.with_name("s.db.ballast").exists()
