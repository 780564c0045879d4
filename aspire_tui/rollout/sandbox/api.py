"""What the sandbox takes and answers. The mechanism is in the other modules of this package.

The program sees the names of a :class:`Namespace` as bare globals. Each call of one travels as one
bounded message to the parent, which answers through ``serve``; nothing else goes in or out but
captured output. Values in both directions are JSON, tuples, numpy arrays and
:class:`ResultValue`; exceptions reach the program only as ``PrimitiveError(status, detail)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from aspire_tui.domain import ProgramEnd, Status

Value = Any
"""JSON, tuple, numpy array, :class:`ResultValue`, nested."""


class ResultValue(msgspec.Struct, frozen=True):
    """A result of a motion or gripper call: attributes for the program, truthy only on OK."""

    status: Status | Literal["Success"]
    """A Status, or the word its upstream name has for OK."""
    detail: str
    fields: dict[str, Any]


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a declared primitive; ``required`` ones have no default."""

    name: str
    required: bool
    default: Any = None


class Function(msgspec.Struct, frozen=True):
    """One primitive as the program sees it. An alias is a Function of its own."""

    name: str
    parameters: tuple[Parameter, ...]
    doc: str


@dataclass(frozen=True)
class Namespace:
    """Everything a program may name beside Python and the allowed packages."""

    functions: tuple[Function, ...]
    constants: Mapping[str, Value] = field(default_factory=dict)


class ProgramLimits(msgspec.Struct, frozen=True):
    """What one program may use. Wall and idle clocks stop while a primitive runs."""

    wall_s: float = 60.0
    idle_s: float = 20.0
    cpu_s: int = 20
    memory_mb: int = 1024
    calls: int = 2000
    stdout_kept: int = 65536
    stdout_max: int = 32 << 20
    frame_max: int = 256 << 10
    """JSON part of one message; arrays travel beside it, at most ``arrays_max`` bytes."""
    arrays_max: int = 4 << 20


@dataclass(frozen=True)
class Call:
    """One call of the program, decoded and bounded but not yet validated by the primitive."""

    n: int
    function: str
    args: dict[str, Value]
    line: int


@dataclass(frozen=True)
class Answer:
    """What the program gets: a value, or an exception it may catch."""

    value: Value = None
    error: tuple[Status, str] | None = None


class Abort(Exception):
    """Raised by ``serve`` to kill the program; ``ended`` says how that is recorded."""

    def __init__(self, ended: Literal["aborted", "killed"], reason: str) -> None:
        super().__init__(reason)
        self.ended: Literal["aborted", "killed"] = ended
        self.reason = reason


@dataclass(frozen=True)
class ProgramOutcome:
    """How a program ended. ``error`` is one line; ``line`` is where, in the program."""

    ended: ProgramEnd
    error: str
    line: int
    claimed: bool | None
    stdout: str
    cut: int
    calls: int
    wall_s: float


Serve = Callable[[Call], Answer]


class SandboxUnavailable(Exception):
    """No level that was asked for can be had here. One line: what failed at each of them."""
