"""Nobody answers on a bus: is it its speed, or its power?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from drivers.feetech.bus import Bus
from drivers.findings import found
from drivers.types import Finding


def nobody(
    arm: str,
    servos: Sequence[int],
    baud: int,
    tried: Iterable[int],
    reopen: Callable[[int], Bus],
) -> Finding:
    """Why there is no answer at ``baud``, by listening at the speeds to be tried."""
    for other in tried:
        if other == baud:
            continue
        bus = reopen(other)
        if any(bus.ping(servo, attempts=1) for servo in servos):
            return found(
                "wrong_baud", f"answers at {other} baud", arm=arm, baud=baud, seen_baud=other
            )
    ids = ", ".join(map(str, servos))
    return found("no_servo", "no answer from any of them", arm=arm, ids=ids, baud=baud)
