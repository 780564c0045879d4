"""``run``: improve programs for a task, or go on with a run that was stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from aspire_tui.commands.agent_choice import (
    AGENTS,
    Chosen,
    acp_agent,
    llm_agent,
    manual_agent,
    mcp_agent,
)
from aspire_tui.commands.context import Context, JsonFlag
from aspire_tui.commands.jobs import (
    cell_named,
    make_job,
    people_of,
    resume_job,
    session_named,
    tasks_named,
)
from aspire_tui.commands.run_options import CellOption, NoNoise, NoSandbox, RetriesOption
from aspire_tui.commands.sight_choice import (
    MODEL_STACK,
    PerceptionModel,
    PerceptionOption,
    PerceptionUrl,
    sight_choice,
)
from aspire_tui.commands.started_engine import (
    beside_the_operator,
    exit_of,
    see_it_through,
    start_or_exit,
    watched,
)
from aspire_tui.commands.tiers import model_options, tier_named
from aspire_tui.domain import Budget, RunSpec, WorkerPictures
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.criterion import until as criterion_until
from aspire_tui.evolution.halving import FIRST_RUNG, plan
from aspire_tui.improvement.answers import PERMIT_WITHIN_S
from aspire_tui.improvement.llm.provider import ANSWER_WITHIN_S
from aspire_tui.rollout.cluster_address import scheduler_of
from aspire_tui.session.reader import SessionReader

CANDIDATES = 4
TEAMS = ("rules", "llm", "acp")
"""Agents of which several may work in one run."""


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
            chosen = llm_agent(model, base_url, how, max_cost)
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
                    watched=watched(attended and not headless, as_json, context))  # fmt: skip
    started = start_or_exit(job)
    if agent == "manual":
        raise typer.Exit(exit_of(beside_the_operator(started, context)))
    see_it_through(started, context, attended and not headless, as_json)


def _search_options(max_trials: int | None, candidates: int | None, executor: str) -> None:
    """What can be known of a search before it begins.

    Raises:
        ConfigError: The budget does not carry one round, or the executor is none.
    """
    if max_trials is not None and candidates is not None:
        plan(candidates, FIRST_RUNG, max_trials)
    if executor != "local":
        scheduler_of(executor)


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
        people_of(job, unattended, context.who(), watched=watched(attended, as_json, context))
    )
    if job.spec.agent == "manual":
        raise typer.Exit(exit_of(beside_the_operator(started, context, since_seq)))
    see_it_through(started, context, attended, as_json, since_seq)


def _pictures(given: str) -> WorkerPictures:
    match given:
        case "all" | "failed" | "none":
            return given
        case _:
            raise ConfigError(f"--worker-pictures {given}: expected all, failed or none")
