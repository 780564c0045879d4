"""What a screen shows of dry runs: the newest few, each beside the trials of the same program."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.domain import Outcome, ProgramEnd, SeenThing, Status, Struct
from aspire_tui.events import DryRunReported, Recorded

KEPT: Final = 8
THINGS: Final = 16


class DryRunView(Struct, frozen=True):
    """One dry run. ``outcome`` None: there was nothing to judge; ``error`` says why."""

    seq: int
    wall_s: float
    program: str
    task: str
    who: str
    looked: bool
    things: tuple[SeenThing, ...]
    absent: tuple[str, ...]
    ended: ProgramEnd | None
    error: str
    outcome: Outcome | None
    reason: str
    calls: int
    failed: tuple[tuple[int, str, Status], ...]
    """Calls that did not end in OK: number, primitive, status."""


def with_dry_run(
    known: tuple[DryRunView, ...], at: Recorded, event: DryRunReported
) -> tuple[DryRunView, ...]:
    """The newest dry runs after one more."""
    seen, verdict = event.seen, event.verdict
    things = () if seen is None else seen.things[:THINGS]
    view = DryRunView(
        seq=at.seq,
        wall_s=at.wall_s,
        program=event.program,
        task=event.task,
        who=event.who,
        looked=seen is not None,
        things=tuple(msgspec.structs.replace(t, notes=()) for t in things),
        absent=() if seen is None else seen.absent[:8],
        ended=event.ended,
        error=event.error[:400],
        outcome=None if verdict is None else verdict.outcome,
        reason="" if verdict is None else verdict.reason[:400],
        calls=len(event.calls),
        failed=tuple((c.call, c.primitive, c.status) for c in event.calls if c.status != "OK")[:8],
    )
    return (*known, view)[-KEPT:]
