"""How fast a bus can be controlled, from how long one reading of all its servos takes. Pure."""

from __future__ import annotations

from typing import Final

FULL_RATE_S: Final = 0.008
"""A reading that takes no longer fits into a control period of 10 ms."""
SLOWER_S: Final = (0.02, 0.04)
"""Control periods of lines that cannot keep up with that: 16 ms latency timers, and worse."""
BESIDE_S: Final = 0.0015
"""What such a period holds beside the reading."""


def period_s(round_trip_s: float) -> float | None:
    """The shortest control period, seconds; 0: whatever is asked for; None: no usable one."""
    if round_trip_s <= FULL_RATE_S:
        return 0.0
    return next((period for period in SLOWER_S if round_trip_s + BESIDE_S <= period), None)
