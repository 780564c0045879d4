"""What the index of calls saves against whole traces, and whether repairs are as good. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from aspire_tui.domain import JSON, Tokens
from aspire_tui.evolution.statistics import Rate, paired, rate
from aspire_tui.improvement.llm.context_trial import MODES, Mode, Repaired

LEAST_FAILURES = 30


@dataclass(frozen=True)
class ModeFigure:
    """One way of showing traces, over all failures."""

    mode: Mode
    repaired: Rate
    tokens: Tokens
    per_failure: float
    """Median tokens of one conversation, everything that was sent and said."""
    per_repair: float | None
    """All tokens over the failures that were repaired; None when none was."""
    fresh_per_repair: float | None
    """Of these, what no prefix cache of the provider held, and what was said."""
    usd_per_repair: float | None
    questions: float
    """Median questions to the model for one failure."""


def figures_of(results: Sequence[Repaired]) -> list[ModeFigure]:
    """Index first."""
    out = []
    for mode in MODES:
        mine = [r for r in results if r.mode == mode]
        k = sum(r.repaired for r in mine)
        tokens = sum((r.tokens for r in mine), Tokens())
        out.append(
            ModeFigure(
                mode=mode,
                repaired=rate(k, len(mine)),
                tokens=tokens,
                per_failure=median(r.tokens.total for r in mine) if mine else 0.0,
                per_repair=tokens.total / k if k else None,
                fresh_per_repair=(tokens.input + tokens.output) / k if k else None,
                usd_per_repair=tokens.cost_usd / k if k else None,
                questions=median(r.questions for r in mine) if mine else 0.0,
            )
        )
    return out


@dataclass(frozen=True)
class Pairs:
    """The same failures both ways: how often each way repaired them."""

    n: int
    both: int
    only_index: int
    only_whole: int
    p_fewer: float
    """One-sided exact sign test of whether the index repairs fewer; small: it does."""

    @property
    def neither(self) -> int:
        return self.n - self.both - self.only_index - self.only_whole


def pairs_of(results: Sequence[Repaired]) -> Pairs:
    """Failures that were repaired both ways, one by one."""
    by = {(r.hypothesis, r.scene, r.mode): r.repaired for r in results}
    keys = sorted({k[:2] for k in by if (*k[:2], "index") in by and (*k[:2], "whole") in by})
    index, whole = ([by[*k, mode] for k in keys] for mode in ("index", "whole"))
    against = paired(index, whole)
    both = sum(a and b for a, b in zip(index, whole, strict=True))
    return Pairs(len(keys), both, against.broken, against.fixed, against.p_value)


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


def pairs_in_words(results: Sequence[Repaired]) -> str:
    """The paired outcome in one line."""
    p = pairs_of(results)
    return (
        f"of {p.n} failures both repaired {p.both}, only the index {p.only_index}, only the "
        f"whole trace {p.only_whole}, neither {p.neither} (p = {p.p_fewer:.2f} for fewer)"
    )


def as_json(results: Sequence[Repaired]) -> dict[str, JSON]:
    saved, words = verdict_on(results)
    p = pairs_of(results)
    return {
        "modes": {
            f.mode: {
                "repaired": {"k": f.repaired.k, "n": f.repaired.n,
                             "interval": [f.repaired.lo, f.repaired.hi]},
                "tokens": {"input": f.tokens.input, "cached": f.tokens.cached,
                           "output": f.tokens.output, "total": f.tokens.total,
                           "cost": f.tokens.cost_usd},
                "per_failure_median": f.per_failure,
                "per_repair": f.per_repair,
                "fresh_per_repair": f.fresh_per_repair,
                "usd_per_repair": f.usd_per_repair,
                "questions_median": f.questions,
            }
            for f in figures_of(results)
        },
        "paired": {"n": p.n, "both": p.both, "only_index": p.only_index,
                   "only_whole": p.only_whole, "neither": p.neither, "p_fewer": p.p_fewer},
        "saved": saved,
        "verdict": words,
    }  # fmt: skip
