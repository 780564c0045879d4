"""Tiers as they are typed: which primitives, which turns, and what does not go together."""

from __future__ import annotations

import pytest

from aspire_tui.commands.tiers import TIERS, model_options, tier_named
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.errors import ConfigError


def test_a_tier_of_turns_says_how_a_model_is_asked() -> None:
    m3 = tier_named("M3", "llm")
    assert model_options(m3, "M3", "aspire", "text") == {
        "preset": "multi-turn", "vision": "native", "difference": "yes"}  # fmt: skip
    assert model_options(tier_named("M1", "llm"), "M1", "multi-turn", "native")["vision"] == "text"
    s2 = model_options(tier_named("S2", "llm"), "S2", "single-turn", "tool")
    assert s2 == {"preset": "single-turn", "vision": "tool"}
    assert tier_named("M4", "llm").primitives == "S3" and tier_named("", "rules").primitives == ""


@pytest.mark.parametrize(
    ("name", "agent", "words"),
    [("S5", "llm", "S5"), ("M1", "rules", "--agent llm"), ("m3", "llm", "M3")],
)
def test_what_does_not_go_is_said(name: str, agent: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        tier_named(name, agent)
    with pytest.raises(ConfigError, match="multi-turn"):
        model_options(TIERS["M1"], "M1", "cap-agent0", "native")


def test_low_tiers_have_other_primitives_than_high_ones() -> None:
    high, low = (set(catalogue(ALL, "capx", t)) for t in ("S2", "S3"))
    assert "get_object_pose" in high - low and low - high
