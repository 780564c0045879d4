"""Reset, verifier, limits, seeds, scoring, tasks and cell: what a session is judged by, hashed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.engine.evaluation import Evaluation
from aspire_tui.environment.task import TaskDef
from aspire_tui.evolution import named_failure, seeds, selection, statistics
from aspire_tui.rollout.in_force import JUDGING_HERE, source_of
from drivers.types import CellInfo

JUDGING: dict[str, tuple[ModuleType, ...]] = {
    **JUDGING_HERE,
    "seeds": (seeds,),
    "scoring": (selection, named_failure, statistics),
}
"""The code that sets the scene and judges, by the name it is hashed under."""

LIMITING = ("drivers.safety", "drivers.gate")
"""The code that enforces limits; it runs in the cell host."""


def evaluation_of(cell_file: Path, task_files: Sequence[Path]) -> Evaluation:
    """Everything that judges a session and lies in a file, read now."""
    files = {name: tuple(source_of(m) for m in found) for name, found in JUDGING.items()}
    files["limits code"] = tuple(_origin(name) for name in LIMITING)
    files["cell file"] = (cell_file,)
    for path in task_files:
        files[f"task file {path.stem}"] = (path,)
    return Evaluation(files)


def _origin(module: str) -> Path:
    """The file of a module that is not loaded here."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)


def evaluation_hashes(
    evaluation: Evaluation, tasks: Sequence[TaskDef], cell: CellInfo
) -> dict[str, str]:
    """What must not change while a session runs, by name."""
    out = evaluation.hashes()
    out["limits"] = sha256_hex(msgspec.json.encode([cell.arms, cell.workspace]))
    for task in tasks:
        out[f"task {task.name}"] = sha256_hex(msgspec.json.encode(task))
    return out
