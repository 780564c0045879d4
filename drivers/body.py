"""What the limits need to know of the arms' bodies: where they would touch, and which way is up.

Optional: a cell without models is guarded by joints alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

TOUCH_MARGIN_M: Final = 0.003
"""Parts of arms that come closer than this count as touching."""


class Touch(NamedTuple):
    """Two parts that are too close; negative clearance means that they overlap."""

    clearance_m: float
    parts: str


class CellBody(Protocol):
    """The bodies of all arms of a cell. Called by the control loop; a question takes ~0.05 ms."""

    def touching(self, q_rad: Mapping[str, Sequence[float]]) -> Touch | None:
        """The worst pair of parts closer than the margin, for the joints of every arm."""
        ...

    def shifted(
        self, arm: str, q_rad: Sequence[float], by_m: Sequence[float]
    ) -> tuple[float, ...] | None:
        """Joints that put the tool point a little further, base frame, metres; None if none do.

        The orientation is kept as well as the arm's degrees of freedom allow.
        """
        ...
