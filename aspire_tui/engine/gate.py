"""Whether the next call may run: held, stepping, running or aborting. Pure.

HOLD closes the gate; only a confirmed resume opens it. A step lets exactly one call through and
closes the gate again before the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GateMode = Literal["running", "held", "stepping", "aborting"]


@dataclass
class GateState:
    """The gate of one bench. ``reason`` says who closed it and why."""

    mode: GateMode = "running"
    reason: str = ""

    def hold(self, reason: str) -> None:
        """Idempotent; never opens anything."""
        if self.mode != "aborting":
            self.mode, self.reason = "held", reason

    def resume(self) -> bool:
        """Open the gate. False when there was nothing to resume."""
        if self.mode != "held":
            return False
        self.mode, self.reason = "running", ""
        return True

    def step(self) -> bool:
        """Let one call through, then hold."""
        if self.mode not in ("held", "running"):
            return False
        self.mode, self.reason = "stepping", "single step"
        return True

    def abort(self, reason: str) -> None:
        self.mode, self.reason = "aborting", reason

    def ask(self) -> Literal["run", "wait", "abort"]:
        """A call wants to run. A step is used up by it."""
        if self.mode == "running":
            return "run"
        if self.mode == "stepping":
            self.mode, self.reason = "held", "single step done"
            return "run"
        return "abort" if self.mode == "aborting" else "wait"

    def trial_ended(self) -> None:
        """An abort ends with its trial; a hold outlives it."""
        if self.mode == "aborting":
            self.mode, self.reason = "held", "trial aborted"
