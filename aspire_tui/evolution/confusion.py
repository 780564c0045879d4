"""The confusion table of a verifier against a referee, with intervals. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aspire_tui.domain import Outcome
from aspire_tui.evolution.statistics import Rate, rate


@dataclass(frozen=True)
class Confusion:
    """Counts by what the referee and the verifier said; UNSURE apart."""

    counts: dict[tuple[Outcome, Outcome], int]
    """Keyed by referee, verifier."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[Outcome, Outcome]]) -> Confusion:
        counts: dict[tuple[Outcome, Outcome], int] = {}
        for pair in pairs:
            counts[pair] = counts.get(pair, 0) + 1
        return cls(counts)

    def count(self, referee: Outcome, verifier: Outcome) -> int:
        return self.counts.get((referee, verifier), 0)

    def total(self, referee: Outcome) -> int:
        return sum(n for (truth, _), n in self.counts.items() if truth == referee)

    def share(self, referee: Outcome, verifier: Outcome) -> Rate:
        """How often the verifier says so of ends the referee calls that."""
        return rate(self.count(referee, verifier), self.total(referee))

    def agreement(self) -> Rate:
        """Of the ends the verifier was sure about, how many the referee judges alike."""
        same = self.count("PASS", "PASS") + self.count("FAIL", "FAIL")
        sure = same + self.count("PASS", "FAIL") + self.count("FAIL", "PASS")
        return rate(same, sure)
