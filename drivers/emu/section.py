"""``[emulator]`` of a cell file: what an emulated servo bus is like."""

from __future__ import annotations

from typing import Literal

import msgspec


class StandsAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a camera was built to stand on its mount; it truly is there but for ``[sim.noise]``."""

    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]


class EmulatorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the servos, their gears, their supply and their USB adapter behave.

    The sizes of load error and play are those published for the SO-101: half a degree of play in
    each gear train, and at LeRobot's gains a sag that with the play adds up to one or two degrees
    at the tool of an arm stretched out.
    """

    seed: int = 0
    """Of the faults that come by themselves."""
    chaos: tuple[str, ...] = ()
    """Names of faults that come by themselves; ``aspire-tui cell fault --help`` lists them."""
    chaos_per_minute: float = 0.0
    usb_latency_ms: float = 1.0
    """How long the adapter collects bytes before it hands them over; FTDI's default is 16."""
    wire_time: bool = True
    """Whether bytes take their time on the wire."""
    lock_mode: Literal["drop", "volatile"] = "drop"
    """What a locked EEPROM does with a write: ``drop`` it, or keep it until the power goes."""
    stall_Nm: float = 2.94
    no_load_deg_s: float = 270.0
    full_torque_error_deg: float = 2.8
    """Error at which the drive gives all it has, at P = 16."""
    backlash_deg: float = 0.5
    """Whole free play between encoder and horn."""
    stiction_Nm: float = 0.06
    supply_V: float = 12.0
    supply_ohm: float = 0.08
    ambient_C: float = 25.0
    zero_ticks: tuple[int, ...] = ()
    """What each encoder reads at the model's zero, before homing; else 2048."""
    signs: tuple[int, ...] = ()
    """1 or -1 for each servo: which way its encoder counts when the model's joint turns."""
    start: Literal["holding", "resting"] = "holding"
    """``holding``: torque on at the home pose, as an earlier user left it; ``resting``: torque off,
    lying at the arm's ``rest_rad``."""
    calibration: str = ""
    """LeRobot's calibration file of this arm, beside the cell file: what its EEPROMs hold."""
    calibrations: dict[str, str] = {}
    """The same by the name of the arm, in a cell of several; ``calibration`` for the others."""
    cameras: dict[str, StandsAt] = {}
    """Cameras that stay where they are when the cell file learns better where that is; a camera
    that is not named here stands where the cell file has it."""

    def held_by(self, arm: str) -> str:
        """The calibration file whose values the servos of an arm begin with; empty: none."""
        return self.calibrations.get(arm, self.calibration)
