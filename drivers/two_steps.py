"""An act that needs asking and confirming by the same person, within a time."""

from __future__ import annotations

import secrets

from drivers.errors import CellRefused


class TwoSteps:
    """Hands out a nonce, then takes it back once."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._asked: tuple[str, str, float] | None = None

    def ask(self, who: str, now_s: float) -> str:
        """First step; a second asking replaces the first."""
        nonce = secrets.token_hex(8)
        self._asked = (nonce, who, now_s + self._within_s)
        return nonce

    def confirm(self, who: str, nonce: str, now_s: float) -> None:
        """Second step. Raises CellRefused unless it is the same person, the nonce, and in time."""
        asked, self._asked = self._asked, None
        if asked is None or asked[:2] != (nonce, who) or now_s > asked[2]:
            raise CellRefused("nonce", f"ask first, then confirm within {self._within_s:.0f} s")
