"""What the engine does when people come and go, with the cell's side written down instead."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aspire_tui.engine import host_process
from aspire_tui.engine.attendance import Attendance
from aspire_tui.engine.commands import Commands
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.grant import template
from aspire_tui.engine.host_process import HostProcess
from aspire_tui.engine.opening import Opening
from aspire_tui.engine.protocol import Command
from drivers.cellfile import load_cell
from drivers.runtime_dir import cell_paths

YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"


@dataclass
class Cell:
    """Bench and host of an engine, as far as people matter."""

    speed: float = 1.0
    done: list[Any] = field(default_factory=list)
    trial: int | None = 1
    moves_by_itself: bool = False
    host: Any = None

    @property
    def gate(self) -> Any:
        return SimpleNamespace(
            hold=lambda why: self.done.append("gate"), resume=lambda: True, mode="running"
        )

    async def call_ended(self) -> None:
        self.done.append("call ended")

    async def stand_held(self) -> None:
        self.done.append("stands")

    def bound(self, grant: Any, speed: float) -> None:
        self.done.append(("bound", None if grant is None else grant.speed, speed))

    def hold_next(self, who: str) -> None:
        self.done.append("hold next")
        asyncio.get_running_loop().call_later(0.1, self._holds)

    def _holds(self) -> None:
        self.done.append("motion ended")
        self.host.seen = SimpleNamespace(held=True)

    def resume_cell(self, who: str) -> None:
        self.done.append("resumed")

    def gate_changed(self) -> None: ...

    async def go_on(self) -> None: ...


class Host(HostProcess):
    """The engine's own part of it; what would go to a cell is written down."""

    def __init__(self, cell: Cell) -> None:
        super().__init__("yam", cell_paths("yam"))
        self.cell = cell
        cell.host = self
        self.may_hold = threading.Event()
        self.may_hold.set()

    def status(self) -> Any:
        return SimpleNamespace(speed=self.cell.speed, held=True, who="watchdog")

    def hold(self, who: str) -> None:
        assert self.may_hold.wait(20.0)
        self.cell.done.append("hold")

    def wait_until_free(self, timeout_s: float = 3.0) -> bool:
        return True


def engine_on(cell: Cell, policy: str = "hold") -> Any:
    async def write(*events: Any, **_: Any) -> int:
        return 0

    async def held(why: str) -> None:
        cell.done.append(why)

    engine: Any = SimpleNamespace(
        book=SimpleNamespace(write=write), bench=cell, host=Host(cell), stopping=asyncio.Event(),
        trials=SimpleNamespace(resumed=asyncio.Event()), held=held,
        pool=SimpleNamespace(hold=lambda on: None), stopped_by="",
        job=SimpleNamespace(
            spec=SimpleNamespace(cell="yam"), tasks=[SimpleNamespace(name="cube_stack")],
            resume_by="ada",
        ),
    )  # fmt: skip
    engine.attendance = Attendance(engine, load_cell(YAM), "")
    engine.attendance.policy = policy
    engine.conversation = Conversation(engine.book, engine.attendance.someone)
    return engine


async def test_a_grant_never_raises_the_speed_and_gives_back_what_was_in_force() -> None:
    cell = Cell(speed=0.2)
    people = engine_on(cell).attendance
    sentence = template(people._about("ada"))
    assert await people.give_grant(sentence, "ada", "1") == ""
    assert cell.done[0][0] == "bound" and cell.done[0][2] == 0.2
    assert await people.end_grant("revoked", "ada")
    assert cell.done[1] == ("bound", None, 0.2)


async def test_a_reset_under_way_ends_its_motion_before_the_cell_holds() -> None:
    cell = Cell(moves_by_itself=True)
    await engine_on(cell).attendance._hold("nobody is present")
    assert cell.done.index("motion ended") < cell.done.index("hold")
    assert cell.done.index("gate") < cell.done.index("hold next"), "nothing new begins meanwhile"


async def test_a_resume_comes_after_a_hold_that_is_on_its_way_and_is_not_undone_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = Cell()
    engine = engine_on(cell)
    published = SimpleNamespace(held=False, who="presence", state="HOLD", mode=None, cause="hold",
                                t_s=0.0, arms=())  # fmt: skip
    stream = SimpleNamespace(
        latest=lambda: SimpleNamespace(status=published, age_s=0.0), close=lambda: None
    )
    monkeypatch.setattr(host_process, "StateStream", lambda name: stream)
    watching = asyncio.create_task(engine.host.watch(engine))
    engine.host.may_hold.clear()
    holding = asyncio.create_task(engine.attendance._hold("nobody is present"))
    engine.attendance.policy = "goes-on"  # somebody is there again
    while "stands" not in cell.done:
        await asyncio.sleep(0)
    command = Command(1, "1", "resume", "ada")
    resuming = asyncio.create_task(Commands(engine)._act(command))
    await asyncio.sleep(0.05)
    assert not resuming.done(), "the HOLD may still be on its way"
    engine.host.may_hold.set()
    await holding
    await asyncio.sleep(2 * host_process.WATCH_PERIOD_S)
    assert not resuming.done(), "who watches the cell has not seen it yet"
    published.held = True
    assert (await resuming).accepted
    await asyncio.sleep(2 * host_process.WATCH_PERIOD_S)
    assert engine.trials.resumed.is_set()
    assert cell.done[-1] == "resumed", "nothing was held after it"
    watching.cancel()


async def test_a_hold_whose_time_has_passed_is_not_sent() -> None:
    cell = Cell(moves_by_itself=True)
    engine = engine_on(cell)
    holding = asyncio.create_task(engine.attendance._hold("nobody is present"))
    while "hold next" not in cell.done:
        await asyncio.sleep(0)
    engine.trials.resumed.set()  # somebody came back and resumed while a motion ended
    await holding
    assert "hold" not in cell.done and "stands" not in cell.done


async def test_a_resumed_real_cell_moves_only_on_the_operators_word() -> None:
    past: Any = SimpleNamespace(unknown=("call 3 (goto_pose) of trial 1",))
    real, stand_in = Cell(), Cell()
    await Opening(engine_on(real))._stand_after_a_crash(past)
    assert real.done == ["resumed by ada; unknown outcome: call 3 (goto_pose) of trial 1"]
    await Opening(engine_on(stand_in, "goes-on"))._stand_after_a_crash(past)
    assert stand_in.done == ["resumed"]
