"""The same task by a hosted agent, an agent from outside and a person at an editor: whole runs."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import site
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from aspire_tui.domain import AGENT_UNCONFINED
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import AgentTool, HypothesisOpened
from aspire_tui.improvement.rules.compose import compose
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.improvement.novice import work

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)
LIBRARIES = site.getsitepackages()[0]
SHORT = ("--headless", "--workers", "1", "--held-out", "1", "--speed", "10")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def wrong_program() -> str:
    """The plain program with a colour the table does not have."""
    task = find_task("cube_stack", (CHECKOUT / "aspire_tui" / "environment" / "tasks",))
    return compose(task).replace(f'"{task.objects[0].name}"', '"blue cube"')


def tools_used(session: str) -> list[str]:
    with SessionReader(Path(session)) as reader:
        events = [r.event for r in reader.events()]
    assert any(isinstance(e, HypothesisOpened) and e.parent for e in events)  # it was mended
    return [e.tool for e in events if isinstance(e, AgentTool)]


def test_a_hosted_agent_mends_a_program(bench: Bench, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    for name in ("novice.py", "acp_novice.py"):
        shutil.copy(CHECKOUT / "tests" / "improvement" / name, installed / name)
    (installed / "first.py").write_text(wrong_program())
    agent = f"{PYTHON} {installed}/acp_novice.py {LIBRARIES} {installed}/first.py short {CHECKOUT}"
    done = bench.run(
        "run", "cube_stack", "--agent", "acp", "--acp-command", agent, "--acp-installed",
        str(installed), "--acp-installed", LIBRARIES, *SHORT, "--json", timeout=300,
    )  # fmt: skip
    assert done.code in (0, 1), done.err
    told = done.json
    used = tools_used(told["session"])
    assert {"own execute", "open_hypothesis", "run", "calls", "call", "finish"} <= set(used)
    assert told["tokens"]["input"] == 1000 and told["tokens"]["cached"] == 100
    if AGENT_UNCONFINED in told["brands"]:
        assert told["held_out"]["n"] == 0
    else:
        assert told["held_out"]["n"] == 1


async def test_an_agent_from_outside_mends_a_program_and_is_no_evidence(bench: Bench) -> None:
    running = subprocess.Popen(
        bench.command("run", "cube_stack", "--agent", "mcp", *SHORT, "--json"),
        env=bench.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert running.stderr is not None
        until(running, "I wait for an agent from outside")
        _, *arguments = bench.command("mcp")
        door = StdioServerParameters(command=sys.executable, args=arguments, env=bench.environment)
        async with stdio_client(door) as streams, ClientSession(*streams) as session:
            await session.initialize()

            async def use(name: str, args: dict[str, object]) -> str:
                got = await session.call_tool(name, args)
                return "\n".join(c.text for c in got.content if c.type == "text")

            summary = await work(use, wrong_program(), (0,))
        assert "NOT_FOUND" in summary
        told = json.loads(running.communicate(timeout=200)[0])
    finally:
        running.kill()
    assert told["brands"] == [AGENT_UNCONFINED] and told["held_out"]["n"] == 0
    assert told["outcome"] is None and "finish" in tools_used(told["session"])


def until(running: subprocess.Popen[str], words: str) -> None:
    assert running.stderr is not None
    for line in running.stderr:
        if words in line:
            return
    raise AssertionError(f"never said: {words}")


EDITOR = """\
import sys
text = open(sys.argv[1]).read()
assert "#| claim:" in text and "#| hypothesis 1 passes" in text, text
open(sys.argv[1], "w").write(text.replace("z_approach=0.1", "z_approach=0.09"))
"""


def test_a_person_edits_in_a_real_terminal(bench: Bench, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(EDITOR)
    ours, theirs = pty.openpty()
    environment = {**bench.environment, "EDITOR": f"{sys.executable} {editor}", "TERM": "xterm"}
    running = subprocess.Popen(
        bench.command("run", "cube_stack", "--agent", "manual", *SHORT),
        env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        assert "hypothesis 1 passes" in answered(ours, "(manual) ")
        os.write(ours, b"e\n")
        shown = answered(ours, "(manual) ")
        assert "z_approach=0.09" in shown and "hypothesis 2 passes" in shown
        os.write(ours, b"q\n")
        assert running.wait(timeout=200) in (0, 1)
    finally:
        running.kill()
        os.close(ours)
    session = next((bench.home / "sessions").glob("*.db"))
    assert tools_used(str(session)).count("run") == 2


def answered(terminal: int, prompt: str, within_s: float = 200.0) -> str:
    """What is on the terminal up to the next prompt."""
    seen, ends = "", time.monotonic() + within_s
    while not seen.endswith(prompt):
        ready = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))[0]
        assert ready, f"no prompt in {within_s} s: {seen[-400:]}"
        seen += os.read(terminal, 65536).decode("utf-8", "replace")
    return seen
