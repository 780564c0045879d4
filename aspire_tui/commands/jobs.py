"""From what was typed to a job: names checked, files found, a session path chosen."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from aspire_tui.commands.retention import retention
from aspire_tui.config import Workspace, load_settings, suggestion
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.engine.grant import Asked, GrantError, read_grant
from aspire_tui.engine.job import Job
from aspire_tui.engine.resume import read_past
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import TaskError, find_task, task_path
from aspire_tui.environment.task_fit import misfit
from aspire_tui.errors import ConfigError
from aspire_tui.rollout.sandbox.levels import admitted
from aspire_tui.session.reader import SessionReader
from drivers.cellfile import CellFile, find_cell, load_cell
from drivers.meeting import met
from drivers.remote_section import drop_note
from drivers.runtime_dir import cell_paths, runtime_dir
from drivers.types import CellInfo


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
    """The cell file by name or path; a reference to a cell elsewhere is connected to first.

    Raises:
        CellFileError: Names what is wrong.
        CellFault: A cell elsewhere does not answer.
    """
    if name.startswith("tcp://"):
        raise ConfigError(
            f"--cell {name}: an address needs keys; name it in a cell file: name, and [remote] "
            "with address, host_key, keys"
        )
    path = met(find_cell(name, workspace.cell_folders()))
    cell = load_cell(path)
    if cell.remote is None:
        drop_note(cell_paths(cell.info.name).folder)
    return path, cell


def require_fit(tasks: Sequence[TaskDef], cell: CellInfo) -> None:
    """Raises ConfigError for the first task that cannot be made to fit the cell."""
    for task in tasks:
        if why := misfit(task, cell.task_area):
            raise ConfigError(f"{task.name} does not fit the cell {cell.name}: {why}")


def make_job(spec: RunSpec, tasks: tuple[TaskDef, ...], workspace: Workspace) -> Job:
    """A job for the engine, with a fresh session file in the workspace.

    Raises:
        ConfigError: A task does not fit the cell.
    """
    workspace.prepare()
    settings = load_settings(workspace)
    path, cell = cell_named(spec.cell, workspace)
    require_fit(tasks, cell.info)
    spec = msgspec.structs.replace(spec, cell=cell.info.name, cell_file=str(path.resolve()))
    return Job(
        spec=spec,
        tasks=tasks,
        task_files=_task_files(spec.tasks, workspace),
        session=str(_session_path(workspace, tasks[0].name)),
        cell_file=str(path.resolve()),
        runtime_dir=str(runtime_dir()),
        skill_folders=_skill_folders(spec.skills, workspace),
        key_file=str(workspace.root / ".held-out.key"),
        levels=admitted(hardware=cell.info.kind == "hardware", waived=spec.sandbox_waived),
        keep=retention(settings),
        on_event=settings.calls.on_event,
        shelf=str(workspace.skills.resolve()),
    )


def people_of(job: Job, sentence: str, who: str, *, watched: bool) -> Job:
    """The same job with who starts it and what they grant.

    Raises:
        ConfigError: The sentence grants nothing; says what it would have to be.
    """
    if sentence:
        cell = load_cell(Path(job.cell_file)).info
        now = datetime.datetime.now().astimezone()
        can_park = all(arm.rest_rad for arm in cell.arms)
        task = job.tasks[0].name
        asked = Asked(who, job.spec.cell, task, cell.workspace, now, can_park)
        try:
            read_grant(sentence, asked)
        except GrantError as error:
            raise ConfigError(f"--unattended: {error}") from None
    return msgspec.structs.replace(job, grant=sentence, started_by=who if watched else "")


def resume_job(
    path: Path, who: str, workspace: Workspace, tasks: Sequence[str], budget: Budget
) -> Job:
    """A job that goes on with a stopped run, as it was started.

    Args:
        tasks: Where its tasks are now, when that is not where they were.
        budget: Limits that replace those it was started with, as far as they are given.

    Raises:
        ConfigError: It is no run, or it is done.
        SessionFileError: The file cannot be read.
    """
    with SessionReader(path) as reader:
        spec = read_past(reader).spec
    given = {n: v for n, v in msgspec.structs.asdict(budget).items() if v is not None}
    spec = msgspec.structs.replace(
        spec,
        tasks=tuple(tasks) or spec.tasks,
        cell=spec.cell_file if Path(spec.cell_file).is_file() else spec.cell,
        budget=msgspec.structs.replace(spec.budget, **given),
    )
    job = make_job(spec, tasks_named(spec.tasks, workspace), workspace)
    return msgspec.structs.replace(job, session=str(path.resolve()), resume_by=who)


def session_named(name: str, workspace: Workspace) -> Path:
    """A session by file, or by name in the workspace or among those that ship.

    Raises:
        ConfigError: There is none; names the nearest.
    """
    path = Path(name)
    if path.suffix == ".db" and path.is_file():
        return path
    known = {p.stem: p for folder in workspace.session_folders() for p in folder.glob("*.db")}
    if name in known:
        return known[name]
    if path.suffix == ".db":
        raise ConfigError(f"{name}: no such file")
    raise ConfigError(f"no session is called {name}; {suggestion(name, known)}")


def _task_files(names: Sequence[str], workspace: Workspace) -> tuple[str, ...]:
    """Files of the tasks; one that only a recorded session has is in no file."""
    found = []
    for name in names:
        try:
            found.append(str(task_path(name, workspace.task_folders()).resolve()))
        except TaskError:
            continue
    return tuple(found)


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
