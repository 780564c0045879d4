"""The progress curve: the best score so far over the session's time, one row for each seed set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aspire_tui.domain import SeedSet
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import percent, seconds, section
from aspire_tui.tui.screen.text import Line, line
from aspire_tui.tui.tree import Best, Progress

SETS: Final[tuple[tuple[SeedSet, str], ...]] = (("dev", "dev"), ("selection", "selection"))
STEPS: Final = " ▁▂▃▄▅▆▇█"
ASCII_STEPS: Final = " .:-=+*#%"
NAME_CELLS: Final = 10
SHARE_CELLS: Final = 7


def progress_lines(progress: Progress, mono_s: float, look: Look) -> list[Line]:
    """Best so far under a heading, with its time axis; nothing before a first score."""
    cells = look.width - NAME_CELLS - SHARE_CELLS
    if cells < 8 or mono_s <= 0:
        return []
    rows = curve_rows(progress, mono_s, NAME_CELLS, cells, look)
    if not rows:
        return []
    title = section("best so far, each set by itself", look.width, look.glyphs)
    return [title, *rows, axis_row(mono_s, NAME_CELLS, cells)]


def curve_rows(
    progress: Progress, mono_s: float, name_cells: int, cells: int, look: Look
) -> list[Line]:
    """One row for each set that was scored; a hypothesis counts once it ran on enough scenes."""
    steps = STEPS if not look.glyphs.arrow.isascii() else ASCII_STEPS
    rows = []
    for seed_set, name in SETS:
        curve = best_so_far(progress.get(seed_set, ()), mono_s, cells)
        if curve and curve[-1] is not None:
            drawn = "".join(" " if v is None else steps[1 + round(v * 7)] for v in curve)
            share = f" {percent(curve[-1]):>{SHARE_CELLS - 1}}"
            rows.append(line((f"{name:<{name_cells}}", "dim"), (drawn, "run"), (share, "number")))
    return rows


def axis_row(mono_s: float, name_cells: int, cells: int) -> Line:
    """The session's time under so many cells: its beginning, its middle, and now."""
    half, now = seconds(mono_s / 2), seconds(mono_s)
    text = f"0 s{half:^{max(0, 2 * (cells // 2 - 3))}}"
    text = f"{text:<{max(0, cells - len(now))}}"[: max(0, cells - len(now))] + now
    return line((" " * name_cells + text, "dim"))


def best_so_far(best: Sequence[Best], mono_s: float, cells: int) -> list[float | None]:
    """The best share of PASS at each of so many moments; None before the first. Pure."""
    curve: list[float | None] = []
    index, known = 0, None
    for cell in range(1, cells + 1):
        while index < len(best) and best[index].mono_s <= mono_s * cell / cells:
            known = best[index].share
            index += 1
        curve.append(known)
    return curve
