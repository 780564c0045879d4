"""A hosted agent asks for permission, and the person at a real screen answers by key, or does not.

tmux, the real console, engine and cell host, and the scripted agent over the official SDK.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aspire_tui.events import AgentAnswered, AgentAsked, AgentSaid, AgentTool, OperatorTold
from tests.e2e.conftest import Bench
from tests.e2e.hosted import easy_task, in_python
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until
from tests.e2e.test_screen import Tmux, command, tmux

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
__all__ = ["tmux"]
DENIED_AFTER_S = "8"


def test_allowed_by_key_written_to_and_denied_when_nobody_answers(
    bench: Bench, tmux: Tmux, tmp_path: Path
) -> None:
    options = (*in_python(tmp_path / "installed", "", "asks"), "--permit-within", DENIED_AFTER_S)
    tmux.open(command(bench, "run", easy_task(bench), *options), size=(150, 45))
    try:
        tmux.shows("asks permission: make test")
        reader = _reader(bench)
        tmux.press("m")
        tmux.shows("make test")
        tmux.press("Tab", "Enter")
        first = until(lambda: events(reader, AgentAnswered), "the permission is given")[0].event
        assert (first.status, first.text) == ("OK", "allowed")
        tmux.press("i", *"left", "Enter")
        until(lambda: events(reader, OperatorTold), "the message is taken")
        tmux.shows("asks permission: open a shell")
        tmux.shows("no answer in time: denied")  # somebody is there, and answers nothing
        ended = until(lambda: reader.snapshot().ended, "the run ends")
    finally:
        bench.run("stop")
    assert ended.reason == "no program was proposed"
    asked = [e.event for e in events(reader, AgentAsked)]
    assert [(a.text, a.permission, a.within_s) for a in asked] == [
        ("make test", True, 8.0), ("open a shell", True, 8.0),
    ]  # fmt: skip
    second = events(reader, AgentAnswered)[1].event
    assert (second.status, second.text, second.who) == ("TIMEOUT", "denied", "engine")
    assert second.who != first.who != ""
    said = "".join(e.event.text for e in events(reader, AgentSaid))
    assert "make test: given" in said and "open a shell: denied" in said
    told = [e.event for e in events(reader, OperatorTold)]
    assert [(t.text, t.who) for t in told] == [("left", first.who)]
    (finish,) = [e.event for e in events(reader, AgentTool) if e.event.tool == "finish"]
    assert "The operator writes: left" in str(finish.args["summary"])
