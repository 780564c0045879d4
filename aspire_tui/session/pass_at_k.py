"""pass@k as retries in context: within one trial, each attempt sees the failures before it.

It is not the best of k independent samples; show pass@1 and the mean number of attempts beside it.
"""

from __future__ import annotations

from collections.abc import Sequence


def pass_at_k(trials: Sequence[Sequence[bool]], most: int) -> list[float]:
    """The curve pass@1 … pass@``most``: share of trials with a PASS among the first k attempts.

    Args:
        trials: Per trial its attempts in order, True for PASS. A trial without attempts counts.
    """
    if not trials:
        return []
    return [sum(any(t[:k]) for t in trials) / len(trials) for k in range(1, most + 1)]


def mean_attempts(trials: Sequence[Sequence[bool]]) -> float | None:
    """Attempts per trial; None without trials."""
    return sum(map(len, trials)) / len(trials) if trials else None
