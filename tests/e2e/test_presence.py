"""A cell that holds without people, through real processes: engine, host, sandbox, and screens
that are this test's own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.events import (
    CallIntent,
    CallResult,
    CallStood,
    ControlChanged,
    GrantEnded,
    GrantGiven,
    OperatorAct,
    PresenceChanged,
    TrialOpened,
)
from aspire_tui.session.reader import SessionReader
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.resuming import small_task
from tests.e2e.test_bench import events, until
from tests.tui.terminal import Terminal

YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"


def watched_cell(home: Path, operation: str, rest: str = "") -> str:
    """The stand-in, run as hardware would be: it holds when nobody is there."""
    path = home / "watched.toml"
    text = YAM.read_text().replace('name = "yam"', 'name = "watched"', 1)
    if rest:
        text = text.replace("home_rad =", f"rest_rad = {rest}\nhome_rad =", 1)
    path.write_text(f"{text}\n[operation]\n{operation}\n")
    return str(path)


class Screen:
    """A console as the engine sees one: it reports its operator until it is stopped."""

    def __init__(self, sock: Path, console: str, who: str) -> None:
        self.client = EngineClient(sock, who, console=console)
        self.attached = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def now(self) -> dict:  # type: ignore[type-arg]
        report = {"key_age_s": 0.5, "attached": self.attached, "how": "tmux: no client"}
        return self.client.send("present", report).data

    def _beat(self) -> None:
        while True:
            self.now()
            if self._stop.wait(1.0):
                return

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def running(
    bench, operation: str, rest: str = "", task: str = ""
) -> Iterator[tuple[SessionReader, Path, StateStream]]:  # type: ignore[no-untyped-def]
    cell = watched_cell(bench.home, operation, rest)
    task = task or small_task(bench.home)
    command = bench.start("run", task, "--cell", cell, "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        sock = socket_of(bench.runtime / "aspire", reader.path)
        until(sock.exists, "the engine answers")
        stream = StateStream(cell_paths("watched", bench.runtime / "aspire").folder.as_posix())
        yield reader, sock, stream
        stream.close()
        holder = [e.event.who for e in events(reader, ControlChanged)] or ["anna"]
        assert EngineClient(sock, holder[-1] or "anna").send("stop").accepted
        command.wait(timeout=30)
    finally:
        command.kill()
        command.wait()


def calls_of(reader: SessionReader) -> tuple[int, int]:
    return len(events(reader, CallIntent)), len(events(reader, CallResult))


def done_at_the_bench(reader: SessionReader) -> int:
    """Workers move no robot: theirs go on."""
    there = {t.trial for t in reader.trials() if t.where == "bench"}
    return sum(1 for e in events(reader, CallResult) if e.event.trial in there)


def test_without_a_person_the_primitive_finishes_and_the_cell_holds(bench) -> None:  # type: ignore[no-untyped-def]
    with running(bench, 'presence = "hold"\npresence_s = 30.0') as (reader, sock, stream):
        # A run started without a terminal has nobody: nothing moves, not even a reset.
        until(lambda: stream.wait(0.2).status.held, "held before the first trial")
        assert [e.event.present for e in events(reader, PresenceChanged)] == [False]
        alone = EngineClient(sock, "anna").send("resume")
        assert not alone.accepted and "nobody is present" in alone.reason
        assert events(reader, TrialOpened) == []

        anna = Screen(sock, "c1", "anna")
        until(lambda: events(reader, ControlChanged), "anna's screen has control")
        assert anna.client.send("resume").accepted
        ben = Screen(sock, "c2", "ben")
        until(lambda: calls_of(reader)[0] > 1, "calls run")
        refused = ben.client.send("step")
        assert not refused.accepted and "anna has control" in refused.reason
        assert ben.client.send("hold").accepted  # anybody may
        until(lambda: reader.snapshot().phase.phase == "held", "held by ben")
        assert anna.client.send("resume").accepted
        ben.stop()
        anna.stop()
        # Her terminal multiplexer goes on living without a client: nobody is there.
        until(lambda: stream.wait(0.2).status.state == "RUN", "the arm moves")
        anna.attached = False
        anna.now()
        ben.client.send("leave")
        until(lambda: stream.wait(0.2).status.held, "the cell holds")
        lapsed = events(reader, PresenceChanged)[-1]
        assert not lapsed.event.present and lapsed.event.cause == "tmux: no client"
        results = [e for e in events(reader, CallResult) if e.seq > lapsed.seq]
        assert len(results) <= 1  # what was in flight, to its own end
        assert all(e.event.status not in ("STOPPED", "FAULT") for e in results)
        assert all(e.event.held_s == 0.0 for e in results)
        until(lambda: reader.snapshot().phase.phase == "held", "and the session says so")
        assert "nobody is present" in reader.snapshot().phase.cause

        # Taking over is typed, names who loses it, and is written down.
        assert not ben.client.send("take_control", {"typed": "mine"}).accepted
        assert ben.client.send("take_control", {"typed": "take control from anna"}).accepted
        assert events(reader, ControlChanged)[-1].event.before == "anna"


def test_a_typed_grant_lets_the_cell_go_on_slowly_and_ends_with_a_hold(bench) -> None:  # type: ignore[no-untyped-def]
    with running(bench, 'presence = "hold"\npresence_s = 30.0') as (reader, sock, stream):
        anna = Screen(sock, "c1", "anna")
        template = anna.now()["grant_template"]
        assert "anna leaves watched on small" in template
        wrong = anna.client.send("grant", {"sentence": template.replace("anna", "ben", 1)})
        assert not wrong.accepted and "the name is anna" in wrong.reason
        assert anna.client.send("grant", {"sentence": template}).accepted
        assert events(reader, GrantGiven)[-1].event.grant.speed == 0.3
        assert anna.client.send("resume").accepted
        anna.stop()
        anna.attached = False
        anna.now()
        until(lambda: calls_of(reader)[1] > 2, "calls run with nobody there")
        assert not events(reader, PresenceChanged)[-1].event.present
        assert stream.wait(1.0).status.speed == 0.3
        assert EngineClient(sock, "anna", console="c1").send("revoke_grant").accepted
        until(lambda: stream.wait(0.2).status.held, "without it the cell holds")
        assert events(reader, GrantEnded)[-1].event.cause == "revoked"


def test_a_new_program_waits_for_a_person_who_sees_facts(bench) -> None:  # type: ignore[no-untyped-def]
    from aspire_tui.events import ApprovalAsked, ApprovalGiven

    with running(bench, 'approval = "new"') as (reader, sock, _):
        asked = until(lambda: events(reader, ApprovalAsked), "asked")[0].event
        assert asked.facts["primitives"]["goto_pose"] >= 1
        assert asked.facts["state"] == "HOLD" and len(asked.facts["q_rad"][0]) == 6
        assert reader.snapshot().phase.phase == "needs_operator"
        client = EngineClient(sock, "anna")
        other = client.send("approve", {"program": "beef"})
        assert not other.accepted and asked.program[:12] in other.reason
        assert events(reader, TrialOpened) == []
        assert client.send("approve", {"program": asked.program[:12]}).accepted
        until(lambda: calls_of(reader)[1] > 0, "it runs")
        given = events(reader, ApprovalGiven)[0].event
        assert (given.who, given.approved, given.program) == ("anna", True, asked.program)


@pytest.mark.alone
def test_a_suspended_screen_is_nobody_and_a_hung_up_one_leaves_the_run_alive(bench) -> None:  # type: ignore[no-untyped-def]
    cell = watched_cell(bench.home, 'presence = "hold"\npresence_s = 300.0')
    task = small_task(bench.home)
    command = bench.command("run", task, "--cell", cell, "--rounds", "0")
    with Terminal(command, 120, 36, environment=bench.environment) as terminal:
        terminal.wait(lambda screen: "trial 1" in screen, timeout_s=90)
        reader = _reader(bench)
        started = until(lambda: events(reader, PresenceChanged), "presence is recorded")
        assert started[0].event.present
        until(lambda: events(reader, ControlChanged), "the screen has control")
        console = terminal.process
        console.send_signal(signal.SIGSTOP)  # as ctrl+z and a sleeping laptop do
        gone = until(lambda: not events(reader, PresenceChanged)[-1].event.present, "nobody")
        assert gone
        assert "fallen silent" in events(reader, PresenceChanged)[-1].event.cause
        # In a call or, when the trial was just over, between two: held either way.
        until(
            lambda: (
                (reader.snapshot().cell.state, reader.snapshot().cell.who) == ("HOLD", "presence")
            ),
            "the cell is held",
        )
        done = done_at_the_bench(reader)
        console.send_signal(signal.SIGCONT)
        until(lambda: events(reader, PresenceChanged)[-1].event.present, "somebody again")
        assert done_at_the_bench(reader) == done  # coming back resumes nothing
        terminal.hang_up()  # as sshd does when the line is gone
        console.wait(timeout=20)
        until(lambda: not events(reader, PresenceChanged)[-1].event.present, "hung up")
        sock = socket_of(bench.runtime / "aspire", reader.path)
        assert EngineClient(sock, "anna").send("hello").accepted
        assert (
            EngineClient(sock, events(reader, ControlChanged)[-1].event.who or "a")
            .send("stop")
            .accepted
        )
        until(lambda: reader.snapshot().ended, "stopped")


@pytest.mark.long
def test_a_grant_may_send_the_arm_to_rest_when_it_needs_somebody(bench) -> None:  # type: ignore[no-untyped-def]
    operation = 'presence = "hold"\npresence_s = 30.0\napproval = "each"'
    with running(bench, operation, rest="[0.0, 1.2, 1.0, 0.0, 0.0, 0.0]") as (reader, sock, stream):
        anna = Screen(sock, "c1", "anna")
        until(lambda: reader.snapshot().people.asked_program, "a program is asked for")
        sentence = anna.now()["grant_template"].replace("operator: hold", "operator: park")
        assert anna.client.send("grant", {"sentence": sentence}).accepted
        assert anna.client.send("resume").accepted
        anna.stop()
        anna.attached = False
        anna.now()
        # It waits and nobody is there: what was approved beforehand is done.
        until(lambda: stream.wait(0.2).status.stowed, "the arm rests")
        until(lambda: stream.wait(0.2).status.held, "and the cell holds")
        assert "waits for approval" in events(reader, GrantEnded)[-1].event.cause


def test_a_large_move_stands_until_somebody_lets_it_go(bench) -> None:  # type: ignore[no-untyped-def]
    with running(bench, 'approval = "large-moves"') as (reader, sock, stream):
        stood = until(lambda: events(reader, CallStood), "a large move stands")[0].event
        assert "moves over 0.25 m are approved here" in stood.why
        assert stood.preview.target_xyz_m and stood.preview.status == "OK"
        small = [e.event for e in events(reader, CallResult) if e.event.call < stood.call]
        assert all(e.status == "OK" for e in small), "what moves little was not asked for"
        before = stream.wait(0.5).status.arms[0].q_cmd_rad
        assert stream.wait(0.5).status.arms[0].q_cmd_rad == before
        anna = EngineClient(sock, "anna")
        assert anna.send("run_call").accepted
        until(
            lambda: [e for e in events(reader, CallResult) if e.event.call == stood.call],
            "let go by anna it runs",
        )
        act = events(reader, OperatorAct)[-1].event
        assert (act.verb, act.who, act.accepted) == ("run_call", "anna", True)
