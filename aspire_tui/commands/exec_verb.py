"""``exec``: run a program, a recorded one too; on the cell, in the stand-in, or first in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.commands.jobs import cell_named, make_job, session_named, tasks_named
from aspire_tui.commands.queued import run_queued
from aspire_tui.commands.recorded import Recorded, recorded_trial
from aspire_tui.commands.run_options import NoNoise, NoSandbox, RetriesOption
from aspire_tui.commands.sight_choice import (
    PerceptionModel,
    PerceptionOption,
    PerceptionUrl,
    sight_choice,
)
from aspire_tui.commands.started_engine import exit_of, start_or_exit
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.engine.client import EngineGone, engine_of_cell
from aspire_tui.engine.order import ExecOrder
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.summary import exec_summary
from drivers.errors import CellFault
from drivers.runtime_dir import runtime_dir

PROGRAM_MAX = 1 << 20
DEFAULT_CELL = "yam"


def exec_program(
    ctx: typer.Context,
    program: Annotated[Path | None, typer.Argument(help="Python file with the program.")] = None,
    task: Annotated[str, typer.Option("--task", help="Task name or file.")] = "",
    cell: Annotated[str, typer.Option("--cell", help="Cell by name or file.")] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Scene seed (0); --trials count up from it.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials; failures are grouped.")] = 1,
    retries: RetriesOption = 1,
    tier: Annotated[
        str, typer.Option(help="S1 (told the truth, branded), S2, S3 or S4; empty is S2 to S4.")
    ] = "",
    perception: PerceptionOption = "",
    perception_model: PerceptionModel = "",
    perception_url: PerceptionUrl = "",
    workers: Annotated[int, typer.Option(min=1)] = 2,
    from_session: Annotated[
        str, typer.Option("--from", help="Run a recorded program: session name or file.")
    ] = "",
    trial: Annotated[int | None, typer.Option(min=1, help="With --from: which trial's.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="In the stand-in, from what the cell's cameras see now."),
    ] = False,
    then_run: Annotated[
        bool,
        typer.Option(
            "--then-run", help="With --dry-run: run it on the cell when that ends in PASS."
        ),
    ] = False,
    as_json: JsonFlag = False,
    no_sandbox: NoSandbox = False,
    noise_off: NoNoise = False,
) -> None:
    """Run a program on a task: one trial, or N with the failures grouped.

    A cell that an engine runs on gets it between that engine's trials. A simulated cell without
    one gets an instance of its own.
    """
    context = Context.of(ctx)
    if tier not in ("", "S1", "S2", "S3", "S4"):
        raise ConfigError(f"--tier {tier}: expected S1, S2, S3 or S4")
    sight = sight_choice(perception, perception_model, perception_url)
    if then_run and not dry_run:
        raise ConfigError("--then-run goes with --dry-run")
    if dry_run and trials > 1 and not then_run:
        raise ConfigError("--dry-run runs once: from the one state the cell is in")
    if from_session and task:
        raise ConfigError("--from brings its own task; leave --task away")
    notes: list[str] = []  # told once it is known that something will run
    past = _recorded(from_session, trial, program, context, notes.append)
    tasks: tuple[TaskDef, ...]
    if past is not None:
        text, tasks = past.program, (past.task,)
        seed = past.seed_or(seed, notes.append)
    elif program is None or not task:
        raise ConfigError("exec needs PROGRAM.py and --task NAME, or --from SESSION --trial N")
    else:
        text, tasks = read_program(program), tasks_named([task], context.workspace)
    for note in notes:
        to_stderr(note)
    cell = _cell(cell, past)
    spec = RunSpec(
        verb="exec",
        tasks=(past.task.name if past else task,),
        cell=cell,
        agent="operator",
        seed=seed or 0,
        # Only a simulated cell can be had in a worker; every other has its one bench.
        attended=dry_run or not cell_named(cell, context.workspace)[1].has_workers,
        budget=Budget(),
        trials=trials,
        retries=retries,
        tier=tier,
        program=text,
        program_path=str(program or ""),
        workers=min(workers, trials),
        worker_pictures="all",
        noise=not noise_off,
        sandbox_waived=no_sandbox,
        video_fps=0.0,
        dry_run=dry_run,
        then_run=then_run,
        recorded=past.label if past else "",
        perception=sight.stack,
        perception_model=sight.model,
        perception_model_url=sight.base_url,
    )
    summary, code = _run(spec, tasks, context)
    if as_json:
        print_json(summary)
    elif "calls" in summary:
        context.show_exec(summary)
    raise typer.Exit(code)


def _run(
    spec: RunSpec, tasks: tuple[TaskDef, ...], context: Context
) -> tuple[dict[str, Any], Exit]:
    """In the engine that has the cell, else in one of its own."""
    job = make_job(spec, tasks, context.workspace)
    who = context.who()
    running = engine_of_cell(runtime_dir(), who, job.spec.cell)
    if running is not None:
        order = ExecOrder(
            program=spec.program,
            task=tasks[0],
            seed=spec.seed,
            trials=spec.trials,
            retries=spec.retries,
            tier=spec.tier,
            noise=spec.noise,
            dry_run=spec.dry_run,
            then_run=spec.then_run,
            recorded=spec.recorded,
            perception=spec.perception,
            perception_model=spec.perception_model,
            task_file=job.task_files[0] if job.task_files else "",
        )
        try:
            return run_queued(*running, who, order, to_stderr)
        except EngineGone as gone:
            raise CellFault(f"the engine ended before the program ran: {gone}") from None
    started = start_or_exit(job)
    ended = follow(started, who, to_stderr)
    summary = exec_summary(SessionReader(started.session), program=spec.program)
    refused = summary["program"]["ended"] == "refused"
    return summary, Exit.REFUSED if refused else exit_of(ended)


def _recorded(
    session: str,
    trial: int | None,
    program: Path | None,
    context: Context,
    tell: Callable[[str], None],
) -> Recorded | None:
    if not session:
        if trial is not None:
            raise ConfigError("--trial goes with --from SESSION")
        return None
    if program is not None:
        raise ConfigError("give a program or --from SESSION, not both")
    path = session_named(session, context.workspace)
    return recorded_trial(path, trial, context.workspace, tell)


def _cell(given: str, past: Recorded | None) -> str:
    recorded = past.cell if past else ""
    if given and recorded and given != recorded:
        to_stderr(f"recorded on cell {recorded}, run on {given}")
    return given or recorded or DEFAULT_CELL


def read_program(path: Path) -> str:
    """A program's text.

    Raises:
        ConfigError: It cannot be read, is too long, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > PROGRAM_MAX:
        raise ConfigError(f"{path}: {len(data)} bytes, a program has at most {PROGRAM_MAX}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
