"""What a grant does when a drive runs hot (an emulated servo is told to) or resets go on failing,
while nobody is there. Engine, host, bus and sandbox are processes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.events import GrantEnded, TrialClosed
from aspire_tui.session.reader import SessionReader
from drivers.cellfile import load_cell
from drivers.client import CellClient, StateStream
from drivers.emu.fault_socket import FaultClient
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events
from tests.e2e.test_presence import Screen, calls_of, running
from tests.e2e.test_so101_emulated import _until

CELLS = Path(__file__).parents[2] / "drivers" / "cells"
REST = load_cell(CELLS / "so101-emulated.toml").info.arms[0].rest_rad


HUB = """
[[service]]
name = "hub"
command = ["python", "-c", '''
import os, pathlib, signal, sys
def end(*_):
    pathlib.Path("hub-ended").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path("hub-pid").write_text(str(os.getpid()))
while True: signal.pause()
''']
healthy = "file:hub-pid"
restarts = 1
"""


def watched_so101(home: Path) -> str:
    """The emulated arm, run as a real one would be: it holds when nobody is there. Beside it runs
    a process that its cell file asks for."""
    text = (CELLS / "so101-emulated.toml").read_text()
    text = text.replace('name = "so101-emulated"', 'name = "watched"', 1)
    path = home / "watched.toml"
    path.write_text(f'{text}\n[operation]\npresence = "hold"\npresence_s = 30.0\n{HUB}')
    shutil.copy(CELLS / "so101-emulated.json", home)
    return str(path)


@contextmanager
def left_alone(bench, heat: str) -> Iterator[tuple[SessionReader, StateStream, FaultClient]]:  # type: ignore[no-untyped-def]
    """A run that anna granted and left: calls go on, and nobody is there."""
    cell = watched_so101(bench.home)
    command = bench.start("run", "cube_lift", "--cell", cell, "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        sock = socket_of(bench.runtime / "aspire", reader.path)
        _until(sock.exists)
        folder = cell_paths("watched", bench.runtime / "aspire").folder
        stream = StateStream(folder.as_posix())
        anna = Screen(sock, "c1", "anna")
        sentence = anna.now()["grant_template"].replace("heat: hold", f"heat: {heat}")
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
        assert not (bench.home / "hub-ended").exists(), "a service lives as long as its host"
        assert bench.run("cell", "shutdown", "watched").code == 0
        _until((bench.home / "hub-ended").exists)
    finally:
        command.kill()
        command.wait()


@pytest.mark.long
def test_heat_sends_the_arm_to_rest_where_the_grant_says_park(bench) -> None:  # type: ignore[no-untyped-def]
    with left_alone(bench, heat="park") as (reader, stream, faults):
        # What runs beside the cell dies: it is told, started again, and the run goes on.
        os.kill(int((bench.home / "hub-pid").read_text()), signal.SIGKILL)
        _until(lambda: calls_of(reader)[1] > 1)
        assert not events(reader, GrantEnded)
        client = CellClient("watched", who="ben", runtime=bench.runtime / "aspire")
        said = [event.cause for event in client.events() if event.code == "service"]
        client.close()
        assert said == [
            "service hub ended by itself (exit -9); started again, 1 of 1",
            "service hub is healthy again",
        ]
        faults.inject("heat", servo=3, celsius=68)
        _until(lambda: events(reader, GrantEnded))
        assert "a drive reports" in events(reader, GrantEnded)[0].event.cause
        done = events(reader, GrantEnded)[0].seq
        _until(lambda: stream.wait(0.2).status.stowed)
        _until(lambda: stream.wait(0.2).status.held)
        told = stream.wait(0.2).status.arms[0].q_cmd_rad
        assert np.allclose(told, REST, atol=1e-3), "all the way, and not only near"
        begun = [e for e in reader.events(kinds=("intent",)) if e.seq > done]
        assert len(begun) <= 1, "nothing new begins"


def set_out_of_sight(home: Path) -> str:
    """A task whose scene no camera sees: its reset cannot be proven."""
    text = (SHIPPED / "cube_lift.toml").read_text().replace('"cube_lift"', '"unseen"', 1)
    text = text.replace("x_m = [0.26, 0.42]", "x_m = [-0.60, -0.55]", 1)
    path = home / "unseen.toml"
    path.write_text(text)
    return str(path)


def test_a_failed_reset_at_the_bench_ends_the_grant_as_it_says(bench) -> None:  # type: ignore[no-untyped-def]
    task = set_out_of_sight(bench.home)
    operation = 'presence = "hold"\npresence_s = 30.0'
    rest = "[0.0, 1.2, 1.0, 0.0, 0.0, 0.0]"
    with running(bench, operation, rest=rest, task=task) as (reader, sock, stream):
        anna = Screen(sock, "c1", "anna")
        sentence = anna.now()["grant_template"]
        sentence = sentence.replace("3 failed resets: hold", "1 failed resets: park")
        granted = anna.client.send("grant", {"sentence": sentence})
        assert granted.accepted, granted.reason
        assert anna.client.send("resume").accepted
        anna.stop()
        anna.attached = False
        anna.now()
        _until(lambda: events(reader, GrantEnded))
        ended = events(reader, GrantEnded)[0]
        assert "resets failed in a row" in ended.event.cause
        before = [e for e in events(reader, TrialClosed) if e.seq < ended.seq]
        assert [e.event.outcome for e in before] == [None]
        assert all(e.event.reason.startswith("reset ") for e in before)
        _until(lambda: stream.wait(0.2).status.stowed)
        _until(lambda: stream.wait(0.2).status.held)
