"""The live nodes of the hypothesis tree, as a snapshot keeps them: few, and the best never lost."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.domain import HypothesisStatus
from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    RoundBegan,
    RoundEnded,
)
from aspire_tui.session.views import HypothesisView, RoundView, Score

LIVE: Final = 64
CLAIM_CHARACTERS: Final = 400

_STANDING: Final[dict[HypothesisStatus, int]] = {"promoted": 3, "kept": 2, "open": 1, "pruned": 0}

Live = tuple[HypothesisView, ...]


def add_hypothesis(live: Live, event: HypothesisOpened) -> Live:
    view = HypothesisView(
        hypothesis=event.hypothesis,
        parent=event.parent,
        claim=event.claim[:CLAIM_CHARACTERS],
        program=event.program,
        author=event.author,
        borrowed_from=event.borrowed_from,
    )
    grown = (*live, view)
    if len(grown) <= LIVE:
        return grown
    weakest = min(grown[:-1], key=_rank)
    return tuple(h for h in grown if h is not weakest)


def score(live: Live, event: HypothesisScored) -> Live:
    """A score on the operator's own seeds is counted in the trials, not in the tree."""
    if event.seed_set == "operator":
        return live
    seen = Score(event.k, event.n, event.lo, event.hi)
    return tuple(
        msgspec.structs.replace(h, **{event.seed_set: seen})
        if h.hypothesis == event.hypothesis
        else h
        for h in live
    )


def decide(live: Live, event: HypothesisDecided) -> Live:
    """A pruned hypothesis stays only when nothing else is left."""
    decided = tuple(
        msgspec.structs.replace(h, status=event.status, reason=event.reason[:CLAIM_CHARACTERS])
        if h.hypothesis == event.hypothesis
        else h
        for h in live
    )
    alive = tuple(h for h in decided if h.status != "pruned")
    return alive or decided[-1:]


def best_of(live: Live) -> HypothesisView | None:
    """By standing, then by the lower bound on selection seeds, then on dev seeds, then by age.

    Held-out scores never take part.
    """
    return max(live, key=_rank, default=None)


def round_of(event: RoundBegan | RoundEnded) -> RoundView:
    """Where the search stands after this."""
    if isinstance(event, RoundBegan):
        return RoundView(event.round, event.baseline, event.candidates, by=event.by)
    return RoundView(event.round, event.best, event.kept, True, event.stop, event.by)


def _rank(view: HypothesisView) -> tuple[int, float, float, int]:
    return (
        _STANDING[view.status],
        view.selection.lo if view.selection else -1.0,
        view.dev.lo if view.dev else -1.0,
        -view.hypothesis,
    )
