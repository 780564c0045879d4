"""What an operator does with a program that stands: breakpoints, run, skip, edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aspire_tui.domain import Breakpoint, Status
from aspire_tui.engine.gate import place_of
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.events import BreakpointsChanged

if TYPE_CHECKING:
    from aspire_tui.engine.bench import Bench
    from aspire_tui.engine.engine import Engine

BREAKPOINTS = 64
NO_BENCH = "a headless session has no bench where a program could stand"


class _Break(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of three: a primitive, a line (of one program or any), a status."""

    primitive: str = ""
    line: int = 0
    program: str = ""
    status: Status | None = None


class _Unbreak(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One by its number; all without one."""

    number: int | None = None


class _Skip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: str
    value: Any = None
    detail: str = ""


class _Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changed arguments by name; none takes all edits back."""

    args: dict[str, Any]


class StandingVerbs:
    """``break``, ``unbreak``, ``run_call``, ``skip_call`` and ``edit_call``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def act(self, c: Command) -> Reply:
        """Carry out one command, or say in words why not."""
        bench = self._engine.bench
        if bench is None:
            return Reply(c.id, False, NO_BENCH)
        try:
            match c.verb:
                case "break":
                    return await self._break(c, bench, msgspec.convert(c.args, _Break))
                case "unbreak":
                    return await self._unbreak(c, bench, msgspec.convert(c.args, _Unbreak))
                case "run_call":
                    return self._run(c, bench)
                case "skip_call":
                    return await self._skip(c, bench, msgspec.convert(c.args, _Skip))
                case _:
                    return await self._edit(c, bench, msgspec.convert(c.args, _Edit))
        except msgspec.ValidationError as error:
            return Reply(c.id, False, f"{c.verb}: {error}")

    async def _break(self, c: Command, bench: Bench, wanted: _Break) -> Reply:
        point = self._point(wanted)
        if isinstance(point, str):
            return Reply(c.id, False, point)
        if len(bench.gate.breakpoints) >= BREAKPOINTS:
            return Reply(c.id, False, f"there are {BREAKPOINTS} breakpoints already; remove some")
        known = bench.gate.breakpoints
        added = bench.gate.add(point)
        said = f"breakpoint {added.number}: {place_of(added)}"
        if bench.gate.breakpoints == known:
            return Reply(c.id, True, f"{said}, set before", {"number": added.number})
        await self._engine.book.write(BreakpointsChanged(bench.gate.breakpoints, c.id))
        return Reply(c.id, True, said, {"number": added.number})

    def _point(self, wanted: _Break) -> Breakpoint | str:
        """The breakpoint that is meant, or what is wrong with it."""
        given = [bool(wanted.primitive), bool(wanted.line), wanted.status is not None]
        if sum(given) != 1:
            return "a breakpoint is on one of: a primitive, a line, a status"
        if wanted.primitive:
            names = self._engine.names
            if wanted.primitive not in names:
                return f"this task has no primitive {wanted.primitive}"
            return Breakpoint(0, "primitive", wanted.primitive)
        if wanted.status is not None:
            return Breakpoint(0, "status", status=wanted.status)
        if wanted.line < 1:
            return "lines are counted from 1"
        return Breakpoint(0, "line", line=wanted.line, program=wanted.program)

    async def _unbreak(self, c: Command, bench: Bench, wanted: _Unbreak) -> Reply:
        if not bench.gate.remove(wanted.number):
            which = "" if wanted.number is None else f" {wanted.number}"
            return Reply(c.id, False, f"no breakpoint{which} to remove")
        await self._engine.book.write(BreakpointsChanged(bench.gate.breakpoints, c.id))
        left = len(bench.gate.breakpoints)
        return Reply(c.id, True, f"removed; {left or 'none'} left")

    def _run(self, c: Command, bench: Bench) -> Reply:
        if not bench.gate.run_call():
            return Reply(c.id, False, why_not(bench))
        bench.gate_changed()
        return Reply(c.id, True, "the call runs; the program goes on to the next breakpoint")

    async def _skip(self, c: Command, bench: Bench, wanted: _Skip) -> Reply:
        if not bench.gate.stands:
            return Reply(c.id, False, why_not(bench))
        refused = await bench.skip_call(wanted.status, wanted.value, wanted.detail, c.who)
        if refused:
            return Reply(c.id, False, refused)
        return Reply(c.id, True, f"skipped: the program gets {wanted.status}; the next call stands")

    async def _edit(self, c: Command, bench: Bench, wanted: _Edit) -> Reply:
        if not bench.gate.stands:
            return Reply(c.id, False, why_not(bench))
        refused = await bench.edit_call(wanted.args, c.who)
        if refused:
            return Reply(c.id, False, refused)
        said = f"edited {', '.join(wanted.args)}" if wanted.args else "its own arguments again"
        return Reply(c.id, True, f"{said}; nothing runs yet")


def why_not(bench: Bench) -> str:
    """Why nothing can be done with a call now."""
    gate = bench.gate
    if gate.mode == "held":
        return f"{gate.reason}: HOLD outranks this; R resumes first"
    if gate.mode == "aborting":
        return "an abort is under way"
    if gate.mode == "standing" and gate.asking is not None:
        return "the program has ended; R goes on to verifying"
    return "no call stands"
