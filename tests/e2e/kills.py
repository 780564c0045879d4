"""Kills one process of an attended run inside a moving call, and looks at what is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Literal

from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from drivers.client import StateStream
from drivers.hostlock import holder_of
from drivers.runtime_dir import cell_paths
from tests.e2e.conftest import Bench
from tests.e2e.processes import with_runtime

Victim = Literal["console", "engine", "cell host"]
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Aftermath:
    """What was found after the kill."""

    acknowledged: int
    """Newest event a reader had seen before the kill."""
    kept: int
    problems: list[object]
    in_flight: str
    cell_state: str
    still_moving: bool
    left: tuple[str, ...]
    """Command lines of processes that should be gone."""
    ended: str
    engine_lives: bool


def kill_inside_a_moving_call(bench: Bench, victim: Victim, after_s: float) -> Aftermath:
    """Start a run, wait for a moving call, wait ``after_s`` more, SIGKILL the victim."""
    command = bench.start("run", "cube_stack", "--rounds", "0", "--speed", "1", "--json")
    try:
        reader = _reader(bench)
        call = _moving_call(reader)
        time.sleep(after_s)
        seen = reader.last_seq()
        os.kill(_pid(bench, victim, command), signal.SIGKILL)
        return _look(bench, victim, reader, seen, call)
    finally:
        command.kill()
        command.wait()
        end_everything(bench)


def _reader(bench: Bench) -> SessionReader:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for path in (bench.home / "sessions").glob("*.db"):
            try:
                reader = SessionReader(path)
                if reader.last_seq():
                    return reader
            except SessionFileError:
                pass
        time.sleep(0.05)
    raise TimeoutError("no session was begun")


def _moving_call(reader: SessionReader) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        call = reader.snapshot().in_flight
        if call is not None and call.primitive == "goto_pose":
            return call.primitive
        time.sleep(0.01)
    raise TimeoutError("no call moved")


def _pid(bench: Bench, victim: Victim, command: subprocess.Popen[str]) -> int:
    if victim == "console":
        return command.pid
    if victim == "engine":
        return _engines(bench)[0]
    holder = holder_of(cell_paths("yam", bench.runtime / "aspire").lock)
    assert holder is not None
    return holder.pid


def _engines(bench: Bench) -> list[int]:
    return [pid for pid, line in _processes(bench).items() if "aspire_tui.engine.main" in line]


def _processes(bench: Bench) -> dict[int, str]:
    return with_runtime(bench.runtime)


def end_everything(bench: Bench) -> None:
    """No process of this bench is left behind."""
    for pid in _processes(bench):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _look(bench: Bench, victim: Victim, reader: SessionReader, seen: int, call: str) -> Aftermath:
    stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
    until = time.monotonic() + 8.0
    state, speed = "gone", 0.0
    while time.monotonic() < until:
        now = stream.wait(0.2)
        if now is not None:
            state = now.status.state
            speed = max(abs(v) for v in now.status.arms[0].dq_rad_s)
            if victim == "engine" and state == "HOLD" and speed < 0.02 and not _left(bench):
                break
        if victim == "cell host" and reader.snapshot().ended is not None and not _left(bench):
            break
        if victim == "console" and reader.last_seq() > seen + 2:
            break
    stream.close()
    snapshot = reader.snapshot()
    return Aftermath(
        acknowledged=seen,
        kept=reader.last_seq(),
        problems=list(reader.verify()),
        in_flight=call,
        cell_state=state,
        still_moving=speed > 0.02,
        left=_left(bench),
        ended=snapshot.ended.stopped_by if snapshot.ended else "",
        engine_lives=bool(_engines(bench)),
    )


def _left(bench: Bench) -> tuple[str, ...]:
    """Everything of this bench but the cell host, its camera process and the command itself."""
    return tuple(
        line
        for line in _processes(bench).values()
        if "drivers.host" not in line
        and "drivers.cameras" not in line
        and "aspire_tui.cli" not in line
    )
