"""How a model may be put to work, by name: the loop, its length, and what it is asked besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import suggestion

Loop = Literal["tools", "code"]
"""``tools``: the model drives the tool set. ``code``: it writes whole programs in turns."""


@dataclass(frozen=True)
class Preset:
    """One way of working. Which primitives there are is a tier of CaP-Bench (``--tier``)."""

    prompt: str
    loop: Loop
    turns: int
    """Most answers of the model (tools) or programs (code)."""
    temperatures: tuple[float, ...] = ()
    """One query each and model, all at once, then one that joins them; none: one plain query."""
    difference: bool = False
    """A query of its own tells what changed between the pictures before and after."""
    learns: bool = False
    """A repair that passed is offered as a skill."""
    whole_trace: bool = False
    """Every call of a failed trial is put into the conversation, to compare with the index."""


NINE: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

PRESETS: Final[dict[str, Preset]] = {
    "aspire": Preset("aspire", "tools", 200),
    "cap-agent0": Preset("program", "code", 10, NINE, difference=True, learns=True),
    "multi-turn": Preset("program", "code", 10),
    "single-turn": Preset("program", "code", 1),
    "whole-trace": Preset("aspire", "tools", 200, whole_trace=True),
}


def preset_named(name: str) -> Preset:
    """A preset.

    Raises:
        ConfigError: There is none of this name; names the nearest.
    """
    if name not in PRESETS:
        raise ConfigError(f"--preset {name}: {suggestion(name, PRESETS)}")
    return PRESETS[name]
