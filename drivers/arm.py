"""One device, as the control loop sees it: synchronous, bounded, called by one thread."""

from __future__ import annotations

from typing import Protocol

from drivers.types import ArmSample, ArmSpec, Finding


class ArmDriver(Protocol):
    """The seam a new arm implements. No method may block past its deadline or move on its own."""

    def open(self) -> ArmSpec:
        """Connect, read-only. Nothing moves and nothing is written."""
        ...

    def check(self) -> list[Finding]:
        """Look for what an operator should know before enabling; writes nothing."""
        ...

    def read(self, deadline_s: float) -> ArmSample:
        """All telemetry in one go. Raises OSError when the device does not answer in time."""
        ...

    def energised(self) -> bool:
        """Whether the drives hold torque now."""
        ...

    def energise(self) -> None:
        """Switch torque on at the measured pose, without a jump."""
        ...

    def release(self) -> None:
        """Switch torque off: the arm will fall. Only ever called by the two-step act."""
        ...

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        """Send one set-point: joints, gripper opening and the force the gripper may use."""
        ...

    def close(self) -> None:
        """Disconnect, leaving torque as it is."""
        ...
