"""``run``, ``attach`` and ``stop``."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from aspire_tui.commands.agent_choice import AGENTS, Chosen, acp_agent, manual_agent, mcp_agent
from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.commands.jobs import (
    cell_named,
    make_job,
    people_of,
    resume_job,
    session_named,
    tasks_named,
)
from aspire_tui.commands.sight_choice import (
    MODEL_STACK,
    PerceptionModel,
    PerceptionOption,
    PerceptionUrl,
    sight_choice,
)
from aspire_tui.commands.tiers import model_options, tier_named
from aspire_tui.domain import Budget, RunSpec, WorkerPictures
from aspire_tui.engine.client import EngineClient, running_engines
from aspire_tui.engine.job import Job
from aspire_tui.engine.spawn import EngineNotStarted, StartedEngine, start_engine
from aspire_tui.errors import ConfigError, Exit, PolicyRefused
from aspire_tui.events import RunEnded
from aspire_tui.evolution.criterion import until as criterion_until
from aspire_tui.evolution.halving import FIRST_RUNG, plan
from aspire_tui.improvement.answers import PERMIT_WITHIN_S
from aspire_tui.improvement.llm.presets import preset_named
from aspire_tui.improvement.llm.provider import (
    ANSWER_WITHIN_S,
    check_price,
    choose_models,
    missing_for,
)
from aspire_tui.rollout.cluster_address import scheduler_of
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.summary import run_summary
from drivers.runtime_dir import runtime_dir

CANDIDATES = 4
TEAMS = ("rules", "llm", "acp")
"""Agents of which several may work in one run."""
CellOption = Annotated[str, typer.Option("--cell", help="Cell by name or file.")]
RetriesOption = Annotated[
    int,
    typer.Option(
        "--retries", min=1, max=8, help="Attempts in one trial, each told the failures before it."
    ),
]
NoSandbox = Annotated[
    bool,
    typer.Option(
        "--i-accept-no-sandbox", help="Run where no sandbox can be made; brands the session."
    ),
]
NoNoise = Annotated[
    bool,
    typer.Option("--noise-off", help="Perfect cameras and joints (stand-in); brands the session."),
]


def run(
    ctx: typer.Context,
    tasks: Annotated[list[str] | None, typer.Argument(help="Task names or files.")] = None,
    cell: CellOption = "yam",
    agent: Annotated[
        str, typer.Option(help="Who proposes programs: rules, llm, acp, mcp or manual.")
    ] = "rules",
    model: Annotated[str, typer.Option(help="For llm: PROVIDER:NAME, e.g. anthropic:NAME.")] = "",
    base_url: Annotated[str, typer.Option(help="For llm: where the model answers.")] = "",
    preset: Annotated[str, typer.Option(help="For llm: how it is asked.")] = "aspire",
    vision: Annotated[str, typer.Option(help="For llm: native, tool or text.")] = "native",
    answer_within: Annotated[
        float, typer.Option(min=1.0, help="For llm: seconds from a question to its whole answer.")
    ] = ANSWER_WITHIN_S,
    tier: Annotated[
        str, typer.Option(help="Primitives as in CaP-Bench: S1 to S4; for llm also M1 to M4.")
    ] = "",
    acp_command: Annotated[
        str,
        typer.Option(help="For acp: a command line, or claude-code, codex, kimi, gemini."),
    ] = "",
    acp_host: Annotated[
        list[str] | None, typer.Option(help="For acp: a host it may reach, on port 443.")
    ] = None,
    acp_key: Annotated[
        list[str] | None, typer.Option(help="For acp: name of a variable with a key for it.")
    ] = None,
    acp_installed: Annotated[
        list[str] | None, typer.Option(help="For acp: folder of its own programs, read-only.")
    ] = None,
    permit_within: Annotated[
        float,
        typer.Option(min=1.0, max=3600.0, help="For acp: seconds to allow it something in."),
    ] = PERMIT_WITHIN_S,
    perception: PerceptionOption = "",
    perception_model: PerceptionModel = "",
    perception_url: PerceptionUrl = "",
    skills: Annotated[str, typer.Option(help="Folder of skills, or `none`.")] = "default",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of the search at most.")] = 3,
    candidates: Annotated[
        int | None, typer.Option(min=1, help=f"Programs that race in a round ({CANDIDATES}).")
    ] = None,
    retries: RetriesOption = 1,
    until: Annotated[
        str, typer.Option(help="Search until K/N or row:N selection scenes pass; default: all.")
    ] = "",
    plateau: Annotated[int, typer.Option(min=1, help="Rounds without gain that end it.")] = 3,
    team: Annotated[int, typer.Option(min=1, max=16, help="Agents, each on its branch.")] = 1,
    executor: Annotated[
        str, typer.Option(help="Where bulk trials run: local, or dask://HOST[:PORT].")
    ] = "local",
    max_trials: Annotated[int | None, typer.Option(min=1)] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0.01)] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1)] = None,
    max_cost: Annotated[float | None, typer.Option(min=0.0, help="USD.")] = None,
    max_model_calls: Annotated[int | None, typer.Option(min=1)] = None,
    held_out: Annotated[int | None, typer.Option(min=1, help="Held-out trials.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Bulk workers.")] = 2,
    pace: Annotated[
        float,
        typer.Option(min=0.0, help="Worker trials at so many × wall time, 0: as fast as they go."),
    ] = 0.0,
    worker_pictures: Annotated[
        str, typer.Option(help="Keep worker trials' pictures: all, failed or none.")
    ] = "failed",
    speed: Annotated[float, typer.Option(min=0.1, max=10.0, help="Stand-in × wall time.")] = 1.0,
    headless: Annotated[bool, typer.Option(help="No screen and no bench: workers only.")] = False,
    resume: Annotated[
        str, typer.Option("--resume", help="Go on with a stopped run: session name or file.")
    ] = "",
    unattended: Annotated[
        str, typer.Option(help="Sentence that lets a real cell go on alone; `ask` shows its form.")
    ] = "",
    as_json: JsonFlag = False,
    no_sandbox: NoSandbox = False,
    noise_off: NoNoise = False,
) -> None:
    """Improve programs for a task until it passes: run, find the failing call, repair, prove."""
    context = Context.of(ctx)
    tasks = tasks or []
    if resume:
        budget = Budget(max_trials, max_minutes, max_tokens, max_cost, max_model_calls)
        _resume(resume, tasks, budget, unattended, context, as_json)
        return
    if agent not in AGENTS:
        raise ConfigError(f"--agent {agent}: unknown; this release has {', '.join(AGENTS)}")
    if model and agent != "llm":
        raise ConfigError(f"--model is for --agent llm, not {agent}")
    _search_options(max_trials, candidates, executor)
    if not tasks or len(tasks) > team:
        raise ConfigError(f"run takes a task per agent: {len(tasks)} tasks, --team {team}")
    if team > 1 and agent not in TEAMS:
        raise ConfigError(f"--team {team}: agents are {', '.join(TEAMS)}; {agent} works alone")
    asked = tier_named(tier, agent)
    if perception == MODEL_STACK and agent == "llm" and not perception_model:
        perception_model, perception_url = model.partition(",")[0], base_url
    sight = sight_choice(perception, perception_model, perception_url)
    real = not cell_named(cell, context.workspace)[1].has_workers
    match agent:
        case "acp":
            chosen = acp_agent(
                acp_command,
                acp_host or [],
                acp_key or [],
                acp_installed or [],
                vision,
                permit_within,
                context.workspace.root,
            )
        case "mcp":
            chosen = mcp_agent()
        case "manual":
            chosen = manual_agent()
        case "llm":
            how = model_options(asked, tier, preset, vision)
            how |= {"answer_within_s": str(answer_within)}
            chosen = Chosen(_model_options(model, base_url, how, max_cost))
        case _:
            chosen = Chosen({})
    if team > 1 and real:
        raise ConfigError(f"--team {team} needs simulated cells; {cell} is one bench")
    attended = (
        not headless and team == 1
    ) or real  # a real cell has no workers to run in: only the screen is left
    spec = RunSpec(
        verb="run",
        tasks=tuple(tasks),
        cell=cell,
        agent=agent,
        seed=seed,
        attended=attended,
        budget=Budget(max_trials, max_minutes, max_tokens, max_cost, max_model_calls),
        rounds=rounds,
        candidates=candidates or CANDIDATES,
        retries=retries,
        until=until,
        plateau=plateau,
        executor=executor,
        team=team,
        skills=skills,
        workers=workers,
        pace=pace,
        worker_pictures=_pictures(worker_pictures),
        speed=speed,
        noise=not noise_off,
        tier=asked.primitives,
        held_out=held_out,
        agent_options=chosen.options,
        agent_at_large=chosen.at_large,
        perception=sight.stack,
        perception_model=sight.model,
        perception_model_url=sight.base_url,
        sandbox_waived=no_sandbox,
    )
    found = tasks_named(tasks, context.workspace)
    for task in found:
        criterion_until(until, task.criterion.selection_n)
    job = people_of(make_job(spec, found, context.workspace), unattended, context.who(),
                    watched=_watched(attended and not headless, as_json))  # fmt: skip
    started = start_or_exit(job)
    if agent == "manual":
        raise typer.Exit(exit_of(_beside_the_operator(started, context)))
    _see_it_through(started, context, attended and not headless, as_json)


UNASKED = ("run ended", "info", "warn", "error", "agent  error")
"""Lines that are told to an operator who is the agent; the others follow from what they typed."""


def _search_options(max_trials: int | None, candidates: int | None, executor: str) -> None:
    """What can be known of a search before it begins.

    Raises:
        ConfigError: The budget does not carry one round, or the executor is none.
    """
    if max_trials is not None and candidates is not None:
        plan(candidates, FIRST_RUNG, max_trials)
    if executor != "local":
        scheduler_of(executor)


def _watched(attended: bool, as_json: bool) -> bool:
    """Whether a person at this terminal will see the run on a screen."""
    return attended and not as_json and sys.stdout.isatty()


def _beside_the_operator(
    started: StartedEngine, context: Context, since_seq: int = 0
) -> RunEnded | None:
    """The terminal is the operator's, who is the agent; only what nobody asked for is told."""

    def tell(line: str) -> None:
        text = line.strip().partition("  ")[2]  # behind its time
        if line.startswith("HOLD") or text.startswith(UNASKED):
            to_stderr(line)

    return follow(started, context.who(), tell, since_seq, interrupt="hold")


def _see_it_through(
    started: StartedEngine, context: Context, attended: bool, as_json: bool, since_seq: int = 0
) -> None:
    """Watch a run on a screen, or follow it line by line to its end."""
    if _watched(attended, as_json):
        _watch(started, context)
        return
    ended = follow(started, context.who(), to_stderr, since_seq)
    if as_json:
        print_json(run_summary(SessionReader(started.session)))
    raise typer.Exit(exit_of(ended))


def _resume(
    session: str,
    tasks: list[str],
    budget: Budget,
    unattended: str,
    context: Context,
    as_json: bool,
) -> None:
    """Go on where a run stopped, with what it was started with; only the budget may be new."""
    path = session_named(session, context.workspace)
    with SessionReader(path) as reader:
        since_seq = reader.last_seq()
    job = resume_job(path, context.who(), context.workspace, tasks, budget)
    attended = job.spec.attended
    if job.spec.agent == "manual":
        manual_agent()
    started = start_or_exit(
        people_of(job, unattended, context.who(), watched=_watched(attended, as_json))
    )
    if job.spec.agent == "manual":
        raise typer.Exit(exit_of(_beside_the_operator(started, context, since_seq)))
    _see_it_through(started, context, attended, as_json, since_seq)


def attach(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name; the only one by default.")] = "",
    view: Annotated[bool, typer.Option("--view", help="Only watch, and HOLD.")] = False,
) -> None:
    """Open the screen on a run that is going on."""
    context = Context.of(ctx)
    path, sock = _running(session, context)
    client = EngineClient(sock, context.who())
    met = client.greet(importlib.metadata.version("aspire-tui"), path.stem)
    if met.refused:
        raise PolicyRefused(met.refused)
    context.console_live(path, sock, view=view or met.read_only)


def stop(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name; the only one by default.")] = "",
    take_control: Annotated[
        bool, typer.Option("--take-control", help="Take control from whoever has it first.")
    ] = False,
    queued: Annotated[
        int, typer.Option("--exec", min=0, help="Only take this queued exec back; the run goes on.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """End a run: HOLD, the last trial is closed, the engine exits."""
    context = Context.of(ctx)
    path, sock = _running(session, context)
    client = EngineClient(sock, context.who())
    if take_control:
        holder = str(client.send("present", role="viewer").data.get("take", ""))
        client.send("take_control", {"typed": holder})
    reply = client.send("cancel", {"number": queued}) if queued else client.send("stop")
    if as_json:
        print_json({"session": str(path), "accepted": reply.accepted, "reason": reply.reason})
    else:
        typer.echo(f"{path.name}: {reply.reason}")
    if not reply.accepted:
        raise typer.Exit(Exit.REFUSED)


def start_or_exit(job: Job) -> StartedEngine:
    """Start the engine, or leave with its own one-line reason."""
    if sys.stderr.isatty():
        typer.echo(f"starting cell {job.spec.cell} and its workers …", err=True)
    try:
        return start_engine(job)
    except EngineNotStarted as error:
        typer.echo(f"aspire-tui: {error}", err=True)
        raise typer.Exit(error.code) from None


def _watch(started: StartedEngine, context: Context) -> None:
    """The screen on a session this command started; leaving it leaves the engine running."""
    context.console_live(started.session, started.socket)
    ended = _last(started.session)
    if ended is not None:
        typer.echo(f"{started.session.name}: {ended.outcome or 'nothing to judge'}. {ended.reason}")
        typer.echo(f"replay it with: aspire-tui replay {started.session.stem}")
        raise typer.Exit(exit_of(ended))
    typer.echo(f"the engine goes on; come back with: aspire-tui attach {started.session.stem}")


def _last(session: Path) -> RunEnded | None:
    reader = SessionReader(session)
    tail = reader.events(max(0, reader.last_seq() - 1), 1)
    event = tail[-1].event if tail else None
    return event if isinstance(event, RunEnded) else None


def exit_of(ended: RunEnded | None) -> Exit:
    """The exit code for how a session ended."""
    if ended is None or ended.stopped_by in ("fault", "agent"):
        return Exit.FAULT
    if ended.stopped_by in ("operator", "budget"):
        return Exit.STOPPED
    if ended.stopped_by == "evaluation":
        return Exit.REFUSED
    return Exit.PASS if ended.outcome == "PASS" else Exit.NOT_PASS


def _running(name: str, context: Context) -> tuple[Path, Path]:
    engines = running_engines(runtime_dir(), getpass.getuser())
    if not engines:
        raise ConfigError("no run is going on; start one with: aspire-tui run TASK")
    if not name:
        if len(engines) > 1:
            names = ", ".join(p.stem for p in engines)
            raise ConfigError(f"several runs are going on; name one of: {names}")
        return next(iter(engines.items()))
    for path, sock in engines.items():
        if name in (path.stem, path.name, str(path)):
            return path, sock
    names = ", ".join(p.stem for p in engines)
    raise ConfigError(f"no run is called {name}; going on: {names}")


def _model_options(
    model: str, base_url: str, how: dict[str, str], max_cost: float | None
) -> dict[str, str]:
    """What a model as the agent is started with, checked as far as that needs no network."""
    if not model:
        raise ConfigError("--agent llm needs --model PROVIDER:NAME, e.g. anthropic:NAME")
    for choice in choose_models(model, base_url):
        missing = missing_for(choice, os.environ)
        if missing:
            raise ConfigError(missing)
        if max_cost is not None:
            check_price(choice)
    if how["vision"] not in ("native", "tool", "text"):
        raise ConfigError(f"--vision {how['vision']}: expected native, tool or text")
    preset_named(how["preset"])
    return {"model": model, "base_url": base_url, **how}


def _pictures(given: str) -> WorkerPictures:
    match given:
        case "all" | "failed" | "none":
            return given
        case _:
            raise ConfigError(f"--worker-pictures {given}: expected all, failed or none")
