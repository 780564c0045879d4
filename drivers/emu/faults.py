"""The list of what can be made to go wrong, by command while the emulator runs or by seed.

Faults are bytes, registers or physics. What a driver makes of them is not known here.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.emu.rig import Line, Rig
from drivers.emu.servo import Servo

Value = float | str


@dataclass(frozen=True)
class Target:
    """What a fault is done to: one bus, and one of its servos unless ``servo`` is 0."""

    rig: Rig
    line: Line
    servo: int

    @property
    def one(self) -> Servo:
        """The servo meant. Raises ValueError when none is."""
        if self.servo == 0:
            raise ValueError("say which servo, e.g. servo=3; 1 is next to the controller board")
        return self.line.bus.servos[self.servo - 1]

    @property
    def some(self) -> list[Servo]:
        """The servo meant, or all of them."""
        return [self.one] if self.servo else list(self.line.bus.servos)

    def answering(self) -> int:
        """The id under which the servo meant answers now; 0 means any."""
        return self.one.servo_id if self.servo else 0


@dataclass(frozen=True)
class Fault:
    """One thing that can go wrong.

    Attributes:
        takes: Its arguments with what they are unless given.
        whole: It is the matter of a bus or a cell: it takes no ``servo``.
        passing: It ends by itself or can be undone by ``clear``: chaos may cause it.
    """

    name: str
    text: str
    act: Callable[..., str]
    takes: Mapping[str, Value] = field(default_factory=dict)
    whole: bool = False
    passing: bool = False


CATALOGUE: dict[str, Fault] = {}


def fault(
    name: str, text: str, *, whole: bool = False, passing: bool = False, **takes: Value
) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Put a function into the catalogue; it gets the target and the fault's arguments."""

    def keep(act: Callable[..., str]) -> Callable[..., str]:
        CATALOGUE[name] = Fault(name, text, act, takes, whole, passing)
        return act

    return keep


def inject(rig: Rig, name: str, given: Mapping[str, Any]) -> str:
    """Bring about a fault; says what it did.

    Raises:
        ValueError: No such fault, servo, bus or argument; says what there is.
    """
    chosen = CATALOGUE.get(name)
    if chosen is None:
        raise ValueError(f"no fault named {name!r}{_near(name, list(CATALOGUE))}")
    args = dict(given)
    line = _line(rig, args.pop("arm", ""))
    servo = 0 if chosen.whole else _whole(args.pop("servo", 0), "servo")
    if not 0 <= servo <= len(line.bus.servos):
        raise ValueError(f"servo={servo}: there are servos 1 to {len(line.bus.servos)}")
    values: dict[str, Value] = dict(chosen.takes)
    for key, value in args.items():
        if key not in values:
            raise ValueError(f"{name} takes no {key!r}{_near(key, _arguments(chosen))}")
        values[key] = _like(values[key], value, key)
    return chosen.act(Target(rig, line, servo), **values)


def listing() -> list[dict[str, Any]]:
    """The catalogue for people and programs."""
    return [
        {"name": f.name, "text": f.text, "takes": dict(f.takes), "servo": not f.whole}
        for f in CATALOGUE.values()
    ]


class Chaos:
    """Faults that come by themselves: the same seed gives the same faults at the same times."""

    def __init__(self, rig: Rig, names: tuple[str, ...], per_minute: float, seed: int) -> None:
        """Raises ValueError for a name that is no passing fault."""
        for name in names:
            if name not in CATALOGUE or not CATALOGUE[name].passing:
                passing = [f.name for f in CATALOGUE.values() if f.passing]
                raise ValueError(f"chaos cannot cause {name!r}{_near(name, passing)}")
        self._rig = rig
        self._names = names
        self._per_minute = per_minute
        self._random = random.Random(seed)
        self.happened: list[tuple[float, str, dict[str, Value]]] = []
        """Seconds since the start, fault, arguments."""
        self._plan()

    def _plan(self) -> None:
        if self._names and self._per_minute > 0.0:
            self._rig.later(self._random.expovariate(self._per_minute / 60.0), self._strike)

    def _strike(self) -> None:
        name = self._random.choice(self._names)
        line = self._random.choice(self._rig.lines)
        args: dict[str, Value] = {"arm": line.arm}
        if not CATALOGUE[name].whole:
            args["servo"] = self._random.randint(1, len(line.bus.servos))
        inject(self._rig, name, args)
        self.happened.append((self._rig.now_s - self._rig.began_s, name, args))
        self._plan()


def _arguments(chosen: Fault) -> list[str]:
    return [*chosen.takes, *(() if chosen.whole else ("servo",)), "arm"]


def _line(rig: Rig, arm: str) -> Line:
    if not arm:
        return rig.lines[0]
    for line in rig.lines:
        if line.arm == arm:
            return line
    raise ValueError(f"no arm named {arm!r}{_near(str(arm), [x.arm for x in rig.lines])}")


def _whole(value: Any, key: str) -> int:
    return int(_like(0.0, value, key))


def _like(default: Value, value: Any, key: str) -> Value:
    """A value of the kind its default has."""
    if isinstance(default, str):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key}={value}: expected a number") from None
    if not -1e9 < number < 1e9:
        raise ValueError(f"{key}={value}: expected a finite number")
    return number


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}"
