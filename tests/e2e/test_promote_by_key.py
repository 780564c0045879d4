"""``P`` in a console, answered by the engine's own commands over its socket, on a session of a run.

The gate, the shelf, the recorder and the record of what was asked are the engine's; its search is
over, and the canary is said to hold: what it does is tested with the bench.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.pilot import Pilot

from aspire_tui.domain import Budget
from aspire_tui.engine.book import Book
from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.commands import Commands
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.engine.server import serve_commands
from aspire_tui.events import HypothesisDecided, OperatorAct, SessionResumed, SkillRuled
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.tui.app import Console
from aspire_tui.tui.screen.draw import Rows
from aspire_tui.tui.screen.text import plain
from aspire_tui.tui.source import SessionSource

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@dataclass
class Desk:
    """A console, its engine's shelf, and what is in the session."""

    console: Console
    pilot: Pilot[Any]
    reader: SessionReader
    shelf: Path

    async def until(self, true: Any, what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"never: {what}; the bar says {self.bar!r}") from None

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)

    async def offered(self, act: str) -> None:
        """Take one of the acts that stand in the bar."""
        await self.until(lambda: self.console.acts.offered is not None, f"{act} is offered")
        for _ in range(6):
            offered = self.console.acts.offered
            assert offered is not None
            if offered.chosen == act:
                break
            await self.press("tab")
        await self.press("enter")

    async def name_it(self, name: str) -> None:
        await self.offered("admit")
        await self.until(lambda: self.console.acts.typing == "admit", "its name is asked for")
        self.console.typed.value = name
        await self.press("enter")

    async def would_pass(self) -> None:
        """The gate has looked again; what it said is shown, with what can be done."""
        await self.until(lambda: self.events(SkillRuled)[-1].would_be != "refused", "it would pass")
        await self.until(lambda: "helps cube_stack alone" not in self.cover, "it is shown")
        await self.until(lambda: self.console.acts.offered is not None, "with what can be done")

    def events(self, kind: type) -> list[Any]:
        return [r.event for r in self.reader.events() if isinstance(r.event, kind)]

    @property
    def bar(self) -> str:
        return self.console.query_one("#bar", Rows).render_line(0).text

    @property
    def cover(self) -> str:
        view = self.console.workspace.overlay
        return "\n".join(view.render_line(y).text for y in range(view.size.height))


@asynccontextmanager
async def desk(tmp_path: Path) -> AsyncIterator[tuple[Desk, SimpleNamespace]]:
    session = tmp_path / "sessions" / "stack-repaired.db"
    session.parent.mkdir()
    shutil.copy(ROOT / "sessions" / "stack-repaired.db", session)
    shelf, runtime = tmp_path / "skills", tmp_path / "run"
    runtime.mkdir(mode=0o700)
    with Recorder.open(session, ballast_bytes=0) as recorder:
        recorder.append([SessionResumed("tester", {}, {})])
        engine = SimpleNamespace(
            job=SimpleNamespace(
                session=str(session), shelf=str(shelf), skill_folders=(str(ROOT / "skills"),)
            ),
            book=Book(recorder, Budget()),
            canary=SimpleNamespace(holds=True),
            attendance=SimpleNamespace(control=SimpleNamespace(refusal=lambda *_: "")),
            ideas_at=lambda _: None,
            watched=lambda task: task,
        )

        async def holds(_: str) -> bool | None:
            return bool(engine.canary.holds)

        engine.canary.before_promotion = holds
        commands = Commands(engine)  # type: ignore[arg-type]

        async def handle(command: Command) -> Reply:
            if command.verb in ("present", "leave"):
                return Reply(command.id, True)
            return await commands.handle(command)

        server = await serve_commands(runtime / "engine.sock", handle)
        console = Console(
            SessionSource(session, live=True),
            EngineClient(runtime / "engine.sock", "tester", timeout_s=30.0),
            driver_class=None,
            who="tester",
        )
        async with console.run_test(size=(120, 36)) as pilot:
            with SessionReader(session) as reader:
                made = Desk(console, pilot, reader, shelf)
                await made.until(lambda: console.moment.snapshot.seq > 0, "the session is shown")
                await on_the_kept_one(made)
                yield made, engine
        server.close()
        await server.wait_closed()


async def on_the_kept_one(d: Desk) -> None:
    """Down to the ●, and a draft of it."""
    await d.press("5", "g")
    rows = d.console.workspace.pane("search").body.lines
    while "●" not in plain(rows.line(d.console.workspace.pane("search").row or 0)):
        await d.press("j")
    await d.press("P")
    assert "Draft a skill from" in d.bar and not d.events(SkillRuled), "nothing without a yes"
    await d.press("y")
    await d.until(lambda: d.events(SkillRuled), "the gate has looked at the draft")
    await d.until(lambda: d.console.workspace.covered, "what it found is shown")


async def test_the_gate_refuses_shows_why_and_lets_in_what_was_mended(tmp_path: Path) -> None:
    async with desk(tmp_path) as (d, _):
        skill = d.events(SkillRuled)[-1].skill
        await d.until(lambda: "helps cube_stack alone" in d.cover, "what is missing is shown")
        await d.name_it(skill)
        await d.until(lambda: d.events(SkillRuled)[-1].standing == "refused", "it is refused")
        await d.until(
            lambda: not d.events(OperatorAct)[-1].accepted, "and the record says who asked"
        )
        assert d.events(OperatorAct)[-1].who == "tester"
        assert load_library([d.shelf]).skills == ()

        await d.until(lambda: "refused (P goes on with it)" in d.bar, "and it is said")
        await d.until(lambda: "refused" in d.cover and "helps cube_stack alone" in d.cover, "shown")

        # The draft still waits.
        await d.press("P")
        await d.offered("mark_task")
        await d.would_pass()
        await d.name_it(skill)
        await d.until(lambda: d.events(HypothesisDecided)[-1].status == "promoted", "promoted")
        assert d.events(SkillRuled)[-1].standing == "admitted"
        assert [s.name for s in load_library([d.shelf]).skills] == [skill]
        await d.until(lambda: f"{skill} is admitted" in d.bar, "and the screen says so")


async def test_what_the_canary_found_in_the_meantime_is_said_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as (d, engine):
        skill = d.events(SkillRuled)[-1].skill
        await d.offered("mark_task")
        await d.would_pass()
        engine.canary.holds = False
        await d.name_it(skill)
        await d.until(lambda: d.events(SkillRuled)[-1].standing == "refused", "it is refused")
        assert "the world has changed" in d.events(SkillRuled)[-1].missing[0]
        await d.until(lambda: "refused (P goes on with it)" in d.bar, "and it is said")
        assert load_library([d.shelf]).skills == ()
