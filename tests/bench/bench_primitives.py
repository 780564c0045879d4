"""Median processor milliseconds of each primitive's example, on the stand-in cells.

Thinking only: cell time is simulated and costs what a real one would cost in waiting, so what moves
is planned on a cell that does not. ``python -m tests.bench primitives``.
"""

from __future__ import annotations

import contextlib
import statistics
import time

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.reference import PROFILES, example_of
from aspire_tui.environment.primitives.registry import EVERY_BODY, Primitive, catalogue
from tests.bench.figure import Figure
from tests.environment.api.test_reference import Cellful

COMMAND = "python -m tests.bench primitives"
RUNS = 7
SLOWEST_S = 1.5
"""A primitive whose first run takes longer is run three times."""


def figures() -> list[Figure]:
    """One row per group of primitives: each name with its median, slowest first."""
    measured: dict[str, list[tuple[float, str]]] = {}
    cells = {body: Cellful(body) for body in EVERY_BODY}
    seen: set[int] = set()
    for body in EVERY_BODY:
        for profile in PROFILES:
            for p in catalogue(ALL, profile, "", body).values():
                if id(p) in seen or p.group in ("people", "program"):
                    continue
                seen.add(id(p))
                ms = _median_ms(cells[body], p, profile, body)
                if ms is not None:
                    measured.setdefault(p.group, []).append((ms, p.name))
    return [
        Figure(
            f"primitives, {group}: processor time of a call, with the stand-in's own, median",
            "-",
            ", ".join(f"{name} {ms:.1f}" for ms, name in sorted(rows, reverse=True)) + " ms",
            COMMAND,
        )
        for group, rows in sorted(measured.items())
    ]


def _median_ms(cell: Cellful, p: Primitive, profile: str, body: str) -> float | None:
    names = cell.names(profile, "", body)  # type: ignore[arg-type]
    text = compile(example_of(p).replace("CAMERA", cell.fixed), p.name, "exec")
    times: list[float] = []
    runs = RUNS
    while len(times) < runs:
        scope = {**cell.scope(), **names}
        before = time.process_time()
        # A status that raises is an answer, too, and takes its time.
        with contextlib.suppress(RuntimeError):
            exec(text, scope)
        times.append(time.process_time() - before)
        if times[0] > SLOWEST_S:
            runs = 3
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.name}: {figure.value}")
