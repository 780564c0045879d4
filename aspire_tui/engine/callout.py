"""Calls somebody: runs the operator's command when a person is wanted, screens or none.

The command is run by ``sh -c`` with what happened in its environment: ``ASPIRE_EVENT`` is
``needs_operator``, ``fault``, ``budget`` or ``done``; ``ASPIRE_TEXT`` says what, in a line;
``ASPIRE_SESSION`` is the session's file. Text comes from programs and agents: it is never part of
the command itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from aspire_tui.events import (
    AgentAsked,
    AnyEvent,
    ApprovalAsked,
    BudgetSpent,
    CellChanged,
    Note,
    PhaseChanged,
    RunEnded,
)

Cause = Literal["needs_operator", "fault", "budget", "done"]
WITHIN_S: Final = 20.0
TEXT_MOST: Final = 300
FAULTY: Final = ("FAULT", "PSTOP", "LOST")


def cause_of(event: AnyEvent) -> tuple[Cause, str] | None:
    """Why somebody is to be called, and the words for it; None when nobody is. Pure."""
    match event:
        case PhaseChanged(phase="needs_operator", cause=cause):
            return "needs_operator", cause
        case PhaseChanged(phase="fault", cause=cause):
            return "fault", cause
        case ApprovalAsked(why=why):
            return "needs_operator", f"a program waits for approval: {why}"
        case AgentAsked(text=text, asker="agent"):
            return "needs_operator", f"the agent asks: {text}"
        case CellChanged(state=state, cause=cause) if state in FAULTY:
            return "fault", f"cell {state}: {cause}"
        case BudgetSpent(exhausted=exhausted) if exhausted:
            return "budget", exhausted
        case RunEnded(stopped_by="fault" | "agent" | "evaluation", reason=reason):
            return "fault", reason
        case RunEnded(outcome=outcome, reason=reason):
            return "done", f"{outcome or 'nothing to judge'}: {reason}"
    return None


@dataclass
class Callout:
    """Runs one command per cause and text, never two of the same in a row."""

    command: str
    session: str
    tell: Callable[[Note], Awaitable[object]]
    within_s: float = WITHIN_S
    _last: tuple[Cause, str] | None = None
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def saw(self, event: AnyEvent) -> None:
        """Something was recorded. Called in the event loop; never waits."""
        found = cause_of(event)
        if not self.command or found is None or found == self._last:
            return
        self._last = found
        task = asyncio.get_running_loop().create_task(self._call(*found))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def over(self) -> None:
        """Wait for calls under way: the last one says that the run is done."""
        while self._running:
            await asyncio.wait(self._running)

    async def _call(self, cause: Cause, text: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in text)[:TEXT_MOST]
        told = {"ASPIRE_EVENT": cause, "ASPIRE_TEXT": line, "ASPIRE_SESSION": self.session}
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **told},
            start_new_session=True,
        )  # fmt: skip
        try:
            code = await asyncio.wait_for(process.wait(), self.within_s)
            failed = f"ended with {code}" if code else ""
        except TimeoutError:
            process.kill()
            await process.wait()
            failed = f"took longer than {self.within_s:.0f} s"
        if failed and cause != "done":
            await self.tell(Note(f"on_event for {cause} {failed}", "warn", "callout"))
