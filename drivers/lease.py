"""Who may move the cell: one owner at a time, who must keep saying so. Pure, injected clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from drivers.errors import CellRefused

LEASE_TTL_S: Final = 1.0
WATCHDOG_S: Final = 0.2


class Lease:
    """The right to move. Silence of its owner is watched on the wall clock."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._token = ""
        self._heard_s = 0.0
        self.owner = ""
        """Who holds it, for people; empty when free."""

    @property
    def free(self) -> bool:
        return not self._token

    def acquire(self, who: str, take: bool) -> str:
        """The token of a new lease. Raises CellRefused while somebody else holds one."""
        if self._token and not take:
            raise CellRefused("leased", f"{self.owner} has control of this cell")
        self._token, self.owner = secrets.token_hex(8), who
        self._heard_s = self._now_s()
        return self._token

    def owned_by(self, token: str) -> bool:
        return bool(token) and token == self._token

    def heard(self) -> None:
        """The owner gave a sign of life."""
        self._heard_s = self._now_s()

    def forgive(self, duration_s: float) -> None:
        """Do not count a time in which nobody was listened to."""
        self._heard_s = min(self._now_s(), self._heard_s + duration_s)

    def release(self) -> None:
        self._token = self.owner = ""

    @property
    def silent_s(self) -> float:
        """For how long nothing was heard from the owner; 0 when free."""
        return self._now_s() - self._heard_s if self._token else 0.0

    @property
    def overdue(self) -> bool:
        """Silent for longer than a moving cell tolerates."""
        return self.silent_s > WATCHDOG_S

    @property
    def expired(self) -> bool:
        return self.silent_s > LEASE_TTL_S
