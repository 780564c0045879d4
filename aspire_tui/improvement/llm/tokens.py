"""Tokens by class and their cost, from what the provider reports; nothing is estimated."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from aspire_tui.domain import Tokens

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse

UNPRICED = "no price is known for this model; cost is not counted"


def tokens_of(response: ModelResponse) -> tuple[Tokens, bool]:
    """Tokens of one answer, and whether its model has a known price (``genai-prices``).

    ``input`` is what was fresh, written cache included; ``cached`` was read from the cache.
    ``output`` includes ``reasoning``, as providers bill it.
    """
    usage = response.usage
    cached = usage.cache_read_tokens
    reasoning = int(usage.details.get("reasoning_tokens", 0))
    cost, priced = _cost(response)
    return Tokens(
        input=max(0, usage.input_tokens - cached),
        cached=cached,
        output=usage.output_tokens,
        reasoning=reasoning,
        cost_usd=float(cost),
    ), priced


def _cost(response: ModelResponse) -> tuple[Decimal, bool]:
    try:
        return response.cost().total_price, True
    except (LookupError, ValueError):  # an unknown model, or an answer that told no usage
        return Decimal(0), False
