"""Commands, state and stop over a link that delays, loses, doubles, reorders, cuts or goes dead."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from far import KINEMATIC
from hosts import cells_folder, until
from hypothesis import given
from hypothesis import strategies as st
from stand import smooth

from drivers.client import CellClient, StateStream, StopClient
from drivers.emu.link_faults import LinkFaults, Weather
from drivers.errors import CellFault
from drivers.line import Line
from drivers.spawn import ensure_host


@dataclass
class Linked:
    """A host, and the same cell as ``bad`` through a link."""

    runtime: Path
    process: subprocess.Popen[bytes]

    def weather(self, **faults: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.runtime / "cell-bad" / "link.sock"))
            one.sendall(json.dumps(faults).encode() + b"\n")
            said: dict[str, Any] = json.loads(one.makefile().readline())
            return said


@pytest.fixture(scope="module")
def linked() -> Iterator[Linked]:
    with cells_folder() as runtime:
        ensure_host(KINEMATIC, "kin", "test", runtime, speed=2.0)
        read_fd, write_fd = os.pipe()
        command = [sys.executable, "-m", "drivers.emu.link", "kin", "--name", "bad", "--seed", "7"]
        command += ["--runtime", str(runtime), "--ready-fd", str(write_fd)]
        process = subprocess.Popen(command, pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd, "rb") as ready:
            assert ready.readline()
        yield Linked(runtime, process)
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture
def straight(linked: Linked) -> Iterator[CellClient]:
    client = CellClient("kin", who="watcher", runtime=linked.runtime)
    yield client
    linked.weather()
    until(lambda: client.status().lease is None, "the lease is free")
    client.ack_stop("watcher") if client.status().state == "PSTOP" else client.resume("watcher")
    client.close()


@pytest.fixture
def ann(linked: Linked, straight: CellClient, patient: None) -> Iterator[CellClient]:
    client = CellClient("bad", who="ann", runtime=linked.runtime)
    yield client
    linked.weather()
    client.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again sooner than usual, so that lost answers cost little time."""
    monkeypatch.setattr(Line.ask, "__defaults__", (0.4,))
    monkeypatch.setattr("drivers.client.AWAIT_MS", 100)


def starts(client: CellClient, since: int) -> int:
    return sum(e.state == "RUN" for e in client.events(since))


def last(client: CellClient) -> int:
    return client.events()[-1].seq


def to(client: CellClient, goal: float, duration_s: float = 0.9) -> Any:
    held = list(client.status().arms[0].q_cmd_rad)
    return client.execute("left", smooth(held, [goal, *held[1:]], duration_s))


def test_a_lost_answer_never_doubles_a_motion(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    to(ann, 0.1)
    for goal in (0.3, -0.3):
        before = last(straight)
        # One answer is lost somewhere in the exchange: of the load, of the start, of the wait.
        for n in range(3):
            linked.weather(drop_next=1, only="down", sockets=["ctl"], delay_ms=10.0 * n)
            assert to(ann, goal + 0.05 * n).status == "OK"
        assert starts(straight, before) == 3
        assert straight.status().arms[0].q_rad[0] == pytest.approx(goal + 0.1, abs=0.01)


def test_under_doubling_reordering_and_lost_answers_each_motion_happens_once(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    to(ann, 0.0)
    before = last(straight)
    linked.weather(duplicate=0.5, reorder=0.3, jitter_ms=10)
    goals = [0.2, -0.1, 0.3, 0.0]
    for goal in goals:
        assert to(ann, goal, 0.6).status == "OK"
        assert straight.status().arms[0].q_rad[0] == pytest.approx(goal, abs=0.01)
    linked.weather(drop=0.05, duplicate=0.3, only="down", sockets=["ctl"])
    for goal in goals:
        assert to(ann, goal + 0.05, 0.6).status == "OK"
    assert starts(straight, before) == 2 * len(goals)
    assert linked.weather()["lost"] > 0


def test_jogs_and_set_points_that_arrive_twice_or_late_do_nothing_more(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    to(ann, 0.0)
    linked.weather(duplicate=1.0, only="up", sockets=["ctl"])
    before = last(straight)
    ann.jog("left", 0.1, joint="joint1")
    until(
        lambda: [e.state for e in straight.events(before)][-1:] == ["HOLD"], "the jog came and went"
    )
    assert straight.status().arms[0].q_cmd_rad[0] == pytest.approx(0.1, abs=0.01)


def in_motion(ann: CellClient, straight: CellClient, then: Callable[[], None]) -> list[object]:
    """``then`` in the middle of a long motion; what came of it for who asked."""
    import threading

    came: list[object] = []

    def move() -> None:
        try:
            goal = -1.2 if straight.status().arms[0].q_rad[0] > 0 else 1.2
            came.append(to(ann, goal, 4.0).status)
        except CellFault as error:
            came.append(str(error))

    thread = threading.Thread(target=move)
    thread.start()
    until(lambda: straight.status().state == "RUN", "it moves")
    then()
    thread.join(30.0)
    assert not thread.is_alive()
    return came


def test_a_link_that_goes_dead_ends_in_hold(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    before = last(straight)
    came = in_motion(ann, straight, lambda: linked.weather(half_open=True) and None)
    assert "did not answer" in str(came[0])
    held = [e for e in straight.events(before) if e.state == "HOLD"]
    assert "ann has fallen silent" in held[0].cause and held[0].who == "watchdog"
    assert straight.status().held
    linked.weather()
    # What was asked before the link died is not done after it is back.
    assert starts(straight, before) == 1


def test_stop_goes_through_a_slow_and_lossy_link(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    def stop() -> None:
        linked.weather(delay_ms=120, jitter_ms=60, duplicate=0.5, sockets=["stop", "state"])
        pedal = StopClient("bad", "pedal", runtime=linked.runtime)
        assert pedal.hold("pedal", timeout_s=5.0) >= 2 * 120
        pedal.close()
        assert straight.status().held and straight.status().who == "pedal"
        straight.abort("watcher")

    assert in_motion(ann, straight, stop) == ["STOPPED"]


def test_a_state_that_stops_coming_is_old_and_then_new_again(
    linked: Linked, straight: CellClient
) -> None:
    stream = StateStream("bad", linked.runtime)
    until(lambda: stream.wait(0.2), "a state comes")
    linked.weather(half_open=True, sockets=["state"])
    until(lambda: (s := stream.latest()) is not None and s.age_s > 0.5, "it grows old")
    stale = stream.latest()
    linked.weather(jitter_ms=40, duplicate=0.5, truncate=0.3, sockets=["state"])
    until(lambda: stale and (s := stream.latest()) and s.seq > stale.seq + 5, "new ones come")
    stream.close()


def test_a_message_that_is_cut_is_one_line_and_the_cell_holds(
    linked: Linked, ann: CellClient, straight: CellClient
) -> None:
    came = in_motion(
        ann, straight, lambda: linked.weather(truncate=1.0, only="up", sockets=["ctl"]) and None
    )
    assert "could not read our message" in str(came[0])
    until(lambda: straight.status().held, "nobody who can be understood owns it: it holds")


def test_a_link_of_impossible_faults_is_refused(linked: Linked) -> None:
    assert "probability" in linked.weather(drop=2.0)["error"]
    assert "unknown field" in linked.weather(drip=0.1)["error"]


# -- pure --------------------------------------------------------------------------------------

PROBABILITY = st.floats(0.0, 1.0)
FAULTS = st.builds(
    LinkFaults,
    delay_ms=st.floats(0, 100),
    jitter_ms=st.floats(0, 100),
    drop=PROBABILITY,
    duplicate=PROBABILITY,
    reorder=PROBABILITY,
    truncate=PROBABILITY,
    drop_next=st.integers(0, 3),
    only=st.sampled_from(["", "up", "down"]),
)


@given(FAULTS, st.integers(0, 99), st.lists(st.binary(max_size=20), max_size=20))
def test_the_same_seed_gives_the_same_weather_and_nothing_is_made_up(
    faults: LinkFaults, seed: int, messages: list[bytes]
) -> None:
    one, other = Weather(seed, faults), Weather(seed, faults)
    for message in messages:
        fate = one.fate(message, "ctl", "up")
        assert fate == other.fate(message, "ctl", "up")
        assert len(fate) <= 2
        for late_s, body in fate:
            assert message.startswith(body) and 0.0 <= late_s <= 0.3
            assert body == message or faults.truncate > 0.0
    assert one.passed + one.lost == len(messages)
    with contextlib.suppress(IndexError):
        assert one.fate(messages[0], "ctl", "down") or faults.only != "up"
