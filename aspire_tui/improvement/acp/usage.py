"""Tokens as a hosted agent reports them: running totals of its session, told on as differences."""

from __future__ import annotations

from dataclasses import dataclass

from acp.schema import Cost, Usage

from aspire_tui.domain import Tokens

UNKNOWN = "this agent does not say how many tokens it uses: tokens and cost are unknown, not zero"


@dataclass
class Account:
    """What was reported so far."""

    known: Tokens = Tokens()
    cost_usd: float = 0.0
    reported: bool = False

    def priced(self, cost: Cost | None) -> None:
        """A new total of the cost; other currencies are not converted."""
        if cost is not None and cost.currency == "USD":
            self.cost_usd = max(self.cost_usd, cost.amount)

    def spent(self, usage: Usage | None) -> Tokens | None:
        """What came on top since the last report; None when nothing was reported at all."""
        if usage is None and self.cost_usd <= self.known.cost_usd:
            return None
        now = self._totals(usage) if usage is not None else self.known
        was, self.reported = self.known, True
        self.known = Tokens(
            max(now.input, was.input),
            max(now.cached, was.cached),
            max(now.output, was.output),
            max(now.reasoning, was.reasoning),
            self.cost_usd,
        )
        return Tokens(
            self.known.input - was.input,
            self.known.cached - was.cached,
            self.known.output - was.output,
            self.known.reasoning - was.reasoning,
            self.known.cost_usd - was.cost_usd,
        )

    @staticmethod
    def _totals(usage: Usage) -> Tokens:
        """Reasoning is part of our output; agents differ in whether it is part of theirs."""
        cached, written = usage.cached_read_tokens or 0, usage.cached_write_tokens or 0
        thought = usage.thought_tokens or 0
        apart = usage.input_tokens + usage.output_tokens + cached + written + thought
        output = usage.output_tokens + (thought if usage.total_tokens == apart else 0)
        return Tokens(usage.input_tokens + written, cached, output, thought)
