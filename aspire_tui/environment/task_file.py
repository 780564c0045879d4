"""Finds, reads and checks task files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

import msgspec

from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.task import Relation, TaskDef
from aspire_tui.environment.variants import NoVariant, vary

RESET: Final = "reset"
RESETTERS: Final[tuple[Literal["arm", "operator"], ...]] = ("arm", "operator")

SHIPPED = Path(__file__).parent / "tasks"


class TaskError(ValueError):
    """The task is unknown or its file is wrong; the text says where and what would be right."""


def task_names(folders: Sequence[Path] = (SHIPPED,)) -> list[str]:
    """Names of all task files in these folders, sorted."""
    return sorted({p.stem for folder in folders for p in folder.glob("*.toml")})


def find_task(name: str, folders: Sequence[Path] = (SHIPPED,)) -> TaskDef:
    """A task by name, or by the path of its file; also one of its steps or variants.

    ``TASK@STEP`` asks for one sub-task, ``TASK+KIND-SEED`` for a perturbed variant; both go
    together as ``TASK@STEP+KIND-SEED``. ``TASK+reset-arm`` and ``TASK+reset-operator`` reset
    without the stand-in's powers.

    Raises:
        TaskError: Unknown (names the nearest) or malformed.
    """
    base, step, kind, seed = _taken_apart(name)
    task = load_task(task_path(base, folders))
    if step:
        task = _step(task, step)
    if kind == RESET:
        start = msgspec.structs.replace(task.start, by=RESETTERS[seed])
        return msgspec.structs.replace(task, name=f"{task.name}+{RESET}-{start.by}", start=start)
    if kind:
        try:
            task = vary(task, kind, seed)
        except NoVariant as error:
            raise TaskError(str(error)) from None
    return task


def _taken_apart(name: str) -> tuple[str, str, str, int]:
    """Task, step, kind of variant and its seed; empty where there is none."""
    if name.endswith(".toml"):
        return name, "", "", 0
    base, _, variant = name.partition("+")
    base, _, step = base.partition("@")
    if not variant:
        return base, step, "", 0
    kind, _, seed = variant.rpartition("-")
    if kind == RESET and seed in RESETTERS:
        return base, step, RESET, RESETTERS.index(seed)
    if not kind or not seed.isdecimal():
        raise TaskError(f"variant {variant!r} is not KIND-SEED, such as spatial-3")
    return base, step, kind, int(seed)


def _step(task: TaskDef, step: str) -> TaskDef:
    """One sub-task as a task of its own: same start, its own words and goal."""
    for sub in task.subtasks:
        if sub.name == step:
            return msgspec.structs.replace(
                task,
                name=f"{task.name}@{step}",
                instruction=sub.instruction,
                goal=sub.goal,
                subtasks=(),
            )
    known = ", ".join(s.name for s in task.subtasks) or "none"
    raise TaskError(f"task {task.name} has no step {step!r}; its steps: {known}")


def task_path(name: str, folders: Sequence[Path] = (SHIPPED,)) -> Path:
    """The file of a task (of its steps and variants too), by name or as it is given.

    Raises:
        TaskError: Unknown (names the nearest).
    """
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    name = _taken_apart(name)[0]
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
    except RecursionError:
        raise TaskError(f"{path}: not TOML: nested too deep") from None
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
    stated: list[tuple[str, tuple[Relation, ...]]] = [
        ("start", task.start.relations),
        ("goal", task.goal),
        *((f"sub-task {s.name}", s.goal) for s in task.subtasks),
    ]
    _check_things(task, path)
    for where, relations in stated:
        for r in relations:
            if r.relation not in RELATIONS:
                known = ", ".join(sorted(RELATIONS))
                raise TaskError(f"{path}: {where} relation {r.relation!r} unknown; known: {known}")
            for name in (r.object, *([r.target] if r.target else ())):
                if name not in names:
                    raise TaskError(f"{path}: {where} names {name!r}, which is not among objects")
            if RELATIONS[r.relation].needs_target and not r.target:
                raise TaskError(f"{path}: {where} relation {r.relation} needs a target")


def _check_things(task: TaskDef, path: Path) -> None:
    names = [o.name for o in task.objects]
    for i, thing in enumerate(task.objects):
        if thing.mount and thing.mount not in names[:i]:
            raise TaskError(f"{path}: {thing.name} is mounted on {thing.mount!r}, not named before")
        if (thing.hold != "free" or thing.rail) and not (thing.place or thing.mount):
            raise TaskError(f"{path}: {thing.name} does not lie free; it needs a place or a mount")
    if task.spill is not None and task.spill.wiper not in names:
        raise TaskError(f"{path}: spill wiper {task.spill.wiper!r} is not among objects")
    steps = [s.name for s in task.subtasks]
    if len(set(steps)) != len(steps):
        raise TaskError(f"{path}: two sub-tasks share a name")
    for given, name in task.in_scope.items():
        if not given.isidentifier():
            raise TaskError(f"{path}: in_scope {given!r} is no name a program could use")
        if name not in names:
            raise TaskError(f"{path}: in_scope {given} is {name!r}, which is not among objects")
    for recalled in task.start.recalled:
        if recalled.name not in names:
            raise TaskError(f"{path}: start recalls {recalled.name!r}, which is not among objects")
    if (task.start.base_x_m is None) != (task.start.base_y_m is None):
        raise TaskError(f"{path}: start.base_x_m and start.base_y_m come together")
