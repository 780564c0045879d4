"""Somebody is called when a person is wanted: once for each cause, and never by foreign text."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aspire_tui.domain import Budget
from aspire_tui.engine.callout import Callout, cause_of
from aspire_tui.events import (
    AgentAsked,
    AnyEvent,
    BudgetSpent,
    CellChanged,
    Note,
    PhaseChanged,
    RunEnded,
)


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (PhaseChanged(1, "needs_operator", "the cube fell", 1.0), "needs_operator"),
        (AgentAsked(1, "may I?", 60.0), "needs_operator"),
        (CellChanged("FAULT", None, "servo 3 hot", "driver", 1.0), "fault"),
        (BudgetSpent(Budget(), 9, 1.0, 0, 0.0, "9 trials are used up"), "budget"),
        (RunEnded("PASS", "done", reason="49/50"), "done"),
        (RunEnded(None, "fault", reason="disk full"), "fault"),
    ],
)
def test_who_is_wanted(event: AnyEvent, cause: str) -> None:
    found = cause_of(event)
    assert found is not None and found[0] == cause


@pytest.mark.parametrize(
    "event",
    [
        PhaseChanged(1, "held", "HOLD by op1", 1.0),
        CellChanged("HOLD", None, "", "", 1.0),
        BudgetSpent(Budget(), 1, 1.0, 0, 0.0),
    ],
)
def test_nobody_is_called_for_what_goes_on(event: AnyEvent) -> None:
    assert cause_of(event) is None


async def test_the_command_is_told_in_its_environment_and_once(tmp_path: Path) -> None:
    out = tmp_path / "called"
    notes: list[Note] = []

    async def tell(note: Note) -> None:
        notes.append(note)

    call = Callout(f'printf "%s|%s\\n" "$ASPIRE_EVENT" "$ASPIRE_TEXT" >> {out}', "s.db", tell)
    evil = f"fell $(touch {tmp_path}/owned) `id`\nnext"
    for _ in range(3):
        call.saw(PhaseChanged(1, "needs_operator", evil, 1.0))
    await call.over()
    assert out.read_text() == f"needs_operator|{evil.replace(chr(10), ' ')}\n"
    assert not (tmp_path / "owned").exists() and notes == []


async def test_a_command_that_fails_or_hangs_is_noted_and_never_waited_for(tmp_path: Path) -> None:
    notes: list[Note] = []

    async def tell(note: Note) -> None:
        notes.append(note)

    failing = Callout("exit 3", "s.db", tell)
    failing.saw(RunEnded(None, "fault", reason="x"))
    await failing.over()
    hanging = Callout("sleep 60", "s.db", tell, within_s=0.05)
    hanging.saw(RunEnded(None, "fault", reason="x"))
    async with asyncio.timeout(5.0):
        await hanging.over()
    assert ["ended with 3" in notes[0].text, "took longer" in notes[1].text] == [True, True]
