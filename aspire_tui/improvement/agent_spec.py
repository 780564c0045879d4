"""What a starter tells the agent worker, and what answers programs, it is."""

from __future__ import annotations

import msgspec


class AgentSpec(msgspec.Struct, frozen=True):
    """Which agent to be, and its bounds."""

    agent: str
    rounds: int
    candidates: int
    dev_n: int
    options: dict[str, str] = {}
    """What only some agents know: model, preset, vision and the like."""
    at_large: str = ""
    """Why nothing confines it."""
    door: str = ""
    """Where an agent from outside comes in."""
    member: int = 1
    """Which one of ``team`` it is."""
    team: int = 1


class SightOptions(msgspec.Struct, frozen=True):
    """Which model answers programs' questions, and where it is asked."""

    model: str
    base_url: str
