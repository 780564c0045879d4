"""Median processor milliseconds of each primitive's example, on the stand-in cells.

The stand-in's own time is in them: rendering the pictures a call looks at, simulating the motion it
makes. ``python -m tests.bench primitives [arm] [arms] [mobile]``.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.reference import PROFILES, example_of
from aspire_tui.environment.primitives.registry import EVERY_BODY, Embodiment, Primitive, catalogue
from tests.bench.figure import Figure
from tests.environment.api.test_reference import Cellful

COMMAND = "python -m tests.bench primitives"
RUNS = 5
SLOWEST_S = 1.5
"""A primitive whose first run takes longer is run three times."""


def figures() -> list[Figure]:
    """One row per kind of cell and group: each name with its median, slowest first."""
    return [row for part in PARTS.values() for row in part()]


def _on(body: Embodiment) -> list[Figure]:
    """What this kind of cell is the first to offer."""
    cell = Cellful(body)
    measured: dict[str, list[tuple[float, str]]] = {}
    seen = {id(p) for b in EVERY_BODY[: EVERY_BODY.index(body)] for p in _offered(b)}
    for profile in PROFILES:
        for p in catalogue(ALL, profile, "", body).values():
            if id(p) in seen or p.group in ("people", "program"):
                continue
            seen.add(id(p))
            ms = _median_ms(cell, p, profile, body)
            measured.setdefault(p.group, []).append((ms, p.name))
    return [
        Figure(
            f"primitives, {body}, {group}: processor time of a call, the stand-in's too, median",
            "-",
            ", ".join(f"{name} {ms:.1f}" for ms, name in sorted(rows, reverse=True)) + " ms",
            COMMAND,
        )
        for group, rows in sorted(measured.items())
    ]


def _offered(body: Embodiment) -> list[Primitive]:
    return [p for profile in PROFILES for p in catalogue(ALL, profile, "", body).values()]


def _median_ms(cell: Cellful, p: Primitive, profile: str, body: Embodiment) -> float:
    names = cell.names(profile, "", body)
    scope = {**cell.scope(), **names}
    text = compile(example_of(p).replace("CAMERA", cell.fixed), p.name, "exec")
    times: list[float] = []
    runs = RUNS
    while len(times) < runs:
        before = time.process_time()
        # A status that raises is an answer, too, and takes its time.
        with contextlib.suppress(RuntimeError):
            exec(text, scope)
        times.append(time.process_time() - before)
        if times[0] > SLOWEST_S:
            runs = 3
    return 1e3 * statistics.median(times)


PARTS: dict[str, Callable[[], list[Figure]]] = {b: partial(_on, b) for b in EVERY_BODY}

if __name__ == "__main__":
    for figure in [row for name in sys.argv[1:] or PARTS for row in PARTS[name]()]:
        print(f"{figure.name}: {figure.value}")
