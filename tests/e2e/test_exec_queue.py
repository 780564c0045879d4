"""Dry run and exec on a cell whose engine runs, and a recorded program run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aspire_tui.domain import sha256_hex
from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.events import (
    CallStood,
    DryRunReported,
    OperatorAct,
    ProgramStored,
    TrialClosed,
    TrialOpened,
)
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until
from tests.e2e.test_standing import attached

LIFT = (Path(__file__).parents[2] / "docs" / "examples" / "lift.py").read_text()
LOOK = 'RESULT = get_object_pose("red cube")[0][2] > 0\n'


def test_a_running_engine_runs_dry_and_takes_programs_between_its_trials(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_lift", "--rounds", "0", "--json")
    ordered = edited = taken_back = None
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        assert client.send("break", {"primitive": "sample_grasp_pose"}).accepted
        until(lambda: events(reader, CallStood), "the program stands")
        stored = events(reader, ProgramStored)[0].event
        moved = [a.verb for a in _acts(reader)]

        assert not client.send("dry_run", {"program": "no such"}).accepted
        reply = client.send("dry_run", {"program": stored.program})
        assert reply.accepted, reply.reason
        dry = until(lambda: events(reader, DryRunReported), "the dry run ends")[0].event
        assert (dry.program, dry.who, dry.id) == (stored.program, "tester", _acts(reader)[-1].id)
        seen = dry.seen
        assert seen is not None and seen.table is not None
        named = {t.name: t for t in seen.things}
        assert named["red cube"].sigma_m > 0 and named["red cube"].cameras
        assert any("no camera sees" in text for text in seen.absent)
        assert dry.ended == "returned" and dry.verdict is not None
        assert [c.primitive for c in dry.calls][:1] == ["sample_grasp_pose"] or dry.calls
        assert reader.blob(seen.keyframes[0].rgb.sha256) is not None
        assert not events(reader, TrialClosed), "the trial at the bench stood all the while"
        assert moved == ["break"]

        ordered = bench.start(
            "exec", bench.program(LOOK), "--task", "cube_lift", "--seed", "5", "--json"
        )
        until(lambda: [a for a in _acts(reader) if a.verb == "exec"], "the order came")
        order = _acts(reader)[-1]
        assert order.accepted and "between trials" in order.reason
        assert order.args["program"] == sha256_hex(LOOK.encode())
        assert client.send("job", {"number": 1}).data["state"] in ("queued", "running")
        assert not client.send("job", {"number": 7}).accepted
        wrong = {"program": LOOK, "task": {}, "seed": 1}
        assert not client.send("exec", wrong).accepted

        own = bench.home / "own.toml"
        shipped = (SHIPPED / "cube_lift.toml").read_text()
        own.write_text(shipped.replace('"cube_lift"', '"own"', 1))
        path = bench.program(LOOK)
        edited = bench.start("exec", path, "--task", str(own), "--seed", "6", "--json")
        until(lambda: client.send("job", {"number": 2}).accepted, "a second order")
        own.write_text(own.read_text() + "# other\n")
        taken_back = bench.start("exec", path, "--task", "cube_lift", "--seed", "7", "--json")
        until(lambda: client.send("job", {"number": 3}).accepted, "a third order")
        stopped = bench.run("stop", "--exec", "3")
        assert stopped.code == 0 and "exec 3 is cancelled" in stopped.out
        assert taken_back.wait(timeout=60) == 4
        assert not client.send("cancel", {"number": 3}).accepted

        assert client.send("unbreak").accepted and client.send("run_call").accepted
        out, _ = ordered.communicate(timeout=120)
        told = json.loads(out)
        assert told["session"] == str(reader.path) and told["exec"] == 1
        assert [c["primitive"] for c in told["calls"]] == ["get_object_pose"]
        assert "trials" not in told, "the run's own trials are not its"
        mine = next(r.event for r in events(reader, TrialOpened) if r.event.trial == told["trial"])
        assert (mine.where, mine.seed, mine.seed_set) == ("bench", 5, "operator")
        assert ordered.returncode == (0 if told["verdict"]["outcome"] == "PASS" else 1)
        out, _ = edited.communicate(timeout=120)
        assert "task file own of exec 2" in json.loads(out)["error"]
        assert not [r for r in events(reader, TrialOpened) if r.event.seed in (6, 7)]
        first = next(r.event for r in events(reader, TrialClosed))
        assert first.trial == 1 and first.ended == "returned"
        assert client.send("stop").accepted
        assert command.wait(timeout=150) == 4
    finally:
        for process in (command, ordered, edited, taken_back):
            if process is not None:
                process.kill()
                process.wait()


@pytest.mark.long
def test_a_recorded_program_is_run_again_with_its_task_and_seed(bench) -> None:  # type: ignore[no-untyped-def]
    first = bench.run("exec", bench.program(LIFT), "--task", "cube_lift", "--seed", "3", "--json")
    assert first.code == 0, first.err
    session = Path(first.json["session"]).stem
    again = bench.run("exec", "--from", session, "--trial", "1", "--json")
    assert again.code == 0, again.err
    assert "own operator seed 3" in again.err
    assert again.json["seed"] == 3 and again.json["task"] == "cube_lift"
    assert [c["summary"] for c in again.json["calls"]] == [
        c["summary"] for c in first.json["calls"]
    ], "the same text on the same scene in the stand-in is the same trial"
    other = bench.run("exec", "--from", session, "--trial", "9")
    assert other.code == 2 and "no trial 9" in other.err and "Traceback" not in other.err
    both = bench.run("exec", bench.program(LIFT), "--from", session, "--trial", "1")
    assert both.code == 2 and "not both" in both.err


def _acts(reader) -> list[OperatorAct]:  # type: ignore[no-untyped-def]
    return [r.event for r in events(reader, OperatorAct)]
