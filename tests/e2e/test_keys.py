"""Every key that moves, ends or decides something: pressed in a console on a real engine and host.

What is asked afterwards is the session (the engine's event) and the cell host's own state stream.
The tests share one run and follow its course: first a trial at the bench, then a free bench.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

import drivers
from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import socket_of
from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.events import (
    Bookmarked,
    BreakpointsChanged,
    CallResult,
    CallStood,
    DryRunReported,
    HandAct,
    HypothesisDecided,
    HypothesisOpened,
    Note,
    OperatorAct,
    OperatorTold,
    SkillDrafted,
    TrialClosed,
    VerdictOverridden,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.app import Console
from aspire_tui.tui.attachment import Attachment
from aspire_tui.tui.cell_ports import CellStop
from aspire_tui.tui.screen.draw import Rows
from aspire_tui.tui.source import SessionSource
from drivers.cellfile import load_cell
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from drivers.types import CellStatus
from tests.e2e.conftest import Bench
from tests.e2e.kills import _moving_call, _reader
from tests.e2e.processes import end_all

PATIENCE_S = 60.0
CRITERION = "[criterion]\nheld_out_n = 2\nmin_lower_bound = 0.05\ndev_n = 1\nselection_n = 2\n"


@dataclass
class Run:
    """One attended run on a stand-in behind its host."""

    bench: Bench
    command: subprocess.Popen[str]
    reader: SessionReader
    stream: StateStream
    cell: str

    def events(self, kind: type) -> list[Any]:
        return [r.event for r in self.reader.events() if isinstance(r.event, kind)]

    def acts(self, verb: str) -> list[OperatorAct]:
        return [e for e in self.events(OperatorAct) if e.verb == verb]

    @property
    def host(self) -> CellStatus:
        """The host's own word, fresh."""
        self.stream.wait(0.5)
        seen = self.stream.latest()
        assert seen is not None and seen.age_s < 1.0, "the host is silent"
        return seen.status

    @property
    def joints(self) -> tuple[float, ...]:
        return tuple(self.host.arms[0].q_cmd_rad)


YAM = load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml").info


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    home = tmp_path_factory.mktemp("keys") / "home"
    home.mkdir()
    head, _, rest = (SHIPPED / "cube_stack.toml").read_text().partition("[criterion]")
    _, bracket, tail = rest.partition("\n[")
    task = home / "short.toml"
    task.write_text(head.replace('"cube_stack"', '"short"', 1) + CRITERION + bracket + tail)
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp", ignore_cleanup_errors=True) as name:
        runtime = Path(name)
        runtime.chmod(0o700)
        bench = Bench(home, runtime)
        command = bench.start(
            "run", str(task), "--rounds", "0", "--workers", "1", "--speed", "2", "--json"
        )
        try:
            reader = _reader(bench)
            cell = cell_paths("yam", runtime / "aspire").folder.as_posix()
            _moving_call(reader)
            stream = StateStream(cell)
            yield Run(bench, command, reader, stream, cell)
            stream.close()
        finally:
            command.kill()
            command.wait()
            end_all(runtime, home)


@dataclass
class Operator:
    """A console on that run, and what its keys do."""

    run: Run
    console: Console
    pilot: Pilot[Any]

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)

    async def enter(self, key: str, text: str) -> None:
        """A key that asks for words, and the words."""
        await self.press(key)
        assert self.console.acts.typing, self.bar
        self.console.typed.value = text
        await self.press("enter")

    async def until(self, true: Callable[[], Any], what: str) -> Any:
        for _ in range(int(PATIENCE_S / 0.05)):
            found = true()
            if found:
                return found
            await self.pilot.pause(0.05)
        raise AssertionError(f"never: {what}; the bar says {self.bar!r}")

    def rows(self, id: str) -> str:
        rows = self.console.query_one(f"#{id}", Rows)
        return "\n".join(rows.render_line(y).text for y in range(rows.size.height))

    @property
    def bar(self) -> str:
        return self.rows("bar")

    async def accepted(self, verb: str, before: int = 0) -> OperatorAct:
        """The engine's own record of the act."""
        found = await self.until(lambda: self.run.acts(verb)[before:], f"{verb} is recorded")
        assert found[-1].accepted, found[-1].reason
        assert found[-1].who == "tester"
        return found[-1]  # type: ignore[no-any-return]

    async def up_to_date(self) -> None:
        """The screen shows what the file says."""
        await self.until(
            lambda: self.console.moment.snapshot.seq >= self.run.reader.last_seq(), "it is shown"
        )

    async def held(self) -> None:
        """The trial is held, by a key if it is not yet."""
        if not self.run.host.held:
            await self.press("space")
        await self.until(lambda: self.run.host.held, "the host holds")
        await self.until(lambda: self.console.situation().held, "the screen says so")


@asynccontextmanager
async def at(run: Run, editor: Callable[[Path], None] | None = None) -> AsyncIterator[Operator]:
    engine = EngineClient(socket_of(run.bench.runtime / "aspire", run.reader.path), "tester", 10.0)
    engine.console = "keys"
    feed = StateStream(run.cell)
    console = Console(
        SessionSource(run.reader.path, live=True), engine, CellStop(run.cell), feed=feed,
        who="tester", driver_class=None, editor=editor,
        attachment=Attachment({}, answers=lambda: True),
    )  # fmt: skip
    try:
        async with console.run_test(size=(120, 36)) as pilot:
            operator = Operator(run, console, pilot)
            await operator.until(lambda: console.moment.snapshot.seq > 0, "a first screen")
            await operator.until(lambda: feed.latest() is not None, "the host is heard")
            yield operator
    finally:
        feed.close()


# -- a trial at the bench --------------------------------------------------------------------------


async def test_space_holds_the_arm_and_says_when_the_cell_had_it(run: Run) -> None:
    async with at(run) as o:
        await o.press("space")
        await o.accepted("hold")
        await o.until(lambda: run.host.held, "the host holds")
        await o.until(lambda: "HOLD confirmed" in o.rows("strip"), "it is said")
        still = run.joints
        await o.pilot.pause(0.2)
        assert run.joints == still and run.host.state == "HOLD"


async def test_a_breakpoint_a_step_and_resuming_go_call_by_call(run: Run) -> None:
    async with at(run) as o:
        await o.held()
        ended = len(run.events(CallResult))
        await o.press("s")
        await o.accepted("step")
        await o.until(lambda: len(run.events(CallResult)) > ended, "one call ends")
        await o.until(lambda: run.reader.snapshot().phase.phase == "held", "the program stands")
        assert len(run.events(CallResult)) <= ended + 2 and run.host.state == "HOLD"

        await o.enter("b", "after OK")
        assert (await o.accepted("break")).args["status"] == "OK"
        assert run.events(BreakpointsChanged)[-1].breakpoints
        await o.up_to_date()
        await o.press("B", "enter")
        await o.accepted("unbreak")
        await o.press("escape")
        await o.enter("b", "goto_pose")
        await o.accepted("break", 1)

        await o.up_to_date()
        before = len(run.events(CallStood))
        await o.press("R")
        assert ("Resume?" in o.bar or "Run on?" in o.bar) and not run.acts("resume")
        await o.press("y")
        await o.accepted("resume")
        stood = await o.until(
            lambda: run.events(CallStood)[before:], "a call stands before it moves"
        )
        assert stood[-1].primitive == "goto_pose"


async def test_a_standing_call_is_edited_run_and_the_next_one_skipped(run: Run) -> None:
    async with at(run) as o:
        await o.until(lambda: o.console.moment.snapshot.standing, "a call stands")
        first, before = run.events(CallStood)[-1], run.joints
        x, y, z = first.args["position"]
        await o.enter("e", json.dumps({"position": [x, y, z + 0.03]}))
        await o.accepted("edit_call")
        edited = await o.until(
            lambda: (e := run.events(CallStood)[-1]).edited and e.preview.target_xyz_m and e,
            "a preview of it",
        )
        assert edited.edited_by == "tester" and run.joints == before, "editing moves nothing"
        await o.up_to_date()
        await o.press("l")
        await o.accepted("run_call")
        done = await o.until(
            lambda: [e for e in run.events(CallResult) if e.call == first.call], "it ends"
        )
        assert done[0].operator == "edited" and run.joints != before

        second = await o.until(
            lambda: (e := run.events(CallStood)[-1]).call > first.call and e, "the next one stands"
        )
        await o.up_to_date()
        here = run.joints
        await o.enter("S", 'OK {"duration_s": 1.0}')
        assert "Skip goto_pose" in o.bar and not run.acts("skip_call")
        await o.press("y")
        await o.accepted("skip_call")
        skipped = await o.until(
            lambda: [e for e in run.events(CallResult) if e.call == second.call], "it is answered"
        )
        assert skipped[0].skipped_by == "tester" and run.joints == here, "skipping moves nothing"


async def test_speed_goes_down_at_once_and_up_after_a_question(run: Run) -> None:
    async with at(run) as o:
        fast = run.host.speed
        await o.press("left_square_bracket")
        await o.until(lambda: run.host.speed < fast, "the host is slower")
        slow = run.host.speed
        assert run.events(HandAct)[-1].act == "speed"
        await o.until(lambda: o.console.situation().speed == slow, "the screen says so")
        await o.press("right_square_bracket")
        assert f"{slow:.0%}".rstrip("%") in o.bar and run.host.speed == slow
        await o.press("y")
        await o.until(lambda: run.host.speed > slow, "the host is faster")
        assert [a.accepted for a in run.acts("speed")] == [True, True]


async def test_a_dry_run_is_reported_and_moves_nothing(run: Run) -> None:
    async with at(run) as o:
        await o.held()
        here = run.joints
        await o.press("D")
        await o.accepted("dry_run")
        reported = await o.until(lambda: run.events(DryRunReported), "the report")
        assert reported[0].seen is not None and reported[0].ended is not None, reported[0].error
        assert run.joints == here and run.host.held


async def test_what_is_written_is_in_the_session(run: Run) -> None:
    async with at(run) as o:
        await o.enter("quotation_mark", "swapped the lamp")
        await o.enter("apostrophe", "odd light")
        await o.enter("i", "look twice")
        for verb in ("note", "bookmark", "tell"):
            await o.accepted(verb)
        assert any("swapped the lamp" in e.text for e in run.events(Note))
        assert run.events(Bookmarked)[0].name == "odd light"
        assert run.events(OperatorTold)[0].text == "look twice"


async def test_ideas_are_forked_joined_pruned_and_drafted(run: Run) -> None:
    edits = iter(("wait(0.1)\n", "wait(0.2)\n"))

    def editor(path: Path) -> None:
        path.write_text(next(edits) + path.read_text())

    async with at(run, editor) as o:
        await o.held()
        await o.press("5", "g")
        await o.enter("f", "come from the left")
        assert (await o.accepted("fork")).args["hypothesis"] == 1
        for number, claim in enumerate(("slower is surer", "higher is safer"), 2):
            await o.press("5", "g", "F")
            await o.until(lambda: o.console.acts.typing, "the editor is closed")
            o.console.typed.value = claim
            await o.press("enter")
            await o.until(
                lambda number=number: any(  # type: ignore[misc]
                    h.hypothesis == number for h in run.events(HypothesisOpened)
                ),
                "it is in the tree",
            )
            await o.up_to_date()
        opened = run.events(HypothesisOpened)
        assert [h.parent for h in opened[1:]] == [1, 1] and opened[1].author == "tester"

        await o.press("j")
        await o.enter("plus", "H3")
        assert "Join what H2 changed into H3?" in o.bar
        await o.press("y")
        joined = await o.until(lambda: run.acts("borrow"), "the engine answers")
        assert joined[0].accepted or "H" in joined[0].reason
        await o.enter("x", "it is slow")
        assert "Give up H2?" in o.bar and not run.acts("prune")
        await o.press("y")
        await o.accepted("prune")
        assert "tester: it is slow" in [e.reason for e in run.events(HypothesisDecided)]
        await o.up_to_date()
        await o.press("P")
        assert "Draft a skill from H2?" in o.bar
        await o.press("y")
        answer = await o.until(lambda: run.acts("promote"), "the engine answers")
        if not answer[0].accepted:  # an edit that repaired no failure is no skill
            await o.until(lambda: answer[0].reason[:30] in o.bar, "it is said why")
        else:
            assert run.events(SkillDrafted)
        assert run.host.held


async def test_the_agent_is_paused_and_the_trial_aborted(run: Run) -> None:
    async with at(run) as o:
        await o.press("p")
        await o.accepted("pause_agent")
        assert run.reader.snapshot().mode.agent_paused
        await o.up_to_date()
        await o.press("A")
        assert "Abort trial 1?" in o.bar and not run.acts("abort")
        await o.press("y")
        await o.accepted("abort")
        closed = await o.until(
            lambda: [e for e in run.events(TrialClosed) if e.trial == 1], "the trial is closed"
        )
        assert closed[0].ended == "aborted" and run.host.state == "HOLD"


# -- a free bench ----------------------------------------------------------------------------------


async def test_by_hand_the_arm_goes_home_the_scene_is_set_and_judged(run: Run) -> None:
    async with at(run) as o:
        await o.up_to_date()
        await o.press("h")
        if "the cell is held; R resumes first" in o.bar:
            await o.press("R", "y")
            await o.until(lambda: not o.console.situation().held, "the cell is free again")
        else:
            await o.press("escape")
        assert not run.acts("home")
        for key, verb in (("h", "home"), ("0", "reset"), ("v", "verify")):
            await o.up_to_date()
            await o.press(key)
            assert "[cancel]" in o.bar and not run.acts(verb), o.bar
            await o.press("y")
            await o.accepted(verb)
            done = await o.until(
                lambda verb=verb: [e for e in run.events(HandAct) if e.act == verb],  # type: ignore[misc]
                f"{verb} is done",
            )
            assert done[0].who == "tester" and done[0].done, done[0].text
            if verb in ("home", "reset"):
                assert run.joints == pytest.approx(YAM.arms[0].home_rad, abs=0.01), "it is home"
            await o.up_to_date()


async def test_a_verdict_is_overridden_with_a_note(run: Run) -> None:
    async with at(run) as o:
        o.console.source.choose(trial=1)
        await o.until(lambda: o.console.moment.trial is not None, "the trial is shown")
        await o.enter("V", "UNSURE the lamp flickered")
        await o.press("y")
        await o.accepted("override")
        over = run.events(VerdictOverridden)[0]
        assert (over.trial, over.outcome, over.note) == (1, "UNSURE", "the lamp flickered")


async def test_ending_the_run_leaves_the_cell_in_hold(run: Run) -> None:
    async with at(run) as o:
        await o.press("E")
        assert "End the run?" in o.bar and not run.acts("stop")
        await o.press("y")
        await o.accepted("stop")
        ended = await o.until(lambda: run.reader.snapshot().ended, "the run ends")
        assert ended.stopped_by == "operator" and run.host.state == "HOLD"
        await o.until(lambda: run.command.poll() is not None, "its command ends")
        assert run.command.returncode == 4
