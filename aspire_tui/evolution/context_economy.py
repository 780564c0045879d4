"""What the index of calls saves against whole traces, and whether repairs are as good. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from aspire_tui.domain import JSON, Tokens
from aspire_tui.evolution.statistics import Rate, rate
from aspire_tui.improvement.llm.context_trial import MODES, Mode, Repaired

LEAST_FAILURES = 30


@dataclass(frozen=True)
class ModeFigure:
    """One way of showing traces, over all failures."""

    mode: Mode
    repaired: Rate
    tokens: Tokens
    per_failure: float
    """Median tokens of one conversation, input and output."""
    per_repair: float | None
    """All tokens over the failures that were repaired; None when none was."""


def figures_of(results: Sequence[Repaired]) -> list[ModeFigure]:
    """Index first."""
    out = []
    for mode in MODES:
        mine = [r for r in results if r.mode == mode]
        k = sum(r.repaired for r in mine)
        tokens = sum((r.tokens for r in mine), Tokens())
        per_failure = median(r.tokens.total for r in mine) if mine else 0.0
        per_repair = tokens.total / k if k else None
        out.append(ModeFigure(mode, rate(k, len(mine)), tokens, per_failure, per_repair))
    return out


def verdict_on(results: Sequence[Repaired]) -> tuple[float | None, str]:
    """The share of tokens saved per repair, and whether it counts, in words."""
    index, whole = figures_of(results)
    if index.per_repair is None or whole.per_repair is None:
        return None, "nothing was repaired"
    saved = 1.0 - index.per_repair / whole.per_repair
    if index.repaired.n < LEAST_FAILURES:
        return saved, f"does not count: {index.repaired.n} failures, at least {LEAST_FAILURES}"
    if index.repaired.k < whole.repaired.k:
        return saved, "does not count: fewer repairs with the index"
    return saved, "counts: as many repairs with the index"


def as_json(results: Sequence[Repaired]) -> dict[str, JSON]:
    saved, words = verdict_on(results)
    return {
        "modes": {
            f.mode: {
                "repaired": {"k": f.repaired.k, "n": f.repaired.n,
                             "interval": [f.repaired.lo, f.repaired.hi]},
                "tokens": {"input": f.tokens.input, "cached": f.tokens.cached,
                           "output": f.tokens.output, "total": f.tokens.total},
                "per_failure_median": f.per_failure,
                "per_repair": f.per_repair,
            }
            for f in figures_of(results)
        },
        "saved": saved,
        "verdict": words,
    }  # fmt: skip
