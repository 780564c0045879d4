"""Which key stands for which act: the registry's own or the operator's; conflicts are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import suggestion
from aspire_tui.tui.actions import ACTIONS, BY_ID
from aspire_tui.tui.ports import Mode
from aspire_tui.tui.situation import Action, Keys, Situation

FIXED: Final = ("hold", "open", "back")
"""Acts whose keys never change: HOLD is where everybody expects it, and answering is, too."""

_NAMES: Final = {
    "?": "question_mark", "/": "slash", ":": "colon", ",": "comma", ".": "full_stop",
    "<": "less_than_sign", ">": "greater_than_sign", "{": "left_curly_bracket",
    "}": "right_curly_bracket", "[": "left_square_bracket", "]": "right_square_bracket",
    "(": "left_parenthesis", ")": "right_parenthesis", "'": "apostrophe", '"': "quotation_mark",
    "+": "plus", "-": "minus", "=": "equals_sign", "_": "underscore", "!": "exclamation_mark",
    "@": "at", "#": "number_sign", "$": "dollar_sign", "%": "percent_sign",
    "^": "circumflex_accent", "&": "ampersand", "*": "asterisk", "`": "grave_accent",
    "\\": "backslash", "|": "vertical_line", "~": "tilde", ";": "semicolon",
}  # fmt: skip
"""Signs as Textual names their keys."""


def live_only(action: Action) -> bool:
    """Whether an act needs a cell or an engine, so that its key is free in a replay."""
    return (action.why_disabled(Situation(mode="replay")) or "").startswith("replay:")


@dataclass(frozen=True)
class KeyMap:
    """Acts by key, for each mode."""

    changed: Keys = field(default_factory=dict)
    """Keys that are not the registry's own, by act."""
    _acts: Mapping[tuple[Mode, str], str] = field(default_factory=dict)

    def act_of(self, key: str, mode: Mode) -> str:
        """The act a key stands for; empty for none."""
        return self._acts.get((mode, key), "")


def key_map(changed: Mapping[str, list[str]]) -> KeyMap:
    """Keys with the operator's changes, by act: ``{"message": ["ctrl+e"]}``.

    Raises:
        ConfigError: An act is unknown or fixed, or two acts of one mode would share a key.
    """
    named: dict[str, tuple[str, ...]] = {}
    for act, keys in changed.items():
        if act not in BY_ID:
            raise ConfigError(f"[keys] {act}: no such act; {suggestion(act, BY_ID)}")
        if act in FIXED:
            raise ConfigError(f"[keys] {act}: its keys are fixed")
        if not keys:
            raise ConfigError(f"[keys] {act}: give at least one key")
        named[act] = tuple(_NAMES.get(key, key) for key in keys)
    acts: dict[tuple[Mode, str], str] = {}
    modes: tuple[Mode, ...] = ("live", "replay")
    for mode in modes:
        of_mode = sorted(ACTIONS, key=lambda a: (a.group == "replay") != (mode == "replay"))
        for action in of_mode:
            for key in named.get(action.id, action.keys):
                other = acts.setdefault((mode, key), action.id)
                if other != action.id and not _share(BY_ID[other], action):
                    raise ConfigError(f"[keys] {key} would be both {other} and {action.id}")
    _refuse_near_misses(named)
    return KeyMap(named, acts)


def _share(one: Action, other: Action) -> bool:
    """One is of a replay and the other of a cell, so that never both can be meant."""
    replays = [a for a in (one, other) if a.group == "replay"]
    return len(replays) == 1 and all(live_only(a) for a in (one, other) if a.group != "replay")


def _refuse_near_misses(named: Keys) -> None:
    """No two acts that move the robot may differ by shift alone."""
    moving: dict[str, str] = {}
    for action in ACTIONS:
        if not action.moves_robot:
            continue
        for key in named.get(action.id, action.keys):
            other = moving.setdefault(key.lower(), action.id)
            if other != action.id:
                raise ConfigError(
                    f"[keys] {key}: {other} and {action.id} both move the robot and would differ "
                    "by shift alone"
                )


DEFAULT_KEYS: Final = key_map({})
