"""Keep or prune: the one place where a repair is judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aspire_tui.domain import HypothesisStatus
from aspire_tui.evolution.statistics import Paired, paired, rate

ALPHA = 0.05
ALPHA_NAMED = 0.01
"""For the failure a repair names. It is a second look at the same scenes, so it asks for more: a
repair that does nothing is kept by one of the two in at most 6 of 100."""


class Decision(NamedTuple):
    status: HypothesisStatus
    reason: str
    comparison: Paired


class Named(NamedTuple):
    """The failure a repair said beforehand that it ends: per seed, who got past that place."""

    what: str
    before: Sequence[bool]
    after: Sequence[bool]


def decide(before: Sequence[bool], after: Sequence[bool], named: Named | None = None) -> Decision:
    """Keep a repair only when it holds on selection seeds its search has not seen.

    ``before`` and ``after`` are PASS per seed of the parent and the repaired program. A repair that
    is not proven on the whole trial is kept as one half when the failure it names is proven to be
    gone and the whole trial is no worse: another fault may lie behind that one.
    """
    c = paired(before, after)
    k, n = sum(after), len(after)
    old = sum(before)
    told = f"{k}/{n} against {old}/{n} before, fixed {c.fixed}, broken {c.broken}"
    if c.fixed > c.broken and c.p_value <= ALPHA:
        r = rate(k, n)
        return Decision("kept", f"{told}, interval {r.lo:.2f}–{r.hi:.2f}, p = {c.p_value:.3f}", c)
    about = ""
    if named is not None:
        g = paired(named.before, named.after)
        about = (
            f"; past {named.what}: {sum(named.after)}/{n} against {sum(named.before)}/{n}, "
            f"fixed {g.fixed}, broken {g.broken}, p = {g.p_value:.3f}"
        )
        if c.fixed >= c.broken and g.fixed > g.broken and g.p_value <= ALPHA_NAMED:
            why = "kept for the failure it names, the whole trial is not proven"
            return Decision("kept", f"{why}: {told}, p = {c.p_value:.2f}{about}", c)
    if c.fixed <= c.broken:
        return Decision("pruned", f"does not help on unseen seeds: {told}{about}", c)
    reason = f"not proven on unseen seeds (p = {c.p_value:.2f}): {told}{about}"
    return Decision("pruned", reason, c)


def decide_joined(
    origin: Sequence[bool], branches: Mapping[int, Sequence[bool]], after: Sequence[bool]
) -> Decision:
    """Keep what joins branches that were each proven before.

    Each half has been proven to end its own failure, so the halves are not proven again: what joins
    them has to be proven against the program they all come from, and to pass more than every one
    of them alone, paired by seed. ``branches`` are their outcomes by hypothesis.
    """
    c = paired(origin, after)
    n, r = len(after), rate(sum(after), len(after))
    told = f"{r.k}/{n} against {sum(origin)}/{n} of what they come from, fixed {c.fixed}, "
    told += f"broken {c.broken}, p = {c.p_value:.3f}"
    for number, before in branches.items():
        own = paired(before, after)
        told += f"; H{number} alone {sum(before)}/{n}, fixed {own.fixed}, broken {own.broken}"
        if own.fixed <= own.broken:
            return Decision("pruned", f"no better than H{number} alone: {told}", c)
    if c.fixed > c.broken and c.p_value <= ALPHA:
        return Decision("kept", f"{told}, interval {r.lo:.2f}–{r.hi:.2f}", c)
    return Decision("pruned", f"not proven on unseen seeds: {told}", c)
