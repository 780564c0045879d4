"""How an operator left the screen: borders, panes, theme; kept for the next one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aspire_tui.domain import Struct
from aspire_tui.tui.arrange import PANES, PaneId, Shares
from aspire_tui.tui.themes import CYCLE, ThemeName


class Left(Struct, frozen=True):
    """What is remembered; anything that is not understood is as if it had never been."""

    shares: Shares = Shares()
    recent: tuple[str, ...] = PANES
    theme: str = ""

    def panes(self) -> tuple[PaneId, ...]:
        """The panes by when they were last in focus, each exactly once."""
        known = [pane for name in self.recent for pane in PANES if pane == name]
        return tuple(dict.fromkeys((*known, *PANES)))

    def theme_name(self) -> ThemeName | None:
        return next((t for t in CYCLE if t == self.theme), None)


class Remembered:
    """One small file; a workspace that cannot be written forgets, and nothing else happens."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> Left:
        if self._path is None:
            return Left()
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Left)
        except (OSError, msgspec.DecodeError):
            return Left()

    def write(self, left: Left) -> str:
        """Returns why not; empty when it is kept."""
        if self._path is None:
            return "no workspace"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(msgspec.json.encode(left))
        except OSError as error:
            return f"{self._path}: {error.strerror}"
        return ""
