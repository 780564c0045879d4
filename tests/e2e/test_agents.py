"""The same task by a hosted agent, an agent from outside and a person at an editor: whole runs.

Each at the bench, a cell host included. Its worker is killed in its first trial: that trial ends,
no other starts, the cell rests in HOLD. Taken up again by the same kind of agent, the program is
mended from what the replies say; two faults, one script.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aspire_tui.domain import AGENT_UNCONFINED
from aspire_tui.events import TrialClosed
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.glyphs import UNICODE
from aspire_tui.tui.panes.strip import Live, strip_rows
from tests.e2e.conftest import Bench
from tests.e2e.hosted import (
    A_TOOL,
    AT_THE_BENCH,
    Use,
    cell_state,
    easy_task,
    from_outside,
    in_node,
    in_python,
    pane,
    said,
    slipped,
    tools_used,
)
from tests.e2e.kills import _moving_call, _reader
from tests.e2e.test_llm import worker_of
from tests.improvement.apprentice import Slip, asks_for_another_thing, reaches_too_high
from tests.improvement.novice import work

pytestmark = pytest.mark.timeout(400)


@dataclass
class Started:
    """A run that goes on, and the terminal it was started at."""

    command: subprocess.Popen[str]
    terminal: int

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def answers(self, prompt: str = "(manual) ", within_s: float = 200.0) -> str:
        """What is on the terminal up to the next prompt."""
        seen, ends = "", time.monotonic() + within_s
        while not seen.endswith(prompt):
            left = max(0.0, ends - time.monotonic())
            ready = select.select([self.terminal], [], [], left)[0]
            assert ready, f"no prompt in {within_s} s: {seen[-400:]}"
            seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        return seen


@contextlib.contextmanager
def started(bench: Bench, kind: str, *words: str, editor: str = "true") -> Iterator[Started]:
    """A run by one kind of agent, in a terminal of its own where that agent is a person."""
    ours, theirs = pty.openpty()
    by_hand = kind == "manual"
    command = subprocess.Popen(
        bench.command("run", *(w for w in words if not (by_hand and w == "--json"))),
        env={**bench.environment, "EDITOR": editor, "TERM": "xterm"},
        stdin=theirs if by_hand else subprocess.DEVNULL,
        stdout=theirs if by_hand else subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Started(command, ours)
    finally:
        command.kill()
        command.wait()
        os.close(ours)


def visits(bench: Bench, slip: Slip) -> tuple[threading.Thread, list[str]]:
    """A client from outside in a thread of its own: its run may die under it."""
    summaries: list[str] = []

    async def mend(use: Use) -> str:
        with contextlib.suppress(Exception):  # told of the run's end in words it does not parse
            summaries.append(await work(use, slipped(slip), (0,)))
        return ""

    def come() -> None:
        asyncio.run(from_outside(bench, mend))

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    return thread, summaries


def killed_in_its_first_trial(bench: Bench, run: Started) -> Path:
    """The worker dies inside a moving call: what the operator is told, and what is left."""
    worker = worker_of(bench)
    with _reader(bench) as reader:
        session = reader.path
        _moving_call(reader)
        os.kill(worker, signal.SIGKILL)
        _, err = run.command.communicate(timeout=120)
    assert run.command.returncode == 5, err
    assert "the agent worker died" in err and "Traceback" not in err
    assert cell_state(bench) == "HOLD"
    with SessionReader(session) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "agent"
        assert "--resume" in snapshot.ended.reason
        closed = [r.event for r in reader.events() if isinstance(r.event, TrialClosed)]
        assert snapshot.trials_opened == snapshot.trials_closed == 1
        assert closed[0].outcome in ("PASS", "FAIL"), "the trial that ran was seen through"
    return session


def went_on(bench: Bench, session: Path) -> list[str]:
    """A run that was taken up again has ended well; its agent pane."""
    with SessionReader(session) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "done"
        numbers = [h.hypothesis for h in reader.hypotheses()]
        assert numbers == sorted(set(numbers)) and len(numbers) >= 2
        assert reader.verify() == []
    assert cell_state(bench) == "HOLD"
    shown = pane(str(session))
    assert any(A_TOOL.match(row) for row in shown)
    return shown


def test_a_hosted_agent_is_lost_and_another_mends_the_program(bench: Bench, tmp_path: Path) -> None:
    """In Node, as the products are, where there is one."""
    hosted = in_python if shutil.which("node") is None else in_node
    options = hosted(tmp_path / "installed", slipped(reaches_too_high))
    with started(bench, "acp", easy_task(bench), *AT_THE_BENCH, *options) as run:
        session = killed_in_its_first_trial(bench, run)
    with started(bench, "acp", "--resume", str(session), "--json") as run:
        out, err = run.command.communicate(timeout=200)
    assert run.command.returncode in (0, 1), err
    told = json.loads(out)
    used = tools_used(told["session"])
    assert {"own execute", "open_hypothesis", "run", "call", "finish"} <= set(used)
    assert told["tokens"]["input"] == 1000 and told["tokens"]["cached"] == 100
    assert told["held_out"]["n"] == (0 if AGENT_UNCONFINED in told["brands"] else 1)
    shown = went_on(bench, session)
    assert "acp" in shown[0]
    assert any("run, read, mend" in row for row in shown)  # its plan
    assert any("asks permission: " in row for row in shown)
    assert any("no answer in time: denied" in row for row in shown)
    assert any("LIMIT at line" in row for row in shown)
    assert "tokens in 1" in shown[-1]


@pytest.mark.long
def test_an_agent_from_outside_is_lost_and_another_mends_a_program_and_is_no_evidence(
    bench: Bench,
) -> None:
    """Whoever comes in after the loss brings another fault."""
    with started(bench, "mcp", easy_task(bench), "--agent", "mcp", *AT_THE_BENCH) as run:
        said(run.command, "I wait for an agent from outside")
        guest, _ = visits(bench, reaches_too_high)
        session = killed_in_its_first_trial(bench, run)
        guest.join(30)
    with started(bench, "mcp", "--resume", str(session), "--json") as run:
        said(run.command, "I wait for an agent from outside")
        guest, summaries = visits(bench, asks_for_another_thing)
        out, err = run.command.communicate(timeout=200)
        guest.join(30)
    assert run.command.returncode in (0, 1), err
    assert "NOT_FOUND at line" in summaries[0]
    told: dict[str, Any] = json.loads(out)
    assert set(told["brands"]) == {AGENT_UNCONFINED, "noise-off"}
    assert told["held_out"]["n"] == 0 and told["outcome"] is None
    assert "finish" in tools_used(told["session"])
    shown = went_on(bench, session)
    assert "mcp" in shown[0] and any("NOT_FOUND at line" in row for row in shown)


EDITOR = """\
import sys
text = open(sys.argv[1]).read()
assert "#| claim:" in text and "#| ^^^ explains the failure" in text, text
open(sys.argv[1], "w").write(text.replace('"blue cube"', '"red cube"'))
"""
SLIPS = """\
import sys
text = open(sys.argv[1]).read()
open(sys.argv[1], "w").write(text.replace('"red cube"', '"blue cube"'))
"""


@pytest.mark.long
def test_a_person_edits_in_a_real_terminal_also_after_a_loss(bench: Bench, tmp_path: Path) -> None:
    """A slip typed in one editor is mended in the next, whose draft shows what it did."""
    mends, slips = tmp_path / "mends.py", tmp_path / "slips.py"
    mends.write_text(EDITOR)
    slips.write_text(SLIPS)
    switch = tmp_path / "switch.sh"
    switch.write_text(
        f'#!/bin/sh\n[ -e "{tmp_path}/once" ] && exec {sys.executable} {mends} "$1"\n'
        f'touch "{tmp_path}/once"\nexec {sys.executable} {slips} "$1"\n'
    )
    switch.chmod(0o755)
    with started(bench, "manual", easy_task(bench), "--agent", "manual", *AT_THE_BENCH) as run:
        session = killed_in_its_first_trial(bench, run)
    with started(bench, "manual", "--resume", str(session), editor=str(switch)) as run:
        assert "You are at hypothesis 1" in run.answers()
        run.types("e\n")
        shown = run.answers()
        assert "-" in shown and '"blue cube"' in shown and "ended NOT_FOUND" in shown
        run.types("e\n")
        assert "hypothesis 3 passes 1 of 1" in run.answers()
        run.types("q\n")
        assert run.command.wait(timeout=200) in (0, 1)
    went_on(bench, session)
    assert tools_used(str(session)).count("run") == 3


@pytest.mark.long
def test_where_no_walls_can_be_built_it_is_said_and_nothing_is_proven(
    bench: Bench, tmp_path: Path
) -> None:
    """A root without any rights cannot make namespaces: the agent runs, and that is all."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only a root has rights to give up")
    options = in_python(tmp_path / "installed", slipped(asks_for_another_thing))
    headless = [word for word in AT_THE_BENCH if word not in ("--speed", "10")]
    command = bench.command("run", easy_task(bench), *options, *headless, "--headless")
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command, "--i-accept-no-sandbox"],
        env=bench.environment, capture_output=True, text=True, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert AGENT_UNCONFINED in told["brands"] and told["held_out"]["n"] == 0, done.stderr
    assert told["outcome"] is None and told["best"]["hypothesis"] == 2
    with SessionReader(Path(told["session"])) as reader:
        snapshot = reader.snapshot()
    assert snapshot.ended is not None and "not confined" in snapshot.ended.reason
    rows = strip_rows(snapshot, Live(), "replay", 100, UNICODE)
    assert any(AGENT_UNCONFINED in "".join(s.text for s in row) for row in rows)
