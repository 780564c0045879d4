"""Keep or prune: the one place where a repair is judged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aspire_tui.domain import HypothesisStatus
from aspire_tui.evolution.statistics import Paired, paired, rate

ALPHA = 0.05


class Decision(NamedTuple):
    status: HypothesisStatus
    reason: str
    comparison: Paired


def decide(before: Sequence[bool], after: Sequence[bool]) -> Decision:
    """Keep a repair only when it holds on selection seeds its search has not seen.

    ``before`` and ``after`` are PASS per seed of the parent and the repaired program.
    """
    c = paired(before, after)
    k, n = sum(after), len(after)
    old = sum(before)
    told = f"{k}/{n} against {old}/{n} before, fixed {c.fixed}, broken {c.broken}"
    if c.fixed <= c.broken:
        return Decision("pruned", f"does not help on unseen seeds: {told}", c)
    if c.p_value > ALPHA:
        return Decision("pruned", f"not proven on unseen seeds (p = {c.p_value:.2f}): {told}", c)
    r = rate(k, n)
    return Decision("kept", f"{told}, interval {r.lo:.2f}–{r.hi:.2f}, p = {c.p_value:.3f}", c)
