"""The progress curve: the best score so far over the session's time, one row for each seed set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aspire_tui.domain import SeedSet
from aspire_tui.events import HypothesisScored, Recorded
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import percent, seconds, section
from aspire_tui.tui.screen.text import Line, line

SETS: Final[tuple[tuple[SeedSet, str], ...]] = (("dev", "dev"), ("selection", "selection"))
STEPS: Final = " ▁▂▃▄▅▆▇█"
ASCII_STEPS: Final = " .:-=+*#%"
NAME_CELLS: Final = 10
LEAST_SCENES: Final = 5
"""A score over fewer scenes is no progress yet."""


def progress_lines(scored: Sequence[Recorded], mono_s: float, look: Look) -> list[Line]:
    """Best so far; a hypothesis counts once it was scored on enough scenes."""
    cells = look.width - NAME_CELLS - 6
    if cells < 8 or mono_s <= 0:
        return []
    steps = STEPS if not look.glyphs.arrow.isascii() else ASCII_STEPS
    rows = []
    for seed_set, name in SETS:
        curve = best_so_far(scored, seed_set, mono_s, cells)
        if curve and curve[-1] is not None:
            drawn = "".join(" " if v is None else steps[1 + round(v * 7)] for v in curve)
            best = f" {percent(curve[-1]):>5}"
            rows.append(line((f"{name:<{NAME_CELLS}}", "dim"), (drawn, "run"), (best, "number")))
    if not rows:
        return []
    axis = f"0 to {seconds(mono_s)}"
    return [
        section("best so far, each set by itself", look.width, look.glyphs),
        *rows,
        line((" " * NAME_CELLS + axis, "faint")),
    ]


def best_so_far(
    scored: Sequence[Recorded], seed_set: SeedSet, mono_s: float, cells: int
) -> list[float | None]:
    """The best share of PASS at each of so many moments; None before the first. Pure."""
    best: float | None = None
    curve: list[float | None] = []
    waiting = [
        (r.mono_s, e.k / e.n)
        for r in scored
        if isinstance(e := r.event, HypothesisScored)
        and e.seed_set == seed_set
        and e.n >= LEAST_SCENES
    ]
    index = 0
    for cell in range(1, cells + 1):
        while index < len(waiting) and waiting[index][0] <= mono_s * cell / cells:
            share = waiting[index][1]
            best = share if best is None else max(best, share)
            index += 1
        curve.append(best)
    return curve
