"""One emulated servo: what its registers do to its motor, and its sensors to its registers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drivers.emu.body import OVERLOAD_BIT, Body, Supply
from drivers.emu.memory import Memory, Reg, sign_bit, signed
from drivers.emu.profile import Profile
from drivers.emu.shaft import STEP_S, Drive, Gears, Shaft

TURN: Final = 4096
TICK_RAD: Final = 2.0 * math.pi / TURN
HALF: Final = 2048

BAUDS: Final = (1_000_000, 500_000, 250_000, 128_000, 115_200, 57_600, 38_400, 19_200)

REVERSED: Final = 0x80
MULTI_TURN: Final = 0x10
ZERO_SPEED_IS_TOP: Final = 0x08
FINE_SPEED: Final = 0x04

TOP_ACCELERATION: Final = 40_000.0
COARSE_SPEED: Final = 50
SET_MIDDLE: Final = 128
DAMPING: Final = 2
BRAKE_SHARE: Final = 0.9
"""Damping at D = 32, in units of what gives a typical load no overshoot."""


@dataclass(frozen=True)
class Mounting:
    """How a servo sits in its joint: what the encoder reads at angle 0, and which way it counts."""

    zero_ticks: int = HALF
    sign: int = 1


@dataclass
class GoalWrite:
    """One goal that reached a servo: what was asked for, and what its own limits made of it."""

    servo_id: int
    asked: int
    taken: int
    energised: bool


class Servo:
    """Registers, control law and sensors of one servo. Time passes only through ``step``.

    Attributes:
        powered: Whether it has supply; without, it says nothing.
        wired: Whether its data line is plugged in.
    """

    def __init__(
        self,
        memory: Memory,
        shaft: Shaft,
        supply: Supply,
        gears: Gears,
        mounting: Mounting,
        full_torque_error_rad: float = 0.0925,
        log: Callable[[GoalWrite], None] = lambda _write: None,
    ) -> None:
        self.memory = memory
        self.shaft = shaft
        self.supply = supply
        self.body = Body(memory, supply)
        self.drive = Drive()
        self.powered = True
        self.wired = True
        self.lost_V = 0.0
        """In the cables before it."""
        self._gears = gears
        self._mounting = mounting
        self._stiffness = gears.stall_Nm / full_torque_error_rad
        self._log = log
        self._profile = Profile()
        self._pending: tuple[int, bytes] | None = None
        self._turns_from = 0
        self._settle()

    # -- what the bus asks -----------------------------------------------------------------

    @property
    def servo_id(self) -> int:
        return self.memory.cells[Reg.ID]

    @property
    def baud(self) -> int:
        """Bit/s it listens at."""
        return BAUDS[self.memory.cells[Reg.BAUD] % len(BAUDS)]

    @property
    def answers_writes(self) -> bool:
        return self.memory.cells[Reg.RESPONSE_LEVEL] != 0

    @property
    def return_delay_s(self) -> float:
        return self.memory.cells[Reg.RETURN_DELAY] * 2e-6

    @property
    def energised(self) -> bool:
        return self.memory.cells[Reg.TORQUE] == 1

    def error(self) -> int:
        """The status byte of an answer."""
        return self.body.status_bits()

    def read(self, address: int, count: int) -> bytes:
        """Answer a READ with what the sensors say now."""
        self._sense()
        return self.memory.read(address, count)

    def write(self, address: int, data: bytes) -> None:
        """Take a WRITE and do what it means."""
        torque_before = self.memory.cells[Reg.TORQUE]
        goal_before = self._goal()
        taken = self.memory.write(address, data)
        if Reg.TORQUE in taken:
            self._torque_written(torque_before)
        if Reg.GOAL_POSITION in taken or Reg.GOAL_POSITION + 1 in taken:
            self._goal_written(goal_before)
        self.body.weigh()

    def reg_write(self, address: int, data: bytes) -> None:
        """Keep a write for the next ACTION."""
        self._pending = (address, data)
        self.memory.cells[Reg.ASYNC] = 1

    def action(self) -> None:
        """Carry out the write that was kept."""
        pending, self._pending = self._pending, None
        self.memory.cells[Reg.ASYNC] = 0
        if pending is not None:
            self.write(*pending)

    def ticks_at(self, angle_rad: float) -> float:
        """Position in ticks when the shaft is there; continuous over turns."""
        raw = self._mounting.zero_ticks + self._mounting.sign * angle_rad / TICK_RAD
        return raw - signed(self.memory.get(Reg.HOMING), 11)

    # -- what happens to it ----------------------------------------------------------------

    def power_cycle(self) -> None:
        """Power went and came: EEPROM values, torque off, turns forgotten."""
        self.memory.power_up()
        self.body.cut()
        self._pending = None
        self._turns_from = round(self._ticks()) // TURN * TURN
        self._settle()

    def set_goal_register(self, ticks: int) -> None:
        """Leave a goal in its register without energising: what an earlier user left behind."""
        self.memory.put(Reg.GOAL_POSITION, sign_bit(ticks, 15))

    def turn_counter(self, turns: int) -> None:
        """Let it count turns from so many, with multi-turn feedback on."""
        self.memory.put(Reg.PHASE, self.memory.get(Reg.PHASE) | MULTI_TURN)
        self._turns_from = (round(self._ticks()) // TURN - turns) * TURN

    def slip(self, degrees: float) -> None:
        """The horn slips: from now on the joint is elsewhere than the encoder says."""
        moved = round(degrees / 360.0 * TURN)
        self._mounting = Mounting(self._mounting.zero_ticks + moved, self._mounting.sign)

    # -- time ------------------------------------------------------------------------------

    def step(self) -> None:
        """Let ``STEP_S`` pass: feel the shaft as it is, then set the drive."""
        duty = self.shaft.torque_Nm / self._gears.stall_Nm if self.powered else 0.0
        self.body.step(duty, STEP_S)
        present = self.present()
        self._travel(present)
        self._push(present)

    def _travel(self, present: float) -> None:
        memory, profile = self.memory, self._profile
        if not (self.powered and self.energised):
            profile.rest_at(present)
            return
        unit = memory.cells[Reg.ACCELERATION]
        acceleration = unit * 100.0 if unit else TOP_ACCELERATION
        mode = memory.cells[Reg.MODE]
        if mode == 1:
            profile.run(self._wanted_speed(), acceleration, STEP_S)
        elif mode != 2:
            profile.step(self._goal(), abs(self._wanted_speed()), acceleration, STEP_S)

    def _wanted_speed(self) -> float:
        """Ticks a second, from the speed register and what the phase byte makes of it."""
        phase = self.memory.cells[Reg.PHASE]
        speed = signed(self.memory.get(Reg.GOAL_SPEED), 15)
        speed *= 1 if phase & FINE_SPEED else COARSE_SPEED
        top = self._gears.no_load_rad_s / TICK_RAD * min(1.2, self.supply.volts / 12.0)
        if speed == 0 and phase & ZERO_SPEED_IS_TOP and self.memory.cells[Reg.MODE] != 1:
            return top
        return max(-top, min(top, float(speed)))

    def _push(self, present: float) -> None:
        memory, drive, gears = self.memory, self.drive, self._gears
        sign = self._mounting.sign
        drive.feed_Nm = drive.error_rad = drive.set_speed_rad_s = 0.0
        drive.stiffness_Nm_rad = drive.damping_Nms_rad = drive.limit_Nm = 0.0
        torque = memory.cells[Reg.TORQUE]
        if not self.powered or torque not in (1, DAMPING):
            return
        drive.limit_Nm = gears.stall_Nm * self.body.torque_share
        if torque == DAMPING:
            return
        if memory.cells[Reg.MODE] == 2:
            duty = signed(memory.get(Reg.GOAL_TIME), 10) / 1000.0
            drive.feed_Nm = sign * duty * gears.stall_Nm
            return
        error = self._profile.at - present
        if abs(error) <= max(memory.cells[Reg.DEAD_ZONE_CW], memory.cells[Reg.DEAD_ZONE_CCW]):
            error = 0.0
        drive.error_rad = sign * error * TICK_RAD
        drive.set_speed_rad_s = sign * self._profile.speed * TICK_RAD
        drive.stiffness_Nm_rad = self._stiffness * max(memory.cells[Reg.P_GAIN], 1) / 16.0
        drive.damping_Nms_rad = BRAKE_SHARE * gears.stall_Nm * memory.cells[Reg.D_GAIN] / 32.0

    # -- registers with a meaning ----------------------------------------------------------

    def _goal(self) -> int:
        return signed(self.memory.get(Reg.GOAL_POSITION), 15)

    def _goal_written(self, before: int) -> None:
        asked = self._goal()
        low, high = self.memory.get(Reg.MIN_LIMIT), self.memory.get(Reg.MAX_LIMIT)
        taken = max(low, min(high, asked)) if low or high else asked
        self.memory.put(Reg.GOAL_POSITION, sign_bit(taken, 15))
        self._log(GoalWrite(self.servo_id, asked, taken, self.energised))
        present = self.present()
        if (taken - present) * (before - present) < 0.0 and self.body.latched & OVERLOAD_BIT:
            self.body.relax()
        if not self.energised:
            self.memory.cells[Reg.TORQUE] = 1
            self._profile.rest_at(present)

    def _torque_written(self, before: int) -> None:
        cells = self.memory.cells
        if cells[Reg.TORQUE] == SET_MIDDLE:
            cells[Reg.TORQUE] = before
            offset = round(self._raw()) - HALF
            self.memory.put(Reg.HOMING, sign_bit((offset + HALF) % TURN - HALF, 11))
            self.memory.put(Reg.GOAL_POSITION, HALF)
            self._profile.rest_at(self.present())
        elif cells[Reg.TORQUE] == 0:
            self.body.relax()
        elif before == 0:
            self._profile.rest_at(self.present())

    def _settle(self) -> None:
        """Goal and set-point where the shaft is."""
        present = self.present()
        self._profile.rest_at(present)
        self.memory.put(Reg.GOAL_POSITION, sign_bit(round(present), 15))

    # -- sensors ---------------------------------------------------------------------------

    def _ticks(self) -> float:
        """The encoder, continuous over turns."""
        ticks = self._mounting.zero_ticks + self._mounting.sign * self.shaft.angle_rad / TICK_RAD
        return -ticks if self.memory.cells[Reg.PHASE] & REVERSED else ticks

    def _raw(self) -> float:
        return self._ticks() % TURN

    def present(self) -> float:
        """Present position in ticks as the control law has it, unrounded."""
        offset = signed(self.memory.get(Reg.HOMING), 11)
        if self.memory.cells[Reg.PHASE] & MULTI_TURN:
            return self._ticks() - self._turns_from - offset
        return (self._raw() - offset) % TURN

    def _sense(self) -> None:
        memory, sign = self.memory, self._mounting.sign
        present = round(self.present())
        if not memory.cells[Reg.PHASE] & MULTI_TURN:
            present %= TURN
        speed = sign * self.shaft.speed_rad_s / TICK_RAD
        memory.put(Reg.POSITION, sign_bit(present, 15))
        memory.put(Reg.SPEED, sign_bit(round(speed), 15))
        memory.put(Reg.LOAD, sign_bit(round(sign * self.body.duty * 1000.0), 10))
        memory.cells[Reg.VOLTAGE] = min(
            255, round(max(0.0, self.supply.volts - self.lost_V) * 10.0)
        )
        memory.cells[Reg.TEMPERATURE] = max(0, min(255, round(self.body.temperature_C)))
        memory.cells[Reg.STATUS] = self.error()
        memory.cells[Reg.MOVING] = int(abs(speed) > 3.0)
        memory.put(Reg.CURRENT, round(self.body.current_A / 0.0065))
        memory.put(Reg.TARGET, memory.get(Reg.GOAL_POSITION))
