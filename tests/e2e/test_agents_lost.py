"""An agent worker dies in a trial at the bench: that trial ends, no other starts, the cell rests in
HOLD, and the run is taken up again by the same kind of agent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aspire_tui.events import TrialClosed
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.hosted import (
    AT_THE_BENCH,
    Use,
    cell_state,
    easy_task,
    from_outside,
    in_node,
    said,
    slipped,
)
from tests.e2e.kills import _moving_call, _reader
from tests.e2e.test_agents import answered
from tests.e2e.test_llm import worker_of
from tests.improvement.apprentice import Apprentice, reaches_too_high
from tests.improvement.loopback import Asked, Fails, Loopback, Says
from tests.improvement.novice import work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@contextlib.contextmanager
def started(bench: Bench, kind: str, folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A run by one kind of agent, in a terminal of its own where that agent is a person."""
    words = ["run", easy_task(bench), *more, *AT_THE_BENCH] if not more else ["run", *more]
    if kind == "acp" and not more:
        words += in_node(folder, slipped(reaches_too_high))
    elif not more:
        words += ["--agent", kind]
    if kind == "manual":
        words = [w for w in words if w != "--json"]
    ours, theirs = pty.openpty()
    by_hand = kind == "manual"
    running = subprocess.Popen(
        bench.command(*words),
        env={**bench.environment, "EDITOR": "true", "TERM": "xterm"},
        stdin=theirs if by_hand else subprocess.DEVNULL,
        stdout=theirs if by_hand else subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    running.terminal = ours  # type: ignore[attr-defined]
    try:
        yield running
    finally:
        running.kill()
        os.close(ours)


def visits(bench: Bench, slip: str) -> threading.Thread:
    """A client from outside in a thread of its own: its run may die under it."""

    async def mend(use: Use) -> str:
        with contextlib.suppress(Exception):  # told of the run's end in words it does not parse
            return await work(use, slip, (0,))
        return ""

    def come() -> None:
        asyncio.run(from_outside(bench, mend))

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["acp", "mcp", "manual"])
def test_killed_in_a_trial_at_the_bench_and_taken_up_again(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    with started(bench, kind, tmp_path / "installed") as running:
        guest = None
        if kind == "mcp":
            said(running, "I wait for an agent from outside")
            guest = visits(bench, slipped(reaches_too_high))
        worker = worker_of(bench)
        with _reader(bench) as reader:
            session = reader.path
            _moving_call(reader)
            os.kill(worker, signal.SIGKILL)
            _, err = running.communicate(timeout=120)
        assert running.returncode == 5, err
        assert "the agent worker died" in err and "Traceback" not in err
        if guest is not None:
            guest.join(30)
    assert cell_state(bench) == "HOLD"
    with SessionReader(session) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "agent"
        assert "--resume" in snapshot.ended.reason
        closed = [r.event for r in reader.events() if isinstance(r.event, TrialClosed)]
        assert snapshot.trials_opened == snapshot.trials_closed == 1
        assert closed[0].outcome in ("PASS", "FAIL"), "the trial that ran was seen through"

    with started(bench, kind, tmp_path, "--resume", str(session), "--json") as running:
        if kind == "mcp":
            said(running, "I wait for an agent from outside")
            visits(bench, slipped(reaches_too_high))
        if kind == "manual":
            shown = answered(running.terminal, "(manual) ")  # type: ignore[attr-defined]
            assert "hypothesis 1" in shown
            os.write(running.terminal, b"q\n")  # type: ignore[attr-defined]
        out, err = running.communicate(timeout=200)
        assert running.returncode in (0, 1), err
    with SessionReader(session) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "done"
        numbers = [h.hypothesis for h in reader.hypotheses()]
        assert numbers == sorted(set(numbers)) and len(numbers) >= (1 if kind == "manual" else 2)
        assert reader.verify() == []
    if kind != "manual":
        assert json.loads(out)["stopped_by"] == "done"
    assert cell_state(bench) == "HOLD"


def test_a_provider_that_stays_away_leaves_the_cell_in_hold(bench: Bench) -> None:
    """Asked again for as long as that may help, then given up: at the bench, with a model."""
    apprentice = Apprentice(reaches_too_high)

    def script(asked: Asked) -> Says | Fails:
        if any(use.name == "run" for use in asked.uses()):
            return Fails(401, {"error": {"message": "revoked"}})
        return apprentice(asked)

    with Loopback(script) as loopback:
        words = ("--agent", "llm", "--model", "anthropic:claude-haiku-4-5",
                 "--base-url", loopback.url("anthropic"))  # fmt: skip
        done = bench.run("run", easy_task(bench), *words, *AT_THE_BENCH, timeout=300)
    assert done.code == 5, done.err
    assert "the key is not accepted" in done.err and "--resume" in done.err
    assert cell_state(bench) == "HOLD"
    with SessionReader(Path(done.json["session"])) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "agent"
        assert snapshot.trials_opened == snapshot.trials_closed == 1
