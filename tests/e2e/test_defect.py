"""A defect in the engine, put there by the test: the session says how it ended, the cell holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aspire_tui.commands.jobs import make_job, tasks_named
from aspire_tui.config import find_workspace
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.engine import spawn
from aspire_tui.engine.client import EngineClient
from aspire_tui.session.reader import SessionReader
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths

WATCHER = """
from aspire_tui.engine.attendance import Attendance
look = Attendance.look
async def broken(self):
    await look(self)
    bench = self._engine.bench
    if bench.trial is not None and bench.phase == "executing" and not bench._no_call.is_set():
        None + 1
Attendance.look = broken
"""
COMMAND = """
from aspire_tui.engine.commands import Commands
def broken(self, c):
    return {}["no such"]
Commands._pause_agent = broken
"""
MAIN = "\nfrom aspire_tui.engine.main import main\nraise SystemExit(main())"


def started(bench, monkeypatch: pytest.MonkeyPatch, injected: str, attended: bool):  # type: ignore[no-untyped-def]
    """A real engine process with one defect more."""
    for name, value in bench.environment.items():
        monkeypatch.setenv(name, value)
    real = subprocess.Popen

    def popen(command: list[str], **how):  # type: ignore[no-untyped-def]
        if "aspire_tui.engine.main" in command:
            at = command.index("-m")
            command = [*command[:at], "-c", injected + MAIN, *command[at + 2 :]]
        return real(command, **how)

    monkeypatch.setattr(spawn.subprocess, "Popen", popen)
    workspace = find_workspace(bench.home)
    spec = RunSpec(
        verb="run", tasks=("cube_lift",), cell="yam", agent="rules", seed=0, attended=attended,
        budget=Budget(), rounds=0,
    )  # fmt: skip
    return spawn.start_engine(make_job(spec, tasks_named(["cube_lift"], workspace), workspace))


def how_it_ended(path: Path) -> tuple[str, str]:
    with SessionReader(path) as reader:
        assert reader.verify() == []
        ended = reader.snapshot().ended
        assert ended is not None, "a session that ends says so"
    return ended.stopped_by, ended.reason


def test_a_watcher_that_breaks_ends_the_session_and_the_cell_holds(bench, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    engine = started(bench, monkeypatch, WATCHER, attended=True)
    assert engine.process.wait(timeout=90) == 5
    by, reason = how_it_ended(engine.session)
    assert by == "fault" and "TypeError" in reason and "\n" not in reason
    stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
    try:
        assert stream.wait(5.0).status.state == "HOLD"
    finally:
        stream.close()


def test_a_command_that_breaks_is_answered_and_ends_the_session(bench, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    engine = started(bench, monkeypatch, COMMAND, attended=False)
    reply = EngineClient(engine.socket, "tester", 10.0).send("pause_agent")
    assert not reply.accepted and "the engine failed: KeyError" in reply.reason
    assert engine.process.wait(timeout=60) == 5
    by, reason = how_it_ended(engine.session)
    assert by == "fault" and "KeyError" in reason
