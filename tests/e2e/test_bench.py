"""Hold, resume, step, abort and stop on a real cell host, as an operator's console sends them."""

from __future__ import annotations

import time

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.events import CallIntent, CallResult, OperatorAct, PhaseChanged, TrialClosed
from drivers.client import StateStream, hold_now
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import PATIENCE_S, _moving_call, _reader


def until(condition, what: str):  # type: ignore[no-untyped-def]
    stop = time.monotonic() + PATIENCE_S
    while time.monotonic() < stop:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(what)


def events(reader, kind):  # type: ignore[no-untyped-def]
    return [r for r in reader.events() if isinstance(r.event, kind)]


def test_an_operator_holds_steps_resumes_aborts_and_stops(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_stack", "--rounds", "0", "--speed", "1", "--json")
    try:
        reader = _reader(bench)
        _moving_call(reader)
        client = EngineClient(socket_of(bench.runtime / "aspire", reader.path), "tester")
        stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())

        assert client.send("hold").accepted
        seen = until(lambda: (s := stream.wait(0.2)) and s.status.held and s, "the cell holds")
        assert seen.status.state == "HOLD"
        held = until(
            lambda: [e for e in events(reader, PhaseChanged) if e.event.phase == "held"], "held"
        )
        assert "tester" in held[-1].event.cause
        calls = len(events(reader, CallResult))
        assert len(events(reader, CallIntent)) == calls + 1

        refused = client.send("resume", role="viewer")
        assert not refused.accepted
        assert len(events(reader, CallResult)) == calls

        assert client.send("step").accepted
        until(lambda: len(events(reader, CallIntent)) >= calls + 2, "the step ends, a call asks")
        until(lambda: reader.snapshot().phase.phase == "held", "and is held again")
        assert len(events(reader, CallResult)) <= calls + 2

        assert client.send("resume").accepted
        until(lambda: len(events(reader, CallResult)) > calls + 1, "goes on")
        _moving_call(reader)
        # Past the engine, as a second pane or a pedal would.
        hold_now(cell_paths("yam", bench.runtime / "aspire").folder.as_posix(), "pedal")
        until(lambda: reader.snapshot().phase.phase == "held", "the engine notices")
        assert client.send("abort").accepted
        closed = until(lambda: events(reader, TrialClosed), "the trial is closed")
        assert closed[0].event.ended == "aborted"
        assert client.send("stop").accepted
        ended = until(lambda: reader.snapshot().ended, "the run ends")
        assert ended.stopped_by == "operator"
        acts = [r.event.verb for r in events(reader, OperatorAct)]
        assert acts == ["hold", "resume", "step", "resume", "abort", "stop"]
        assert command.wait(timeout=30) == 4
        stream.close()
    finally:
        command.kill()
        command.wait()
