"""How long a cell has not heard from its devices, and what follows. Pure."""

from __future__ import annotations

import errno
from typing import Final, Literal

from drivers.errors import DeviceGone

BAD_CYCLES_ALARM: Final = 3
BAD_AFTER_PAUSE: Final = 2
BLIND_STOP_S: Final = 0.1
BLIND_LOST_S: Final = 0.5
GONE: Final = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF)
"""What an unplugged adapter answers; waiting will not bring it back."""

Verdict = Literal["wait", "alarm", "stop", "lost"]


def is_gone(error: OSError) -> bool:
    """Whether the device is no longer there, rather than late."""
    return isinstance(error, DeviceGone) or error.errno in GONE


class SilenceWatch:
    """Counts control periods without a usable answer."""

    def __init__(self, now_s: float) -> None:
        self.bad_cycles = 0
        self._heard_s = now_s

    def heard(self, now_s: float) -> None:
        """Everything answered in this period."""
        self._heard_s, self.bad_cycles = now_s, 0

    def missed(self, error: OSError, now_s: float) -> Verdict:
        """Something did not answer in this period, and why."""
        self.bad_cycles += 1
        if is_gone(error):
            return "lost"
        blind_s = self.blind_s(now_s)
        # After a pause of our own one missed answer says nothing yet; the next one does.
        if self.bad_cycles >= BAD_AFTER_PAUSE and blind_s >= BLIND_LOST_S:
            return "lost"
        if self.bad_cycles >= BAD_AFTER_PAUSE and blind_s >= BLIND_STOP_S:
            return "stop"
        return "alarm" if self.bad_cycles == BAD_CYCLES_ALARM else "wait"

    def blind_s(self, now_s: float) -> float:
        """Since when nothing usable came."""
        return now_s - self._heard_s
