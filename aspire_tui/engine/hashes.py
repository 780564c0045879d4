"""Reset, verifier, limits, seeds and scoring, hashed when a session starts."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType

import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.environment import referee, relations, reset, verify
from aspire_tui.environment.task import TaskDef
from aspire_tui.evolution import seeds, selection, statistics
from drivers.types import CellInfo

JUDGING: dict[str, tuple[ModuleType, ...]] = {
    "reset": (reset,),
    "verifier": (verify, relations),
    "referee": (referee, relations),
    "seeds": (seeds,),
    "scoring": (selection, statistics),
}
"""The code that sets the scene and judges, by the name it is hashed under."""


def evaluation_hashes(tasks: Sequence[TaskDef], cell: CellInfo) -> dict[str, str]:
    """What must not change while a session runs, by name."""
    out = {
        name: sha256_hex("".join(inspect.getsource(m) for m in found).encode())
        for name, found in JUDGING.items()
    }
    out["limits"] = sha256_hex(msgspec.json.encode([cell.arms, cell.workspace]))
    for task in tasks:
        out[f"task {task.name}"] = sha256_hex(msgspec.json.encode(task))
    return out
