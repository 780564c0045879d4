"""From what was typed to a job: names checked, files found, a session path chosen."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from aspire_tui.config import Workspace
from aspire_tui.domain import RunSpec, SandboxLevel
from aspire_tui.engine.job import Job
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import TaskError, find_task, task_path
from aspire_tui.errors import ConfigError
from drivers.cellfile import CellFile, find_cell, load_cell
from drivers.runtime_dir import runtime_dir

CONTAINED: tuple[SandboxLevel, ...] = ("A", "A-", "B")
WAIVED: tuple[SandboxLevel, ...] = ("A", "A-", "B", "D")


def tasks_named(names: Sequence[str], workspace: Workspace) -> tuple[TaskDef, ...]:
    """The tasks by name or file.

    Raises:
        ConfigError: One is unknown (names the nearest) or malformed.
    """
    try:
        return tuple(find_task(n, workspace.task_folders()) for n in names)
    except TaskError as error:
        raise ConfigError(str(error)) from None


def cell_named(name: str, workspace: Workspace) -> tuple[Path, CellFile]:
    """The cell file by name or path. Raises CellFileError naming what is wrong."""
    path = find_cell(name, workspace.cell_folders())
    return path, load_cell(path)


def make_job(spec: RunSpec, tasks: tuple[TaskDef, ...], workspace: Workspace) -> Job:
    """A job for the engine, with a fresh session file in the workspace."""
    workspace.prepare()
    path, cell = cell_named(spec.cell, workspace)
    spec = msgspec.structs.replace(spec, cell=cell.info.name)
    return Job(
        spec=spec,
        tasks=tasks,
        task_files=tuple(str(task_path(n, workspace.task_folders()).resolve()) for n in spec.tasks),
        session=str(_session_path(workspace, tasks[0].name)),
        cell_file=str(path.resolve()),
        runtime_dir=str(runtime_dir()),
        skill_folders=_skill_folders(spec.skills, workspace),
        key_file=str(workspace.root / ".held-out.key"),
        levels=WAIVED if spec.sandbox_waived else CONTAINED,
    )


def _session_path(workspace: Workspace, task: str) -> Path:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return (workspace.sessions / f"{now}-{task}-{secrets.token_hex(2)}.db").resolve()


def _skill_folders(skills: str, workspace: Workspace) -> tuple[str, ...]:
    if skills == "none":
        return ()
    if skills == "default":
        return tuple(str(p.resolve()) for p in workspace.skill_folders())
    folder = Path(skills)
    if not folder.is_dir():
        raise ConfigError(f"--skills {skills}: no such folder; give a folder of skills or `none`")
    return (str(folder.resolve()),)
