"""Finds, reads and checks task files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec

from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.task import TaskDef

SHIPPED = Path(__file__).parent / "tasks"


class TaskError(ValueError):
    """The task is unknown or its file is wrong; the text says where and what would be right."""


def task_names(folders: Sequence[Path] = (SHIPPED,)) -> list[str]:
    """Names of all task files in these folders, sorted."""
    return sorted({p.stem for folder in folders for p in folder.glob("*.toml")})


def find_task(name: str, folders: Sequence[Path] = (SHIPPED,)) -> TaskDef:
    """A task by name, or by the path of its file.

    Raises:
        TaskError: Unknown (names the nearest) or malformed.
    """
    return load_task(task_path(name, folders))


def task_path(name: str, folders: Sequence[Path] = (SHIPPED,)) -> Path:
    """The file of a task, by name or as it is given.

    Raises:
        TaskError: Unknown (names the nearest).
    """
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            return path
    known = task_names(folders)
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise TaskError(f"no task is called {name!r}; {hint}")


def load_task(path: Path) -> TaskDef:
    """Read and check one task file.

    Raises:
        TaskError: One line with file, field and what would be right.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{path}: not TOML: {error}") from None
    try:
        task = msgspec.convert(data, TaskDef)
    except msgspec.ValidationError as error:
        raise TaskError(f"{path}: {error}") from None
    _check(task, path)
    return task


def _check(task: TaskDef, path: Path) -> None:
    names = [o.name for o in task.objects]
    if len(set(names)) != len(names):
        raise TaskError(f"{path}: two objects share a name")
    if not task.goal:
        raise TaskError(f"{path}: goal is empty; a task needs at least one relation")
    for where, relations in (("start", task.start.relations), ("goal", task.goal)):
        for r in relations:
            if r.relation not in RELATIONS:
                known = ", ".join(sorted(RELATIONS))
                raise TaskError(f"{path}: {where} relation {r.relation!r} unknown; known: {known}")
            for name in (r.object, *([r.target] if r.target else ())):
                if name not in names:
                    raise TaskError(f"{path}: {where} names {name!r}, which is not among objects")
            if RELATIONS[r.relation].needs_target and not r.target:
                raise TaskError(f"{path}: {where} relation {r.relation} needs a target")
