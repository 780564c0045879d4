"""A program asks a person through a real engine: nobody, then somebody, with HOLD in between."""

from __future__ import annotations

import json

import pytest

from aspire_tui.events import (
    AgentAnswered,
    AgentAsked,
    CallIntent,
    CallResult,
    CallStood,
    TrialClosed,
)
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until
from tests.e2e.test_standing import attached

PROGRAM = """
for n in range(300):
    said = ask_operator("which cube first?")
    if said:
        break
    assert said.status == "TIMEOUT" and said.text == ""
    wait(0.2)
print("heard", said.text)
wait(0.1)
"""


@pytest.mark.long
def test_nobody_is_a_timeout_at_once_and_an_answer_does_not_undo_a_hold(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_lift", "--rounds", "0", "--speed", "5", "--json")
    ordered = None
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        assert client.send("break", {"primitive": "sample_grasp_pose"}).accepted
        until(lambda: events(reader, CallStood), "the run's own program stands")
        ordered = bench.start("exec", bench.program(PROGRAM), "--task", "cube_lift", "--json")
        until(lambda: client.send("job", {"number": 1}).accepted, "the order came")
        assert client.send("unbreak").accepted and client.send("abort").accepted
        until(lambda: events(reader, TrialClosed), "the run's own trial is aborted")
        until(lambda: client.send("resume").accepted, "the order's trial may start")
        until(lambda: events(reader, AgentAnswered), "the first question ends")
        assert events(reader, AgentAnswered)[0].event.status == "TIMEOUT"

        def there() -> None:
            beat = {"key_age_s": 0.0, "attached": True}
            assert client.send("present", beat).accepted

        def open_question() -> int | None:
            there()
            done = {r.event.question for r in events(reader, AgentAnswered)}
            asked = [r.event for r in events(reader, AgentAsked) if r.event.question not in done]
            return asked[-1].question if asked else None

        client.console = "screen-1"
        question = until(open_question, "a question stands")
        until(lambda: there() or reader.snapshot().phase.phase == "needs_operator", "it is shown")
        assert events(reader, AgentAsked)[-1].event.asker == "program"

        asked = events(reader, CallIntent)[-1].event.call
        assert client.send("hold").accepted
        assert client.send("reply", {"question": question, "text": "the red one"}).accepted
        assert not client.send("reply", {"question": question, "text": "no"}).accepted
        until(
            lambda: there() or events(reader, CallResult)[-1].event.call >= asked,
            "the call that asked is answered",
        )
        result = events(reader, CallResult)[-1].event
        assert (result.primitive, result.status) == ("ask_operator", "OK")
        assert result.value["text"] == "the red one"
        until(lambda: there() or events(reader, CallIntent)[-1].event.call > asked, "the next one")
        until(lambda: there() or reader.snapshot().phase.phase == "held", "stands in HOLD")
        assert events(reader, CallResult)[-1].event.call == asked

        until(lambda: client.send("resume").accepted, "goes on")
        mine = events(reader, CallResult)[-1].event.trial
        closed = until(
            lambda: (
                there() or [r.event for r in events(reader, TrialClosed) if r.event.trial == mine]
            ),
            "the trial ends",
        )[0]
        assert (closed.outcome, closed.counted, closed.ended) == ("UNSURE", False, "returned")
        out, _ = ordered.communicate(timeout=60)
        said = json.loads(out)
        assert said["verdict"]["outcome"] == "UNSURE"
        assert "nobody answered" in said["verdict"]["reason"]
        assert said["stdout"] == "heard the red one\n"
        assert ordered.returncode == 1
    finally:
        for process in (command, ordered):
            if process is not None:
                process.kill()
                process.wait()
