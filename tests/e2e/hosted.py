"""Runs by agents that are no model of ours: how they are started, looked at, and lost."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from aspire_tui.environment.task_file import SHIPPED, find_task
from aspire_tui.events import AgentTool, HypothesisOpened
from aspire_tui.improvement.rules.compose import compose
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.moment import Asked, Remembered, read_moment
from aspire_tui.tui.panes.agent import agent_body
from aspire_tui.tui.panes.body import Look
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.conftest import Bench
from tests.improvement.apprentice import Slip

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)
LIBRARIES = site.getsitepackages()[0]
NOVICES = CHECKOUT / "tests" / "improvement"
CRITERION = "[criterion]\nheld_out_n = 1\nmin_lower_bound = 0.05\ndev_n = 2\nselection_n = 5\n"
AT_THE_BENCH = (
    "--seed",
    "5",
    "--speed",
    "10",
    "--noise-off",
    "--workers",
    "1",
    "--json",
)
Use = Callable[[str, dict[str, Any]], Awaitable[str]]


def easy_task(bench: Bench) -> str:
    """Lifting a cube, with a search of a few trials."""
    text = (SHIPPED / "cube_lift.toml").read_text()
    path = bench.home / "easy.toml"
    path.write_text(text.replace('"cube_lift"', '"easy"', 1) + "\n" + CRITERION)
    return str(path)


def slipped(slip: Slip) -> str:
    """The plain program of that task with a plausible mistake in it."""
    task = find_task("cube_lift", (SHIPPED,))
    return slip(compose(task), task)


def in_python(folder: Path, program: str, mode: str = "short") -> tuple[str, ...]:
    """The options of a run by the scripted agent over both official SDKs."""
    folder.mkdir(exist_ok=True)
    for name in ("novice.py", "acp_novice.py"):
        shutil.copy(NOVICES / name, folder / name)
    (folder / "first.py").write_text(program)
    command = f"{PYTHON} {folder}/acp_novice.py {LIBRARIES} {folder}/first.py {mode} {CHECKOUT}"
    return ("--agent", "acp", "--acp-command", command, "--acp-installed", str(folder),
            "--acp-installed", LIBRARIES)  # fmt: skip


def in_node(folder: Path, program: str, mode: str = "work") -> tuple[str, ...]:
    """The options of a run by the scripted agent in Node, which has both protocols by hand."""
    folder.mkdir(exist_ok=True)
    shutil.copy(NOVICES / "acp_novice.mjs", folder / "acp_novice.mjs")
    (folder / "first.py").write_text(program)
    command = f"node {folder}/acp_novice.mjs {folder}/first.py {mode} {CHECKOUT} /etc/shadow"
    return ("--agent", "acp", "--acp-command", command, "--acp-installed", str(folder))


async def from_outside(bench: Bench, do: Callable[[Use], Awaitable[str]]) -> str:
    """A real MCP client comes in through ``aspire-tui mcp`` and works."""
    _, *arguments = bench.command("mcp")
    door = StdioServerParameters(command=sys.executable, args=arguments, env=bench.environment)
    async with stdio_client(door) as streams, ClientSession(*streams) as session:
        await session.initialize()

        async def use(name: str, args: dict[str, Any]) -> str:
            got = await session.call_tool(name, args)
            return "\n".join(c.text for c in got.content if c.type == "text")

        return await do(use)


def said(running: subprocess.Popen[str], words: str) -> None:
    """Read what a command tells of its run until these words come."""
    assert running.stderr is not None
    told = []
    for line in running.stderr:
        told.append(line)
        if words in line:
            return
    raise AssertionError(f"never said: {words}\n{''.join(told[-20:])}")


def tools_used(session: str) -> list[str]:
    """Tools by name, in order, of a session in which a program was mended."""
    with SessionReader(Path(session)) as reader:
        events = [r.event for r in reader.events()]
    assert any(isinstance(e, HypothesisOpened) and e.parent for e in events)  # it was mended
    return [e.tool for e in events if isinstance(e, AgentTool)]


A_TOOL = re.compile(r"^\S+ \S open_hypothesis\(")
"""How the agent pane shows that a program was put into the tree, whoever did."""


def pane(session: str) -> list[str]:
    """The agent pane as a console shows it at the end of a session."""
    with SessionReader(Path(session)) as reader:
        body = agent_body(read_moment(reader, Asked(), Remembered()), Look(width=150))
    rows = ["".join(s.text for s in body.lines.line(n)) for n in range(len(body.lines))]
    return [body.title, *rows, body.foot]


def cell_state(bench: Bench, within_s: float = 20.0) -> str:
    """The state the cell host tells, once nothing moves any more."""
    stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
    until, state = time.monotonic() + within_s, "silent"
    try:
        while time.monotonic() < until:
            seen = stream.wait(0.2)
            if seen is not None:
                state = seen.status.state
                if max(abs(v) for arm in seen.status.arms for v in arm.dq_rad_s) < 0.02:
                    return state
    finally:
        stream.close()
    return state
