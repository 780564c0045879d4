"""The terminal an operator sits at, and how they want things on it."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aspire_tui.config import ConfigError, Settings, Workspace, load_settings, suggestion
from aspire_tui.tui.editing import editor_of
from aspire_tui.tui.keymap import key_map
from aspire_tui.tui.remembered import Remembered
from aspire_tui.tui.terminal import Colours, speaks_unicode, terminal_colours
from aspire_tui.tui.themes import ThemeName

THEMES: Final[tuple[ThemeName, ...]] = ("dark", "light", "contrast", "ansi", "mono")
PICTURES: Final = ("cells", "kitty", "sixel")


@dataclass(frozen=True)
class Desk:
    """The terminal one sits at, and how its operator wants things."""

    workspace: Workspace | None
    ascii_only: bool

    @property
    def settings(self) -> Settings:
        return load_settings(self.workspace) if self.workspace is not None else Settings()

    def theme(self) -> ThemeName | None:
        """What is asked for, else what was chosen last; None leaves it to the terminal.

        Raises:
            ConfigError: The settings name an unknown theme.
        """
        asked, memory = self.settings.screen.theme, self._memory
        if asked and asked not in THEMES:
            raise ConfigError(f"[screen] theme = {asked!r}; {suggestion(asked, THEMES)}")
        return next((t for t in THEMES if t == asked), Remembered(memory).read().theme_name())

    @property
    def _memory(self) -> Path | None:
        return self.workspace.root / "screen.json" if self.workspace is not None else None

    def wishes(self) -> dict[str, Any]:
        """What every console is told, whatever it shows.

        Raises:
            ConfigError: The settings name an unknown theme, or keys that conflict.
        """
        settings, root = self.settings, self.workspace.root if self.workspace else None
        colours, plain_ascii = terminal_of(self.ascii_only or settings.screen.ascii)
        pictures = settings.screen.pictures
        if pictures not in PICTURES:
            raise ConfigError(f"[screen] pictures = {pictures!r}; {suggestion(pictures, PICTURES)}")
        if pictures != "cells" and importlib.util.find_spec("textual_image") is None:
            raise ConfigError(
                f"[screen] pictures = {pictures!r} needs: pip install 'aspire-tui[images]'"
            )
        return {
            "ascii": plain_ascii,
            "colours": colours,
            "theme": self.theme(),
            "keys": key_map(settings.keys),
            "keeps": root / "bookmarks" if root is not None else None,
            "remembered": self._memory,
            "editor": editor_of(os.environ),
            "kitty": pictures == "kitty" and not plain_ascii,
            "sixel": pictures == "sixel" and not plain_ascii and colours in ("256", "truecolor"),
            "in_tmux": bool(os.environ.get("TMUX")),
            "picture_B_s": 1e3 * max(0.5, settings.screen.picture_kB_s),
        }


def terminal_of(ascii_only: bool) -> tuple[Colours, bool]:
    """What the terminal can show, and whether only ASCII is drawn."""
    colours = terminal_colours(os.environ)
    return colours, ascii_only or not speaks_unicode(os.environ, sys.stdout.encoding)
