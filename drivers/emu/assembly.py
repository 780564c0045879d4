"""Puts servos together into an arm's bus, as its owner set them up."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.emu.body import Supply
from drivers.emu.bus import Bus
from drivers.emu.goal_log import GoalLog
from drivers.emu.memory import Memory, sign_bit
from drivers.emu.port import Port
from drivers.emu.rig import Line
from drivers.emu.section import EmulatorSection
from drivers.emu.servo import HALF, Mounting, Servo
from drivers.emu.shaft import Gears, Shaft
from drivers.emu.wire import Wire
from drivers.errors import CellFileError

SET_UP = {"return_delay": 0, "p_gain": 16, "d_gain": 32}
"""What LeRobot's configuration leaves in the EEPROM of an SO arm's servos."""


@dataclass(frozen=True)
class Owned:
    """What calibration left in one servo's EEPROM."""

    servo_id: int
    homing: int = 0
    low: int = 0
    high: int = 4095


def owned_from(path: Path) -> tuple[Owned, ...]:
    """EEPROM contents from a LeRobot calibration file, in the order of ids.

    Raises:
        CellFileError: The file is missing or no such file.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        entries = [_entry(joint) for joint in table.values()]
    except OSError as error:
        raise CellFileError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CellFileError(f"{path}: not a LeRobot calibration file: {error}") from None
    return tuple(sorted(entries, key=lambda entry: entry.servo_id))


def gears_of(section: EmulatorSection) -> Gears:
    """The gear train a cell file describes."""
    return Gears(
        stall_Nm=section.stall_Nm,
        no_load_rad_s=math.radians(section.no_load_deg_s),
        play_rad=math.radians(section.backlash_deg / 2.0),
        stiction_Nm=section.stiction_Nm,
    )


def assemble(
    section: EmulatorSection, arm: str, link: Path, shafts: Sequence[Shaft], owned: Sequence[Owned]
) -> Line:
    """One arm's bus on a fresh port, torque off, goals where the shafts are."""
    supply = Supply(section.supply_V, section.supply_ohm, section.ambient_C)
    gears = gears_of(section)
    log = GoalLog()
    servos = []
    for index, (shaft, own) in enumerate(zip(shafts, owned, strict=True)):
        memory = Memory(
            id=own.servo_id,
            homing=sign_bit(own.homing, 11),
            min_limit=own.low,
            max_limit=own.high,
            **SET_UP,
        )
        memory.lock_mode = section.lock_mode
        zero = section.zero_ticks[index] if index < len(section.zero_ticks) else HALF
        sign = section.signs[index] if index < len(section.signs) else 1
        servos.append(
            Servo(
                memory,
                shaft,
                supply,
                gears,
                Mounting(zero, sign),
                math.radians(section.full_torque_error_deg),
                log.add,
            )
        )
        log.allowed[own.servo_id] = (own.low, own.high)
    wire = Wire(section.usb_latency_ms / 1000.0, section.wire_time)
    bus = Bus(servos, wire, log, section.seed)
    return Line(arm, Port(link), bus, supply)


def _entry(joint: dict[str, Any]) -> Owned:
    return Owned(
        int(joint["id"]),
        int(joint["homing_offset"]),
        int(joint["range_min"]),
        int(joint["range_max"]),
    )
