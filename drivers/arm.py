"""One device, as the control loop sees it: synchronous, bounded, called by one thread."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

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


@runtime_checkable
class SoftenableArm(Protocol):
    """A device whose drives can be told to push less, which is how an alarm is answered."""

    def soften(self, joint: str, fraction: float) -> None:
        """Limit one drive's torque to a fraction of what it is allowed; energising restores it.

        Args:
            joint: Name of a joint, or ``gripper``; a softened gripper also stops squeezing: its
                set-point becomes what is measured, until the next different opening is written.
        """
        ...

    def restore(self) -> None:
        """Take every softening back, once an operator has acknowledged it."""
        ...


@runtime_checkable
class PacedArm(Protocol):
    """A device whose line may be too slow for the cell's control rate: the cell slows down."""

    @property
    def period_s(self) -> float:
        """The shortest control period it keeps up with, known once it is open; 0: any."""
        ...


@runtime_checkable
class AskedAheadArm(Protocol):
    """A device on a line of its own, whose question can be under way while others are read."""

    def ask_ahead(self) -> None:
        """Send what the next reading asks, and do not wait. Raises OSError."""
        ...


@runtime_checkable
class CompliantArm(Protocol):
    """A device that a person may move by hand when it is told to let them."""

    def comply(self, on: bool) -> None:
        """Let the joints be moved by hand, or hold again where they are measured to be.

        The gripper keeps what it holds. Raises OSError when the device does not obey.
        """
        ...
