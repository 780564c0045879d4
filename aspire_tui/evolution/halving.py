"""Racing candidates over development scenes: successive halving with intervals. Pure.

In each rung all that are alive run the same further scenes. Then those go whose interval lies below
the leader's, and the worst of the rest until one in ``eta`` is left. The baseline stays throughout.
Worse is who adds least to the others: one that alone passes what they fail may hold the other half
of the repair, and is not outrun by ten that all do the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aspire_tui.errors import ConfigError
from aspire_tui.evolution.statistics import rate

ETA = 2
LAST = 3
"""Of more than two, so many finish: the baseline and two that may have different merits."""
FIRST_RUNG = 4
"""Scenes of the first rung; each further one has ``ETA`` times as many in all."""


class Rung(NamedTuple):
    """Scenes [start, stop) run by at most ``alive`` candidates."""

    start: int
    stop: int
    alive: int


class Cut(NamedTuple):
    """Who goes on, and for everybody else why not."""

    alive: tuple[int, ...]
    stopped: dict[int, str]


def plan(k: int, scenes: int, trials_left: int | None = None) -> tuple[Rung, ...]:
    """The rungs of a race of ``k`` candidates over so many scenes.

    Raises:
        ConfigError: The budget does not carry even the first rung.
    """
    if k < 1 or scenes < 1:
        raise ConfigError(f"a race needs a candidate and a scene, not {k} and {scenes}")
    rungs: list[Rung] = []
    start, stop, alive = 0, min(FIRST_RUNG, scenes), k
    while True:
        rungs.append(Rung(start, stop, alive))
        if stop >= scenes:
            break
        start, stop = stop, min(stop * ETA, scenes)
        alive = max(min(k, LAST), math.ceil(alive / ETA))
    if trials_left is None:
        return tuple(rungs)
    first = rungs[0].alive * rungs[0].stop
    if first > trials_left:
        most = trials_left // rungs[0].stop
        need = f"{k} candidates need {first} trials to begin, the budget has {trials_left}"
        raise ConfigError(f"{need}: " + (f"--candidates {most}" if most else "raise it"))
    return tuple(rungs)


def cost(rungs: Sequence[Rung]) -> int:
    """Trials the race takes at most."""
    return sum((r.stop - r.start) * r.alive for r in rungs)


def cut(outcomes: Mapping[int, Sequence[bool]], keep: int, baseline: int) -> Cut:
    """After a rung: stop the obviously worse, then the worst, until ``keep`` are left.

    Args:
        outcomes: PASS per scene of every candidate that ran the rung, all on the same scenes.
        baseline: Kept whatever it scores, and one of ``keep``.

    Raises:
        ValueError: They did not run the same number of scenes, or the baseline is not among them.
    """
    if len({len(o) for o in outcomes.values()}) > 1:
        raise ValueError("a rung is compared on the same scenes")
    if baseline not in outcomes:
        raise ValueError("the baseline did not run")
    rates = {c: rate(sum(o), len(o)) for c, o in outcomes.items()}
    ranked = _by_merit(outcomes, baseline)
    leader = max(rates.values(), key=lambda r: r.k)
    stopped: dict[int, str] = {}
    for c in ranked:
        r = rates[c]
        if c != baseline and r.hi < leader.lo and not _alone(c, outcomes):
            stopped[c] = (
                f"obviously worse: {r.k}/{r.n}, at most {r.hi:.2f}, where the leader has at least "
                f"{leader.lo:.2f}"
            )
    for c in reversed(ranked):
        if len(ranked) - len(stopped) <= max(1, keep):
            break
        if c != baseline and c not in stopped:
            r = rates[c]
            stopped[c] = f"halved: {r.k}/{r.n} where the leader has {leader.k}/{leader.n}"
    alive = tuple(c for c in ranked if c not in stopped)
    return Cut(alive, dict(sorted(stopped.items())))


def _by_merit(outcomes: Mapping[int, Sequence[bool]], baseline: int) -> list[int]:
    """The best first, then always who passes most that nobody before it passes."""
    left, ranked = set(outcomes), []
    covered: set[int] = set()
    while left:
        best = max(
            left,
            key=lambda c: (
                sum(p and i not in covered for i, p in enumerate(outcomes[c])),
                sum(outcomes[c]),
                c == baseline,
                -c,
            ),
        )
        left.remove(best)
        ranked.append(best)
        covered |= {i for i, p in enumerate(outcomes[best]) if p}
    return ranked


def _alone(one: int, outcomes: Mapping[int, Sequence[bool]]) -> bool:
    """Whether it passes a scene that all others fail."""
    others = [o for c, o in outcomes.items() if c != one]
    return any(p and not any(o[i] for o in others) for i, p in enumerate(outcomes[one]))
