"""One arm of an experiment: a headless run that is started once, gone on with, or found done."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.commands.jobs import make_job
from aspire_tui.commands.started_engine import start_or_exit
from aspire_tui.domain import Budget, RunSpec, sha256_hex
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import Exit
from aspire_tui.evolution.arms import ArmRun, arm_run
from aspire_tui.library.skill import Skill
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader

OVER = ("done", "budget")


def arm_spec(
    task: TaskDef, cell: str, seed: int, skills: str, held_out: int, workers: int, **more: str
) -> RunSpec:
    """An unattended run of the rules agent that keeps no pictures; `more`: the agent's options."""
    return RunSpec(
        verb="run",
        tasks=(task.name,),
        cell=cell,
        agent="rules",
        seed=seed,
        attended=False,
        budget=Budget(),
        skills=skills,
        held_out=held_out,
        worker_pictures="none",
        workers=workers,
        agent_options=more,
    )


def run_arm(context: Context, spec: RunSpec, tasks: tuple[TaskDef, ...]) -> Path:
    """The session of this very run: a finished one, else a stopped one gone on with, else new.

    Raises:
        typer.Exit: It was stopped before its end: an arm that is cut short is no result.
    """
    job = make_job(spec, tasks, context.workspace)
    known = earlier(context, job.spec)
    told = 0
    if known is not None:
        path, over = known
        if over:
            return path
        job = msgspec.structs.replace(job, session=str(path), resume_by=context.who())
        with SessionReader(path) as reader:
            told = reader.last_seq()  # with how it ended the last time
    started = start_or_exit(job)
    ended = follow(started, context.who(), to_stderr, told)
    if ended is None or ended.stopped_by not in OVER:
        why = "the engine died" if ended is None else f"stopped by {ended.stopped_by}"
        typer.echo(f"{started.session.name}: {why}; the same command goes on from there", err=True)
        raise typer.Exit(Exit.STOPPED if ended is not None else Exit.FAULT)
    return started.session


def earlier(context: Context, spec: RunSpec) -> tuple[Path, bool] | None:
    """The newest session started to do the same, and whether it came to its end."""
    stopped: Path | None = None
    for path in sorted(context.workspace.sessions.glob("*.db"), reverse=True):
        try:
            with SessionReader(path) as reader:
                moment = reader.snapshot()
        except SessionFileError:
            continue
        if moment.session is None or moment.session.spec != spec:
            continue
        if moment.ended is not None and moment.ended.stopped_by in OVER:
            return path, True
        stopped = stopped or path
    return None if stopped is None else (stopped, False)


def counted(session: Path) -> ArmRun | None:
    with SessionReader(session) as reader:
        return arm_run(reader)


def frozen(context: Context, skills: Sequence[Skill]) -> Path:
    """These skills as they are now, kept by content: a library that nobody edits meanwhile."""
    digest = sha256_hex("".join(f"{s.name}{s.digest}" for s in skills).encode())[:16]
    folder = context.workspace.root / ".proofs" / digest
    folder.mkdir(parents=True, exist_ok=True)
    for skill in skills:
        shutil.copytree(skill.folder, folder / skill.name, dirs_exist_ok=True)
    return folder
