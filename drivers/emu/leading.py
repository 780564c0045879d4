"""An unseen hand that moves an emulated arm, as a person moves a real one; for set-up."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from drivers.emu.fault_socket import NAME, FaultClient

LEAD_S: Final = 0.7
SWEEP_S: Final = 1.2
"""Of one joint, besides the time at its stops."""
LOOK_EVERY_S: Final = 0.1


class UnseenHand:
    """Moves an emulated arm whose torque is off, as a person moves a real one."""

    def __init__(self, folder: Path, arm: str) -> None:
        """``folder``: the run folder of the emulator."""
        self._path, self._arm = folder / NAME, arm

    def lead(self, to: str) -> None:
        """Put every joint into a pose (``middle``, ``zero``, ``rest``) and hold it there."""
        self._do(to, LEAD_S)
        while self.moving():
            time.sleep(LOOK_EVERY_S)

    def sweep(self) -> None:
        """Begin to move every joint from stop to stop, one after the other."""
        self._do("sweep", SWEEP_S)

    def moving(self) -> bool:
        """Whether it is still on its way."""
        with FaultClient(self._path) as faults:
            return bool(faults.ask(do="state")["hand_moves"])

    def let_go(self) -> None:
        self._do("off", LEAD_S)

    def _do(self, to: str, seconds: float) -> None:
        with FaultClient(self._path) as faults:
            faults.inject("by_hand", arm=self._arm, to=to, seconds=seconds)
