"""``bench library|transfer|scaling``: what skills are worth, paired on scenes nobody has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.commands.bench_verbs import bench_app
from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.experiments import arm_spec, counted, frozen, run_arm
from aspire_tui.commands.jobs import tasks_named
from aspire_tui.commands.run_options import CellOption
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.arms import ArmRun, Arms, as_json, in_words
from aspire_tui.evolution.statistics import rate
from aspire_tui.library.load import load_library
from aspire_tui.library.skill import Skill

TasksArgument = Annotated[list[str], typer.Argument(help="Task names or files.")]
Searches = Annotated[int, typer.Option(min=1, help="Runs per task and arm, each with its seed.")]
Trials = Annotated[int, typer.Option(min=1, help="Unseen scenes per task and arm, in all.")]
SkillsOption = Annotated[str, typer.Option("--skills", help="Folder; else the workspace's.")]
Rounds = Annotated[int, typer.Option(min=0, help="Rounds of search per run.")]
Candidates = Annotated[int, typer.Option(min=1, help="Programs tried for one failure.")]
UntilOption = Annotated[str, typer.Option("--until", help="K/N or row:N; else all of them.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes for the trials.")]
LEAST_TRIALS = 50
LEAST_SEARCHES = 5
NONE = "none"
OVER_WHAT = ("library", "budget", "team")


@bench_app.command("library")
def library_on_off(
    ctx: typer.Context,
    tasks: TasksArgument,
    searches: Searches = LEAST_SEARCHES,
    trials: Trials = LEAST_TRIALS,
    skills: SkillsOption = "",
    rounds: Rounds = 3,
    candidates: Candidates = 4,
    cell: CellOption = "yam",
    but: Annotated[
        list[str] | None,
        typer.Option("--but", help="The other arm lacks this skill alone, not the whole library."),
    ] = None,
    until: UntilOption = "",
    workers: WorkersOption = 2,
    json_only: JsonFlag = False,
) -> None:
    """Success and cost with the library and without it. Run again to go on where it stopped."""
    context = Context.of(ctx)
    held = skills_in(context, skills)
    absent = [name for name in but or () if name not in {s.name for s in held}]
    if absent:
        raise ConfigError(f"--but {absent[0]}: the library holds {', '.join(s.name for s in held)}")
    rest = [s for s in held if but and s.name not in but]
    other = str(frozen(context, rest)) if rest else NONE
    folder = frozen(context, held)
    plan = _Plan(cell, searches, trials, rounds, candidates, until, workers)
    rows = {
        task.name: _both(context, task, folder, plan, other)
        for task in tasks_named(tasks, context.workspace)
    }
    about = {"experiment": "library", "cell": cell, "but": list(but or ())}
    _tell(rows, about, json_only, trials, searches)


@bench_app.command("transfer")
def transfer(
    ctx: typer.Context,
    tasks: TasksArgument,
    learned_on: Annotated[str, typer.Option("--from", help="Cell the skills were proven on.")],
    to: Annotated[str, typer.Option("--to", help="Cell they are tried on.")],
    searches: Searches = LEAST_SEARCHES,
    trials: Trials = LEAST_TRIALS,
    skills: SkillsOption = "",
    rounds: Rounds = 3,
    candidates: Candidates = 4,
    zero_shot: Annotated[
        bool, typer.Option("--zero-shot", help="Only tasks that no skill has evidence on.")
    ] = False,
    workers: WorkersOption = 2,
    json_only: JsonFlag = False,
) -> None:
    """A library learned on one cell (or other tasks), frozen, on another: with it and without."""
    context = Context.of(ctx)
    proven = [
        s
        for s in skills_in(context, skills)
        if any(Path(p.cell).stem == learned_on for p in s.evidence.proofs)
    ]
    if not proven:
        raise ConfigError(f"--from {learned_on}: no skill has evidence on that cell")
    known = {t for s in proven for t in s.evidence_tasks()}
    seen = [t for t in tasks if t in known]
    if zero_shot and seen:
        raise ConfigError(f"--zero-shot: {seen[0]} is among the tasks the library was proven on")
    folder = frozen(context, proven)
    rows = {}
    for task in tasks_named(tasks, context.workspace):
        plan = _Plan(to, searches, trials, rounds, candidates, workers=workers)
        rows[task.name] = _both(context, task, folder, plan)
    about = {
        "experiment": "transfer",
        "from": learned_on,
        "to": to,
        "zero_shot": zero_shot,
        "skills": [s.name for s in proven],
        "proven_on": sorted(known),
    }
    _tell(rows, about, json_only, trials, searches)


@bench_app.command("scaling")
def scaling(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="Task name or file.")],
    over: Annotated[str, typer.Option(help="library, budget or team.")] = "library",
    steps: Annotated[str, typer.Option(help="Sizes, with commas.")] = "0,2,4",
    searches: Searches = LEAST_SEARCHES,
    trials: Trials = LEAST_TRIALS,
    skills: SkillsOption = "",
    rounds: Rounds = 3,
    candidates: Candidates = 4,
    cell: CellOption = "yam",
    pace: Annotated[
        float,
        typer.Option(min=0.01, help="Of a team's cells, times wall time; less for a slow machine."),
    ] = 1.0,
    workers: WorkersOption = 2,
    json_only: JsonFlag = False,
) -> None:
    """Success and cost by the size of the library, the candidates a failure may cost, or the
    members of a team. Run again to go on where it stopped."""
    if over not in OVER_WHAT:
        raise ConfigError(f"--over {over}: expected {', '.join(OVER_WHAT)}")
    sizes = _sizes(steps)
    if over == "team" and min(sizes) < 1:
        raise ConfigError(f"--steps {steps}: a team has at least one member")
    context = Context.of(ctx)
    (known,) = tasks_named([task], context.workspace)
    ranked = skills_in(context, skills)
    points: list[dict[str, Any]] = []
    for size in sizes:
        tried = max(1, size) if over == "budget" else candidates
        team = size if over == "team" else 1
        plan = _Plan(cell, searches, trials, rounds, tried, workers=workers, team=team)
        if (
            over == "team"
        ):  # a cell for each, at the pace of a bench: else the processor is measured
            plan = msgspec.structs.replace(plan, workers=team, pace=pace)
        library = ranked[:size] if over == "library" else ranked
        folder = str(frozen(context, library)) if size else NONE
        runs = _arm(context, known, folder, plan)
        points.append({"size": size, **as_json(Arms(runs, ()))["cost"]["with"]})
        k, n = sum(r.passed for r in runs), sum(len(r.held_out) for r in runs)
        points[-1] |= {"k": k, "n": n, "sessions": [r.session for r in runs]}
        if not json_only:
            spent = ", ".join(str(r.search_trials) for r in runs)
            took = ", ".join(f"{r.minutes:.1f}" for r in runs)
            told = rate(k, n)
            typer.echo(
                f"{over} {size}: {k}/{n} ({told.lo:.2f}–{told.hi:.2f}), search trials {spent}, "
                f"minutes {took}"
            )
    if json_only:
        print_json({"experiment": "scaling", "over": over, "task": known.name, "points": points})


class _Plan(msgspec.Struct, frozen=True):
    cell: str
    searches: int
    trials: int
    rounds: int
    candidates: int
    until: str = ""
    workers: int = 2
    team: int = 1
    pace: float = 0.0


def _both(context: Context, task: TaskDef, folder: Path, plan: _Plan, other: str = NONE) -> Arms:
    """Both arms, search by search, so that what is done is paired whenever it is stopped."""
    with_it: list[ArmRun] = []
    without: list[ArmRun] = []
    for seed in range(plan.searches):
        for skills, out in ((str(folder), with_it), (other, without)):
            out += _one(context, task, skills, plan, seed)
    return Arms(tuple(with_it), tuple(without))


def _arm(context: Context, task: TaskDef, skills: str, plan: _Plan) -> tuple[ArmRun, ...]:
    return tuple(
        r for seed in range(plan.searches) for r in _one(context, task, skills, plan, seed)
    )


def _one(
    context: Context, task: TaskDef, skills: str, plan: _Plan, seed: int
) -> tuple[ArmRun, ...]:
    held_out = -(-plan.trials // plan.searches)
    spec = msgspec.structs.replace(
        arm_spec(task, plan.cell, seed, skills, held_out, plan.workers),
        rounds=plan.rounds,
        candidates=plan.candidates,
        until=plan.until,
        team=plan.team,
        pace=plan.pace,
    )
    run = counted(run_arm(context, spec, (task,)))
    return () if run is None else (run,)


def skills_in(context: Context, folder: str) -> tuple[Skill, ...]:
    """The best proven first: what a small library would hold."""
    folders = [Path(folder)] if folder else list(context.workspace.skill_folders())
    found = load_library(folders).skills
    if not found:
        raise ConfigError(f"{folder or 'the workspace'} holds no skill")
    return tuple(sorted(found, key=lambda s: (-_gain(s), s.name)))


def _gain(skill: Skill) -> float:
    return (
        max(
            (p.rate_with.k / p.rate_with.n - p.rate_without.k / p.rate_without.n)
            for p in skill.evidence.proofs
        )
        if skill.evidence.proofs
        else 0.0
    )


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--steps {text}: expected whole numbers with commas") from None
    if not sizes or min(sizes) < 0:
        raise ConfigError(f"--steps {text}: sizes are 0 or more")
    return sizes


def _tell(
    rows: dict[str, Arms], about: dict[str, Any], json_only: bool, trials: int, searches: int
) -> None:
    enough = trials >= LEAST_TRIALS and searches >= LEAST_SEARCHES
    if json_only:
        tasks = {name: as_json(arms) for name, arms in rows.items()}
        print_json({**about, "tasks": tasks, "counts": enough})
        return
    for name, arms in rows.items():
        typer.echo("\n".join(in_words(name, arms)))
    if not enough:
        typer.echo(
            f"too few to count: at least {LEAST_SEARCHES} searches, {LEAST_TRIALS} scenes per arm"
        )
