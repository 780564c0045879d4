"""Tiers of CaP-Bench as a run takes them: which primitives there are, and how a model is asked.

S tiers are one turn on a set of primitives, M tiers several turns on one of these sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aspire_tui.environment.primitives import ALL
from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import suggestion


@dataclass(frozen=True)
class Tier:
    """One tier. Without turns of its own it only says which primitives there are."""

    primitives: str
    """The S tier whose primitives it has; empty: all."""
    turns: bool = False
    vision: str = ""
    difference: bool = False
    """What changed between the pictures before and after is told in words."""


TIERS: Final[Mapping[str, Tier]] = {
    "S1": Tier("S1"),
    "S2": Tier("S2"),
    "S3": Tier("S3"),
    "S4": Tier("S4"),
    "M1": Tier("S2", turns=True, vision="text"),
    "M2": Tier("S2", turns=True, vision="native"),
    "M3": Tier("S2", turns=True, vision="native", difference=True),
    "M4": Tier("S3", turns=True, vision="native", difference=True),
}
TURNS: Final = "multi-turn"


def tier_named(name: str, agent: str) -> Tier:
    """A tier for a run; without a name all primitives and no turns of its own.

    Raises:
        ConfigError: There is none of this name, or this agent or release cannot have it.
    """
    if not name:
        return Tier("")
    if name not in TIERS:
        raise ConfigError(f"--tier {name}: {suggestion(name, TIERS)}")
    tier = TIERS[name]
    if tier.turns and agent != "llm":
        raise ConfigError(f"--tier {name} is turns of a model: it goes with --agent llm")
    if not any(p.tiers and p.tiers[0] == p.tiers[-1] == "S1" for p in ALL) and name == "S1":
        raise ConfigError("--tier S1: this release has no primitives that see more than a robot")
    return tier


def model_options(tier: Tier, name: str, preset: str, vision: str) -> dict[str, str]:
    """Preset and vision of a model under a tier.

    Raises:
        ConfigError: The preset has no turns, and the tier is turns.
    """
    if not tier.turns:
        return {"preset": preset, "vision": vision}
    if preset not in ("aspire", TURNS):  # the first is what nobody typed
        raise ConfigError(f"--tier {name} goes with --preset {TURNS}, not {preset}")
    seen = {"preset": TURNS, "vision": tier.vision}
    return {**seen, "difference": "yes"} if tier.difference else seen
