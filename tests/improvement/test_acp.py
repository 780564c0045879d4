"""A hosted agent over the real protocol SDK: shown, steered, permitted, counted, and held in."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from acp.schema import Cost, McpServerStdio, Usage

from aspire_tui.domain import JSON, Tokens
from aspire_tui.errors import ConfigError
from aspire_tui.improvement.acp import presets
from aspire_tui.improvement.acp.agent import HostedAgent
from aspire_tui.improvement.acp.confinement import (
    Confinement,
    Premises,
    confined_command,
    prove,
    reads_of,
)
from aspire_tui.improvement.acp.link import Link
from aspire_tui.improvement.acp.pane import Pane, is_ours
from aspire_tui.improvement.acp.provider_way import ProviderWay
from aspire_tui.improvement.acp.start import run_acp
from aspire_tui.improvement.acp.usage import Account
from aspire_tui.improvement.tools import ToolRefused
from tests.improvement.desk import Desk

HERE = Path(__file__).resolve().parent
LIBRARIES = site.getsitepackages()[0]
PYTHON = os.path.realpath(sys.executable)


class TalkingDesk(Desk):
    """A desk with a person: permissions and interruptions."""

    allow = False
    interrupt = ""
    standing: dict[str, Any] = {}

    def report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        answer = super().report(what, fields)
        if what == "permission":
            return self.allow
        if what == "standing":
            waits = bool(self.interrupt) and any(w == "speech" for w, _ in self.reports)
            return {"exhausted": "", "waiting": int(waits), "interrupts": waits, **self.standing}
        return answer

    def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        if tool == "told":
            said, self.interrupt = self.interrupt, ""
            return {"messages": [said] if said else []}
        return super().use(tool, args)


def scripted(tmp_path: Path, mode: str) -> dict[str, str]:
    """The options of the scripted agent, installed where it may be read."""
    installed = tmp_path / "installed"
    installed.mkdir()
    for name in ("novice.py", "acp_novice.py"):
        shutil.copy(HERE / name, installed / name)
    (installed / "first.py").write_text('find("blue cube")\n')
    command = f"{PYTHON} {installed}/acp_novice.py {LIBRARIES} {installed}/first.py {mode} {HERE}"
    options = presets.options_of(command, [], [], [str(installed), LIBRARIES], "native")
    return {name: getattr(options, name) for name in options.__struct_fields__}


def hypotheses(desk: Desk) -> dict[str, Any]:
    """A small cell: what names the red cube passes."""
    programs: list[str] = []

    def opened(args: dict[str, Any]) -> JSON:
        programs.append(args["program"])
        return {"hypothesis": len(programs), "program": "sha", "findings": []}

    def ran(args: dict[str, Any]) -> JSON:
        outcome = "PASS" if "red cube" in programs[args["hypothesis"] - 1] else "FAIL"
        return [
            {"trial": 5, "seed_index": s, "outcome": outcome, "ended": "returned", "reason": "",
             "implicated": 1} for s in args["seed_indices"]
        ]  # fmt: skip

    call = {"call": 1, "primitive": "find", "status": "NOT_FOUND", "line": 1, "duration_s": 0.1,
            "summary": "nothing", "args": {"name": "blue cube"}}  # fmt: skip
    task = {"name": "t", "objects": [{"name": "red cube"}, {"name": "tray"}]}
    answers = {"task": task, "open_hypothesis": opened, "run": ran, "calls": [call], "call": call}
    return {**answers, "judge": {"status": "kept"}}


@pytest.fixture(scope="module")
def held_in() -> Confinement:
    return prove(reads_of("/usr/bin/env", [LIBRARIES]), [str(HERE), "/etc/shadow"])


def test_the_walls_hold_where_they_can_be_built(held_in: Confinement) -> None:
    if held_in.why_not:
        pytest.skip(f"no walls here: {held_in.why_not}")
    leaky = prove(reads_of("/usr/bin/env", [LIBRARIES]), ["/usr/bin"])
    assert "it could reach /usr/bin/" in leaky.why_not  # the probe sees what is there


def under(*limits: str) -> list[str]:
    """A command prefix that takes rights away from a root; where there is none to take, a skip."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only a root has rights to give up")
    return ["setpriv", *limits, sys.executable, "-c"]


PROVE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from aspire_tui.improvement.acp.confinement import prove, reads_of
print(prove(reads_of("/usr/bin/env", [sys.argv[2]]), ["/etc/shadow"]).why_not or "held in")
"""


@pytest.mark.parametrize(
    ("without", "told"),
    [("-sys_admin", "held in"), ("-all", "not confined: Operation not permitted")],
)
def test_the_walls_need_no_rights_but_user_namespaces(
    held_in: Confinement, without: str, told: str
) -> None:
    """As an ordinary user builds them; and where not even that is allowed, it is said."""
    if held_in.why_not:
        pytest.skip(f"no walls here: {held_in.why_not}")
    command = under(f"--bounding-set={without}", f"--inh-caps={without}")
    path = json.dumps([str(HERE.parents[1]), LIBRARIES])
    done = subprocess.run(
        [*command, PROVE, path, LIBRARIES], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == told, done.stderr


HOST = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from tests.improvement.test_acp import TalkingDesk, hypotheses, run_acp
desk = TalkingDesk()
desk.answers = hypotheses(desk)
why = run_acp(json.loads(sys.argv[2]), "", desk, {})
own = [f["title"] for what, f in desk.reports if what == "own_tool"]
print(json.dumps([why, dict(desk.used).get("finish", {}).get("best"), own]))
"""


def test_an_agent_in_node_works_behind_the_walls_of_an_ordinary_user(
    tmp_path: Path, held_in: Confinement
) -> None:
    if held_in.why_not:
        pytest.skip(f"no walls here: {held_in.why_not}")
    command = under("--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    path, options = json.dumps([str(HERE.parents[1]), LIBRARIES]), json.dumps(in_node(tmp_path))
    done = subprocess.run(
        [*command, HOST, path, options], capture_output=True, text=True, timeout=120
    )
    why, best, own = json.loads(done.stdout)
    assert (why, best) == ("", 2), done.stderr
    assert "as 65534, saw: nothing; home []" in own[0]


def test_an_agent_ends_with_the_process_that_holds_it(tmp_path: Path, held_in: Confinement) -> None:
    if held_in.why_not:
        pytest.skip(f"no walls here: {held_in.why_not}")
    premises = Premises(tmp_path)
    premises.prepare()
    command = confined_command(premises, ["sh", "-c", "echo up; sleep 600"], reads_of("sh", []), [])
    outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert outer.stdout is not None and outer.stdout.readline() == b"up\n"
    outer.kill()
    assert outer.stdout.read() == b""  # nobody is left who could still write
    outer.wait()
    outer.stdout.close()


def test_a_hosted_agent_works_behind_the_walls(tmp_path: Path, held_in: Confinement) -> None:
    """It plans, is denied a permission, sees nothing of the machine, mends and finishes."""
    desk = TalkingDesk()
    desk.answers = hypotheses(desk)
    why = run_acp(scripted(tmp_path, "work"), held_in.why_not, desk, {})  # type: ignore[arg-type]
    assert why == ""
    asked = [f["what"] for what, f in desk.reports if what == "permission"]
    assert asked == ["rm -rf build"]
    assert desk.said("plan") == ["then: run, read, mend"]
    own = [f for what, f in desk.reports if what == "own_tool"]
    if not held_in.why_not:
        files = "files by the client: Method not found"
        assert own[0]["title"] == f"looked around, saw: nothing; home []; {files}"
    done = dict(desk.used)["finish"]
    assert done["best"] == 2 and "NOT_FOUND at line 1" in done["summary"]
    assert "permission denied" in "".join(desk.speech().values())
    assert desk.tokens == Tokens(1000, 100, 50, 0, 0.0)


def in_node(tmp_path: Path, mode: str = "work") -> dict[str, str]:
    """The options of the scripted agent in Node."""
    installed = tmp_path / "installed"
    installed.mkdir()
    shutil.copy(HERE / "acp_novice.mjs", installed / "acp_novice.mjs")
    (installed / "first.py").write_text('find("blue cube")\n')
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    look = f"/etc/shadow /root/.ssh /dev/video0 {HERE}"
    command = f"{node} {installed}/acp_novice.mjs {installed}/first.py {mode} {look}"
    options = presets.options_of(command, [], ["NOVICE_API_KEY"], [str(installed)], "native")
    return {name: getattr(options, name) for name in options.__struct_fields__}


def test_an_agent_in_node_works_behind_the_walls(tmp_path: Path, held_in: Confinement) -> None:
    """As the products do: no Python, no package, its key in its environment alone."""
    desk = TalkingDesk()
    desk.answers, desk.allow = hypotheses(desk), True
    keys = {"NOVICE_API_KEY": "canary", "OTHER_API_KEY": "not for it"}
    assert run_acp(in_node(tmp_path), held_in.why_not, desk, keys) == ""  # type: ignore[arg-type]
    assert "NOVICE_API_KEY" not in keys  # read once, then nowhere but in the agent
    own = [f for what, f in desk.reports if what == "own_tool"]
    assert own[0]["title"].endswith("keys NOVICE_API_KEY")
    if not held_in.why_not:
        assert "saw: nothing; home []" in own[0]["title"]
        assert "looked around as 0," not in own[0]["title"]  # not root in there
    done = dict(desk.used)["finish"]
    assert done["best"] == 2 and "NOT_FOUND at line 1" in done["summary"]
    assert desk.said("plan") == ["then: run, read, mend"]
    assert "permission given" in "".join(desk.speech().values())
    assert desk.tokens == Tokens(1000, 100, 50, 0, 0.0)


def test_an_interrupted_agent_breaks_off_and_reads_what_was_written(
    tmp_path: Path, held_in: Confinement
) -> None:
    desk = TalkingDesk()
    desk.allow, desk.interrupt = True, "use the left arm"
    assert run_acp(scripted(tmp_path, "chatter"), held_in.why_not, desk, {}) == ""  # type: ignore[arg-type]
    finish = dict(desk.used)["finish"]
    assert "The operator writes: use the left arm" in finish["summary"]
    assert "permission given" in "".join(desk.speech().values())


def test_an_agent_that_dies_says_why_in_one_line(tmp_path: Path, held_in: Confinement) -> None:
    desk = TalkingDesk()
    why = run_acp(scripted(tmp_path, "die"), held_in.why_not, desk, {})  # type: ignore[arg-type]
    assert why == "the agent ended with 3: out of ideas"
    assert "finish" not in desk.names()


def test_unknown_tokens_are_unknown(tmp_path: Path, held_in: Confinement) -> None:
    desk = TalkingDesk()
    desk.answers = hypotheses(desk)
    assert run_acp(scripted(tmp_path, "silent"), held_in.why_not, desk, {}) == ""  # type: ignore[arg-type]
    assert any("unknown, not zero" in text for text in desk.said("finding"))
    assert not [w for w, _ in desk.reports if w == "tokens"]


def test_a_spent_budget_breaks_the_agent_off_which_may_say_what_it_found(
    tmp_path: Path, held_in: Confinement
) -> None:
    """It is told in its next turn; work is refused from then on, findings and finish are not."""
    desk = TalkingDesk()
    desk.standing = {"exhausted": "3 trials are used up"}
    assert run_acp(scripted(tmp_path, "chatter"), held_in.why_not, desk, {}) == ""  # type: ignore[arg-type]
    finish = dict(desk.used)["finish"]
    assert "3 trials are used up. Say what you found" in finish["summary"]
    assert not {"run", "open_hypothesis", "judge"} & set(desk.names())


async def test_after_a_spent_budget_work_is_refused_and_findings_are_taken() -> None:
    desk = TalkingDesk()
    link = Link(desk)  # type: ignore[arg-type]
    hosted = HostedAgent(
        link, Pane(link), McpServerStdio(name="t", command="t", args=[], env=[]), "/w"
    )
    hosted.exhausted = "100 tokens are used up"
    with pytest.raises(ToolRefused, match="100 tokens are used up"):
        await hosted.use("run", {"hypothesis": 1, "seed_indices": [0]})
    await hosted.use("say", {"text": "it slips", "role": "finding"})
    await hosted.use("finish", {"best": None, "summary": "s"})
    assert desk.said("finding") == ["it slips"] and hosted.finished


def test_running_totals_become_differences() -> None:
    account = Account()
    first = Usage(total_tokens=165, input_tokens=100, output_tokens=40, thought_tokens=15,
                  cached_read_tokens=10)  # fmt: skip
    assert account.spent(first) == Tokens(100, 10, 55, 15)
    account.priced(Cost(amount=0.5, currency="USD"))
    account.priced(Cost(amount=9.0, currency="EUR"))
    second = first.model_copy(update={"input_tokens": 130, "total_tokens": 195})
    assert account.spent(second) == Tokens(30, 0, 0, 0, 0.5)
    assert account.spent(None) is None and account.reported


@pytest.mark.parametrize(
    ("title", "ours"),
    [("mcp__aspire-tui__run", True), ("aspire-tui/calls", True), ("run tests", False),
     ("aspire-tui.run", True), ("cat aspire-tui.log", False)],
)  # fmt: skip
def test_our_tools_are_told_from_its_own(title: str, ours: bool) -> None:
    assert is_ours(title) is ours


async def test_the_way_out_leads_to_the_provider_only(tmp_path: Path) -> None:
    refused: list[str] = []

    async def no(host: str) -> None:
        refused.append(host)

    server = await ProviderWay(["api.example.com"], no).start(tmp_path / "way.sock")
    for target in ("evil.example.com:443", "api.example.com:22", "evil.example.com:443"):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "way.sock"))
        writer.write(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.close()
    assert refused == ["evil.example.com", "api.example.com"]
    server.close()


def test_a_product_that_is_not_there_and_a_folder_that_holds_too_much_are_said() -> None:
    with pytest.raises(ConfigError, match="npm install -g @google/gemini-cli"):
        presets.options_of("gemini", [], [], [], "native")
    with pytest.raises(ConfigError, match="name a narrower folder"):
        reads_of("/usr/bin/env", [str(HERE.parents[1])])
    assert not any(p.tried for p in presets.PRESETS.values())


def test_only_its_own_keys_reach_an_agent() -> None:
    options = {"command": "x", "keys": "GEMINI_API_KEY"}
    given = presets.keys_of(options, {"GEMINI_API_KEY": "g", "OPENAI_API_KEY": "o"})
    assert given == {"GEMINI_API_KEY": "g"}
