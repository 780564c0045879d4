"""Consoles under test: fakes for the two ways out, and ways to wait for what was asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from aspire_tui.engine.client import EngineGone
from aspire_tui.tui.app import Console
from aspire_tui.tui.arrange import PANES
from aspire_tui.tui.ports import LiveState
from aspire_tui.tui.screen.draw import Rows
from aspire_tui.tui.screen.paneview import CANNOT_DRAW
from aspire_tui.tui.source import SessionSource
from drivers.types import CellStatus

NOW_S = 1_790_000_100.0


@dataclass
class Said:
    accepted: bool = True
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class FakeEngine:
    """Remembers commands; answers as told."""

    reply: Said = field(default_factory=Said)
    gone: bool = False
    who: str = "op1"
    people: dict[str, Any] = field(default_factory=dict)
    reports: list[dict[str, Any]] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def send(self, verb: str, args: dict[str, Any], role: str = "operator") -> Said:
        if self.gone:
            raise EngineGone("no engine answers")
        if verb == "present":
            self.reports.append(args)
            return Said(data=self.people)
        if verb not in ("hello", "leave"):
            self.sent.append((verb, args))
        return self.reply

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.sent]


@dataclass
class FakeStop:
    """Remembers who held; ``broken`` fails like a cell host that does not answer."""

    broken: str = ""
    holds: list[str] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)

    def hold(self, who: str) -> None:
        self.came.set()
        if self.broken:
            raise TimeoutError(self.broken)
        self.holds.append(who)


@dataclass
class FakeFeed:
    """The driver's state as a value."""

    state: str = "RUN"
    mode: str | None = "TRAJ"
    age_s: float = 0.1
    estop: str = "released"
    silent: bool = False
    speed: float = 1.0
    held: bool = False

    def latest(self) -> LiveState | None:
        if self.silent:
            return None
        status = CellStatus(
            t_s=50.0, state=self.state, mode=self.mode, cause="program", who="engine",  # type: ignore[arg-type]
            since_s=40.0, estop=self.estop, speed=self.speed, lease="op1", arms=(),
            held=self.held,  # type: ignore[arg-type]
        )  # fmt: skip
        return LiveState(status, self.age_s)


@dataclass
class Bench:
    """A console with everything around it."""

    console: Console
    pilot: Pilot[Any]
    engine: FakeEngine
    stop: FakeStop
    feed: FakeFeed

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def settled(self) -> None:
        """Every question to the session file is answered and drawn."""
        assert await asyncio.to_thread(self.console.source.settle)
        await self.pilot.pause()

    async def until(self, true: Any, timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():
                await self.pilot.pause(0.01)

    def pane(self, pane: str) -> list[str]:
        view = self.console.workspace.pane(pane)  # type: ignore[arg-type]
        rows = [view.render_line(y).text for y in range(view.size.height)]
        assert not any(CANNOT_DRAW in row for row in rows), rows
        return rows

    def rows(self, id: str) -> list[str]:
        rows = self.console.query_one(f"#{id}", Rows)
        return [rows.render_line(y).text for y in range(rows.size.height)]

    def screen(self) -> dict[str, list[str]]:
        """Every visible pane, by name."""
        return {
            pane: self.pane(pane) for pane in PANES if self.console.workspace.pane(pane).display
        }

    @property
    def bar(self) -> str:
        return self.rows("bar")[0]

    @property
    def footer(self) -> str:
        return self.rows("footer")[0]

    @property
    def strip(self) -> str:
        return "\n".join(self.rows("strip"))


@asynccontextmanager
async def bench(
    path: Path, mode: str = "live", size: tuple[int, int] = (160, 48), **given: Any
) -> AsyncIterator[Bench]:
    """A running console on a session file."""
    engine, stop, feed = FakeEngine(), FakeStop(), FakeFeed()
    live = mode == "live"
    console = Console(
        SessionSource(path, live=live),
        engine if live else None,
        stop if live else None,
        mode=mode,  # type: ignore[arg-type]
        feed=feed if live else None,
        who="op1",
        clock=lambda: NOW_S,
        driver_class=None,
        **given,
    )
    async with console.run_test(size=size) as pilot:
        made = Bench(console, pilot, engine, stop, feed)
        await made.until(lambda: console.moment.snapshot.seq > 0)
        await made.settled()
        yield made
