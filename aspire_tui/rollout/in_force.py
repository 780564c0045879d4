"""The code that sets scenes and judges them, as this process has it: read when it was loaded.

A worker compares it with what the session began with, so that no process with other code can judge
a trial of it, whatever happened to the files in between.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from aspire_tui.domain import sha256_hex
from aspire_tui.environment import (
    bench,
    draw,
    footprint,
    hand_reset,
    judging,
    perception,
    referee,
    relations,
    relations_carried,
    relations_moved,
    relations_people,
    relations_placed,
    relations_raised,
    reset,
    verify,
)


def _modules_of(package: ModuleType) -> tuple[ModuleType, ...]:
    """A package and its modules, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
    return (package, *(importlib.import_module(f"{package.__name__}.{n}") for n in names))


RELATING: Final = (
    footprint,
    judging,
    relations,
    relations_carried,
    relations_moved,
    relations_people,
    relations_placed,
    relations_raised,
)

JUDGING_HERE: Final[dict[str, tuple[ModuleType, ...]]] = {
    "reset": (reset, draw, hand_reset),
    "verifier": (verify, *RELATING),
    "referee": (referee, *RELATING),
    "perception": (*_modules_of(perception), bench),
}
"""What judges in the process that runs a trial, by the name it is hashed under."""


class OtherCode(Exception):
    """This process would judge with other code or another cell than the session began with."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names


def source_of(module: ModuleType) -> Path:
    """The file a module was loaded from."""
    if module.__file__ is None:
        raise ValueError(f"{module.__name__} has no file")
    return Path(module.__file__)


def digest(texts: Iterable[bytes]) -> str:
    """The hash of something made of these files, in order."""
    return sha256_hex(b"".join(texts))


LOADED: Final[dict[str, str]] = {
    name: digest(source_of(m).read_bytes() for m in modules)
    for name, modules in JUDGING_HERE.items()
}
"""As it was when this process loaded it; never read again."""


def differing(expected: Mapping[str, str], here: Mapping[str, str]) -> tuple[str, ...]:
    """Names of which both sides know a hash, and not the same. Pure."""
    return tuple(sorted(n for n in expected.keys() & here.keys() if expected[n] != here[n]))
