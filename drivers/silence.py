"""How long a cell has not heard from its devices, and what follows. Pure."""

from __future__ import annotations

import errno
from typing import Final, Literal

from drivers.errors import DeviceGone

BAD_CYCLES_ALARM: Final = 3
BLIND_STOP_S: Final = 0.1
BLIND_LOST_S: Final = 0.5
EMULATED_PATIENCE: Final = 3.0
"""An emulated device is a process on this machine and waits for its processor as a device does
not: its pauses are this machine's."""
LISTENED_S: Final = 0.05
"""The most of the time between two looks that counts as silence of a device: what is more is this
computer's, which did not look."""
GONE: Final = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF)
"""What an unplugged adapter answers; waiting will not bring it back."""

Verdict = Literal["wait", "alarm", "stop", "lost"]


def is_gone(error: OSError) -> bool:
    """Whether the device is no longer there, rather than late."""
    return isinstance(error, DeviceGone) or error.errno in GONE


class SilenceWatch:
    """Counts control periods without a usable answer.

    Attributes:
        blind_s: For how long was looked and nothing usable came.
    """

    def __init__(self, now_s: float, patience: float = 1.0) -> None:
        """``patience``: how much longer to wait than for a device; see ``EMULATED_PATIENCE``."""
        self._patience = patience
        self.bad_cycles = 0
        self.blind_s = 0.0
        self._looked_s = now_s

    def heard(self, now_s: float) -> None:
        """Everything answered in this period."""
        self._looked_s, self.blind_s, self.bad_cycles = now_s, 0.0, 0

    def missed(self, error: OSError, now_s: float) -> Verdict:
        """Something did not answer in this period, and why."""
        self.bad_cycles += 1
        if is_gone(error):
            return "lost"
        self.blind_s += min(max(0.0, now_s - self._looked_s), LISTENED_S)
        self._looked_s = now_s
        if self.blind_s >= BLIND_LOST_S * self._patience:
            return "lost"
        if self.blind_s >= BLIND_STOP_S * self._patience:
            return "stop"
        return "alarm" if self.bad_cycles == BAD_CYCLES_ALARM else "wait"
