"""The same task by a hosted agent, an agent from outside and a person at an editor: whole runs.

Each at the bench, a cell host included; two faults, one script, which reads them from the replies.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aspire_tui.domain import AGENT_UNCONFINED
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.glyphs import UNICODE
from aspire_tui.tui.panes.strip import Live, strip_rows
from tests.e2e.conftest import Bench
from tests.e2e.hosted import (
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
from tests.improvement.apprentice import Slip, asks_for_another_thing, reaches_too_high
from tests.improvement.novice import work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FAULTS = pytest.mark.parametrize(
    ("slip", "status"), [(asks_for_another_thing, "NOT_FOUND"), (reaches_too_high, "LIMIT")]
)
A_TOOL = re.compile(r"^\S+ \S open_hypothesis\(")


@FAULTS
def test_a_hosted_agent_mends_a_program(
    bench: Bench, tmp_path: Path, slip: Slip, status: str
) -> None:
    """One in Python over the SDKs, one in Node as the products are."""
    node = shutil.which("node") is not None and slip is reaches_too_high
    options = (in_node if node else in_python)(tmp_path / "installed", slipped(slip))
    done = bench.run("run", easy_task(bench), *options, *AT_THE_BENCH, timeout=300)
    assert done.code in (0, 1), done.err
    told = done.json
    used = tools_used(told["session"])
    assert {"own execute", "open_hypothesis", "run", "call", "finish"} <= set(used)
    assert told["tokens"]["input"] == 1000 and told["tokens"]["cached"] == 100
    assert told["held_out"]["n"] == (0 if AGENT_UNCONFINED in told["brands"] else 2)
    shown = pane(told["session"])
    assert "acp" in shown[0] and any(A_TOOL.match(row) for row in shown)
    assert any("run, read, mend" in row for row in shown)  # its plan
    assert any("asks permission: " in row for row in shown)
    assert any("no answer in time: denied" in row for row in shown)
    assert any(f"{status} at line" in row for row in shown)
    assert "tokens in 1" in shown[-1]
    assert cell_state(bench) == "HOLD"


@FAULTS
async def test_an_agent_from_outside_mends_a_program_and_is_no_evidence(
    bench: Bench, slip: Slip, status: str
) -> None:
    running = bench.start("run", easy_task(bench), "--agent", "mcp", *AT_THE_BENCH)
    try:
        said(running, "I wait for an agent from outside")

        async def mend(use: Use) -> str:
            return await work(use, slipped(slip), (0,))

        summary = await from_outside(bench, mend)
        assert f"{status} at line" in summary
        told = json.loads(running.communicate(timeout=200)[0])
    finally:
        running.kill()
    assert set(told["brands"]) == {AGENT_UNCONFINED, "noise-off"}
    assert told["held_out"]["n"] == 0 and told["outcome"] is None
    assert "finish" in tools_used(told["session"])
    shown = pane(told["session"])
    assert "mcp" in shown[0] and any(A_TOOL.match(row) for row in shown)
    assert any(f"{status} at line" in row for row in shown)
    assert cell_state(bench) == "HOLD"


EDITOR = """\
import sys
text = open(sys.argv[1]).read()
assert "#| claim:" in text and "#| ^^^ explains the failure" in text, text
open(sys.argv[1], "w").write(text.replace('"blue cube"', '"red cube"'))
"""


def test_a_person_edits_in_a_real_terminal(bench: Bench, tmp_path: Path) -> None:
    """A slip typed in one editor is mended in the next, whose draft shows what it did."""
    editor, slips = tmp_path / "editor.py", tmp_path / "slips.py"
    editor.write_text(EDITOR)
    slips.write_text(
        "import sys\ntext = open(sys.argv[1]).read()\n"
        "open(sys.argv[1], 'w').write(text.replace('\"red cube\"', '\"blue cube\"'))\n"
    )
    switch = tmp_path / "switch.sh"
    switch.write_text(
        f'#!/bin/sh\n[ -e "{tmp_path}/once" ] && exec {sys.executable} {editor} "$1"\n'
        f'touch "{tmp_path}/once"\nexec {sys.executable} {slips} "$1"\n'
    )
    switch.chmod(0o755)
    ours, theirs = pty.openpty()
    environment = {**bench.environment, "EDITOR": str(switch), "TERM": "xterm"}
    options = [word for word in AT_THE_BENCH if word != "--json"]
    running = subprocess.Popen(
        bench.command("run", easy_task(bench), "--agent", "manual", *options),
        env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        assert "hypothesis 1 passes" in answered(ours, "(manual) ")
        os.write(ours, b"e\n")
        shown = answered(ours, "(manual) ")
        assert "-" in shown and '"blue cube"' in shown and "ended NOT_FOUND" in shown
        os.write(ours, b"e\n")
        shown = answered(ours, "(manual) ")
        assert "hypothesis 3 passes 1 of 1" in shown
        os.write(ours, b"q\n")
        assert running.wait(timeout=200) in (0, 1)
    finally:
        running.kill()
        os.close(ours)
    session = next((bench.home / "sessions").glob("*.db"))
    assert tools_used(str(session)).count("run") == 3
    assert any(A_TOOL.match(row) for row in pane(str(session)))
    assert cell_state(bench) == "HOLD"
    with SessionReader(session) as reader:
        assert reader.snapshot().ended is not None and reader.verify() == []


def answered(terminal: int, prompt: str, within_s: float = 200.0) -> str:
    """What is on the terminal up to the next prompt."""
    seen, ends = "", time.monotonic() + within_s
    while not seen.endswith(prompt):
        ready = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))[0]
        assert ready, f"no prompt in {within_s} s: {seen[-400:]}"
        seen += os.read(terminal, 65536).decode("utf-8", "replace")
    return seen


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
