"""All of one emulated cell's buses, their power and their load, and the passing of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.emu.body import IDLE_A, Supply
from drivers.emu.bus import Bus
from drivers.emu.hand import Hand
from drivers.emu.port import Port
from drivers.emu.shaft import STEP_S, Plant

SLICE: Final = 8
"""Steps taken at most before the bus is listened to again."""

BEHIND_S: Final = 0.25
"""A process that was kept from running for longer does not make up for it."""

BROWN_OUT_V: Final = 4.5


@dataclass
class Line:
    """One arm's bus: its name in the cell, its port, its servos, its power supply."""

    arm: str
    port: Port
    bus: Bus
    supply: Supply


@dataclass
class Views:
    """What may go wrong with the pictures of an emulated cell.

    Attributes:
        frozen: The cameras go on sending the last picture.
        silent: They send nothing.
        black: Their lenses are covered.
        missing: They are unplugged.
    """

    frozen: bool = False
    silent: bool = False
    black: bool = False
    missing: bool = False

    def clear(self) -> None:
        """All is well again."""
        self.frozen = self.silent = self.black = self.missing = False


class Rig:
    """Time passes only through ``advance_to``; the caller brings the clock.

    Attributes:
        lines: The buses, in the order of the cell's arms.
        views: The state of the cameras.
        hand: Of somebody who moves the arms.
    """

    def __init__(self, lines: Sequence[Line], plant: Plant, now_s: float) -> None:
        self.lines = list(lines)
        self.plant = plant
        self.views = Views()
        self.hand = Hand()
        self.now_s = now_s
        self.began_s = now_s
        self.skipped_s = 0.0
        """Time that was given up because the process was kept from running."""
        self._servos = [servo for line in lines for servo in line.bus.servos]
        self._drives = [servo.drive for servo in self._servos]
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._dark: dict[str, bool] = {line.arm: False for line in lines}

    def advance_to(self, now_s: float) -> bool:
        """Let physics catch up, a bounded slice of it; whether it has."""
        behind_s = now_s - self.now_s
        if behind_s > BEHIND_S:
            self.skipped_s += behind_s - BEHIND_S
            self.now_s = now_s - BEHIND_S
        steps = min(SLICE, int((now_s - self.now_s) / STEP_S))
        for _ in range(steps):
            self.step()
        while self._later and self._later[0][0] <= self.now_s:
            heapq.heappop(self._later)[2]()
        return now_s - self.now_s < STEP_S

    def begin(self, now_s: float) -> None:
        """Let time pass from now on: what making all this took does not count."""
        self.now_s = self.began_s = max(now_s, self.now_s)

    def step(self) -> None:
        """One step of everything."""
        for servo in self._servos:
            servo.step()
        if self.hand.busy:
            self.hand.step(self.now_s)
        self.plant.advance(self._drives)
        self.now_s += STEP_S
        for line in self.lines:
            self._draw(line)

    def later(self, after_s: float, act: Callable[[], None]) -> None:
        """Do something in a while."""
        heapq.heappush(self._later, (self.now_s + after_s, next(self._count), act))

    def power_cycle(self, line: Line) -> None:
        """All servos of a line restart."""
        for servo in line.bus.servos:
            servo.power_cycle()

    def _draw(self, line: Line) -> None:
        """Current through the supply; below a voltage the servos restart."""
        servos = line.bus.servos
        drawn = sum(s.body.current_A if s.powered else 0.0 for s in servos)
        line.supply.drawn_A += 0.2 * (max(drawn, IDLE_A) - line.supply.drawn_A)
        dark = line.supply.volts < BROWN_OUT_V
        if dark == self._dark[line.arm]:
            return
        self._dark[line.arm] = dark
        for servo in servos:
            servo.powered = not dark
        if not dark:
            self.power_cycle(line)
