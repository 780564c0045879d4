"""A program stands at a breakpoint on a real engine, host and sandbox: edit, run, skip, abort."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.events import (
    BreakpointsChanged,
    CallIntent,
    CallResult,
    CallStood,
    OperatorAct,
    PhaseChanged,
    ProgramStored,
    TrialClosed,
    VerdictGiven,
)
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until

LIFT_M = 0.04


def newest(reader, kind):  # type: ignore[no-untyped-def]
    found = events(reader, kind)
    return found[-1].event if found else None


def attached(bench, reader) -> EngineClient:  # type: ignore[no-untyped-def]
    path = socket_of(bench.runtime / "aspire", reader.path)
    until(path.exists, "the engine listens")
    return EngineClient(path, "tester", 10.0)


def stood(reader, after: int):  # type: ignore[no-untyped-def]
    """The newest standing call after an event."""
    return until(lambda: [r for r in events(reader, CallStood) if r.seq > after], "a call stands")[
        -1
    ].event


def test_break_edit_run_skip_and_abort_on_a_real_cell(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_stack", "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        assert client.send("break", {"primitive": "goto_pose"}).data["number"] == 1
        assert not client.send("break", {"primitive": "fly"}).accepted
        assert not client.send("break", {"status": "SUPER"}).accepted
        assert newest(reader, BreakpointsChanged).breakpoints[0].primitive == "goto_pose"

        first = stood(reader, 0)
        assert (first.primitive, first.preview.status) == ("goto_pose", "OK")
        wanted = np.array(first.args["position"])
        assert np.allclose(first.preview.target_xyz_m, wanted, atol=2e-3)
        assert first.preview.joint and first.preview.turn_rad > 0.05
        assert first.preview.duration_s > 0.2
        stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
        before = until(lambda: stream.wait(0.2), "state").status.arms[0].q_cmd_rad

        wrong = client.send("edit_call", {"args": {"position": "up"}})
        assert not wrong.accepted and "position" in wrong.reason
        unknown = client.send("edit_call", {"args": {"height": 1.0}})
        assert not unknown.accepted and "no argument 'height'" in unknown.reason
        far = client.send("edit_call", {"args": {"position": [9.0, 0.0, 0.1]}})
        assert far.accepted, "well typed; that it cannot be reached is for the preview to say"
        seen = until(lambda: (e := newest(reader, CallStood)) and e.edited and e, "preview of it")
        assert seen.preview.status in ("LIMIT", "IK_FAILED") and seen.preview.detail
        assert seen.edited_by == "tester"

        x, y, z = wanted.tolist()
        raised = [x, y, z + LIFT_M]
        assert client.send("edit_call", {"args": {"position": raised}}).accepted
        until(
            lambda: (
                (e := newest(reader, CallStood))
                and e.preview.target_xyz_m
                and abs(e.preview.target_xyz_m[2] - raised[2]) < 2e-3
            ),
            "preview of the raised one",
        )
        now = until(lambda: stream.wait(0.2), "state").status.arms[0].q_cmd_rad
        assert now == before, "nothing moved while it stood"
        assert newest(reader, CallResult).call < first.call

        assert client.send("run_call").accepted
        done = until(
            lambda: [e.event for e in events(reader, CallResult) if e.event.call == first.call],
            "the edited call ends",
        )[0]
        intent = next(e.event for e in events(reader, CallIntent) if e.event.call == first.call)
        assert (done.operator, done.edited_by) == ("edited", "tester")
        assert np.allclose(done.edited_args["position"], raised, atol=1e-4)
        assert np.allclose(intent.args["position"], wanted, atol=1e-4)
        assert abs(done.evidence.after.xyz_m[2] - raised[2]) < 0.02

        second = stood(reader, reader.last_seq() - 3)
        assert second.primitive == "goto_pose" and second.call > first.call
        assert not client.send("skip_call", {"status": "EMPTY_GRASP"}).accepted
        bad = client.send("skip_call", {"status": "OK", "value": {"duration_s": "long"}})
        assert not bad.accepted and "duration_s" in bad.reason
        said = {"status": "OK", "value": {"duration_s": 1.5}, "detail": "placed by hand"}
        assert client.send("skip_call", said).accepted
        skipped = until(
            lambda: [e.event for e in events(reader, CallResult) if e.event.call == second.call],
            "the skipped call ends",
        )[0]
        assert (skipped.operator, skipped.skipped_by) == ("skipped", "tester")
        assert (skipped.status, skipped.summary) == ("OK", "placed by hand")
        assert skipped.value["duration_s"] == 1.5

        third = until(
            lambda: (e := newest(reader, CallStood)) and e.call > second.call and e, "the next"
        )
        assert third.why == "after a skipped call"
        assert client.send("hold").accepted
        held = client.send("run_call")
        assert not held.accepted and "HOLD" in held.reason
        assert not client.send("skip_call", {"status": "OK"}).accepted
        assert client.send("resume").accepted
        until(
            lambda: (e := newest(reader, PhaseChanged)) and "before HOLD" in e.cause, "stands again"
        )
        assert newest(reader, CallResult).call < third.call

        assert client.send("unbreak", {"number": 1}).accepted
        assert not client.send("unbreak", {"number": 1}).accepted
        assert newest(reader, BreakpointsChanged).breakpoints == ()
        assert client.send("abort").accepted
        closed = until(lambda: events(reader, TrialClosed), "the trial is closed")
        assert closed[0].event.ended == "aborted"
        acts = [r.event for r in events(reader, OperatorAct)]
        assert {a.who for a in acts} == {"tester"}
        assert [a.verb for a in acts if a.accepted] == [
            "break", "edit_call", "edit_call", "run_call", "skip_call", "hold", "resume",
            "unbreak", "abort",
        ]  # fmt: skip
        assert client.send("stop").accepted
        assert command.wait(timeout=30) == 4
        stream.close()
    finally:
        command.kill()
        command.wait()


@pytest.mark.long
def test_after_a_status_each_next_call_stands_and_at_last_the_verifying(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_lift", "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        assert client.send("break", {"status": "OK"}).accepted
        stood_calls: list[int] = []
        while True:
            until(
                lambda: (
                    reader.snapshot().phase.phase == "held"
                    and len(events(reader, CallResult)) > len(stood_calls)
                ),
                "it stands after a call that ended OK",
            )
            assert "breakpoint 1" in reader.snapshot().phase.cause
            reply = client.send("run_call")
            if not reply.accepted and "R goes on to verifying" in reply.reason:
                break
            assert reply.accepted, reply.reason
            stood_calls.append(len(events(reader, CallResult)))
        assert len(stood_calls) >= 2
        assert not events(reader, VerdictGiven), "nothing was judged, the arm was not parked"
        assert client.send("unbreak").accepted and client.send("resume").accepted
        until(lambda: events(reader, VerdictGiven), "then it is")
        assert client.send("stop").accepted
        command.wait(timeout=60)
    finally:
        command.kill()
        command.wait()


def call_lines(text: str) -> list[int]:
    """Lines on which a program calls a primitive, in order."""
    called = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call))
    return sorted({n.lineno for n in called if isinstance(n.func, ast.Name)})


def test_a_line_of_the_shown_text_stops_the_call_on_it_and_no_other(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_lift", "--rounds", "0", "--json")
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        shown = until(lambda: newest(reader, ProgramStored), "a program is shown").program
        first, second, third, *_ = call_lines(reader.program(shown).text)
        other = "0" * 64
        for line, program in ((first, other), (second, shown), (third, other)):
            assert client.send("break", {"line": line, "program": program}).accepted
        assert not client.send("break", {"line": 0}).accepted
        stands = stood(reader, 0)
        assert stands.line == second
        assert stands.why == f"breakpoint 2: line {second} of {shown[:8]}"
        done = events(reader, CallResult)
        assert len(done) >= 1, "the call on the first line ran: the line was of another text"
        assert client.send("run_call").accepted
        until(lambda: len(events(reader, CallResult)) > len(done) + 1, "and so does the third line")
        assert len(events(reader, CallStood)) == 1
        assert client.send("stop").accepted
        command.wait(timeout=60)
    finally:
        command.kill()
        command.wait()
