"""What a grant does when a drive runs hot or resets go on failing: on the emulated SO-101, whose
servos and cameras are told to misbehave while nobody is there. Engine, host, bus are processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.events import GrantEnded, ResetReported
from aspire_tui.session.reader import SessionReader
from drivers.client import StateStream
from drivers.emu.fault_socket import FaultClient
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until
from tests.e2e.test_presence import Screen, calls_of

CELLS = Path(__file__).parents[2] / "drivers" / "cells"


def watched_so101(home: Path) -> str:
    """The emulated arm, run as a real one would be: it holds when nobody is there."""
    text = (CELLS / "so101-emulated.toml").read_text()
    text = text.replace('name = "so101-emulated"', 'name = "watched"', 1)
    path = home / "watched.toml"
    path.write_text(f'{text}\n[operation]\npresence = "hold"\npresence_s = 30.0\n')
    shutil.copy(CELLS / "so101-emulated.json", home)
    return str(path)


@contextmanager
def left_alone(
    bench, heat: str = "hold", resets: str = "3 failed resets: hold"
) -> Iterator[tuple[SessionReader, StateStream, FaultClient]]:  # type: ignore[no-untyped-def]
    """A run that anna granted and left: calls go on, and nobody is there."""
    cell = watched_so101(bench.home)
    command = bench.start("run", "cube_lift", "--cell", cell, "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        sock = socket_of(bench.runtime / "aspire", reader.path)
        until(sock.exists, "the engine answers")
        folder = cell_paths("watched", bench.runtime / "aspire").folder
        stream = StateStream(folder.as_posix())
        anna = Screen(sock, "c1", "anna")
        sentence = anna.now()["grant_template"].replace("heat: hold", f"heat: {heat}")
        sentence = sentence.replace("3 failed resets: hold", resets)
        granted = anna.client.send("grant", {"sentence": sentence})
        assert granted.accepted, granted.reason
        assert anna.client.send("resume").accepted
        anna.stop()
        anna.attached = False
        anna.now()
        with FaultClient(folder / "fault.sock") as faults:
            yield reader, stream, faults
        stream.close()
        assert EngineClient(sock, "anna", console="c1").send("stop").accepted
        command.wait(timeout=60)
    finally:
        command.kill()
        command.wait()


@pytest.mark.slow
def test_heat_sends_the_arm_to_rest_where_the_grant_says_park(bench) -> None:  # type: ignore[no-untyped-def]
    with left_alone(bench, heat="park") as (reader, stream, faults):
        until(lambda: calls_of(reader)[1] > 1, "calls run with nobody there")
        assert not events(reader, GrantEnded)
        faults.inject("heat", servo=3, celsius=68)
        until(lambda: events(reader, GrantEnded), "the grant ends")
        assert "a drive reports" in events(reader, GrantEnded)[0].event.cause
        done = events(reader, GrantEnded)[0].seq
        until(lambda: stream.wait(0.2).status.stowed, "the arm rests")
        until(lambda: stream.wait(0.2).status.held, "and the cell holds")
        begun = [e for e in reader.events(kinds=("intent",)) if e.seq > done]
        assert len(begun) <= 1, "nothing new begins"


@pytest.mark.slow
def test_resets_that_go_on_failing_end_the_grant_with_a_hold(bench) -> None:  # type: ignore[no-untyped-def]
    with left_alone(bench, resets="2 failed resets: hold") as (reader, stream, faults):
        faults.inject("camera_frozen")
        until(lambda: events(reader, GrantEnded), "the grant ends")
        ended = events(reader, GrantEnded)[0]
        assert "resets failed in a row" in ended.event.cause
        before = [e.event for e in events(reader, ResetReported) if e.seq < ended.seq]
        assert len(before) >= 2 and all(r.verdict.outcome != "ok" for r in before[-2:])
        until(lambda: stream.wait(0.2).status.held, "the cell holds")
        assert not stream.wait(0.2).status.stowed
