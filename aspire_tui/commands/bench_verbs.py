"""``bench``: experiments with a model, each one command whose answer names what it measured."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.commands.confusion_text import confusion_json, confusion_lines
from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.exec_verb import read_program
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.commands.jobs import cell_named, make_job, require_fit, tasks_named
from aspire_tui.commands.run_options import CellOption
from aspire_tui.commands.started_engine import exit_of, start_or_exit
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.events import AgentTool, RunEnded
from aspire_tui.improvement.llm.presets import preset_named
from aspire_tui.improvement.llm.provider import check_price, choose_models, missing_for
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.summary import run_summary

bench_app = typer.Typer(
    no_args_is_help=True, help="Experiments: context, vision, verifier, library, transfer, scaling."
)
VISIONS = ("native", "tool", "text")
LEAST_RUNS = 10
"""Runs for each way of seeing below which their outcomes are not compared."""

TaskArgument = Annotated[str, typer.Argument(help="Task name or file.")]
ModelOption = Annotated[str, typer.Option(help="PROVIDER:NAME.")]
UrlOption = Annotated[str, typer.Option("--base-url", help="Where the model answers.")]
MaxCost = Annotated[float | None, typer.Option(min=0.0, help="USD, for each run.")]
MaxTrials = Annotated[int | None, typer.Option(min=1, help="For each run.")]


@bench_app.command("context")
def context_economy(
    ctx: typer.Context,
    task: TaskArgument,
    model: ModelOption,
    base_url: UrlOption = "",
    failures: Annotated[int, typer.Option(min=1, max=500, help="Failures to repair.")] = 30,
    program: Annotated[
        list[Path] | None,
        typer.Option(help="A program whose failures are repaired; several share. Else the plain."),
    ] = None,
    vision: Annotated[str, typer.Option(help="native, tool or text.")] = "text",
    minutes: Annotated[float, typer.Option(min=0.1, help="Stop after; go on later.")] = 600,
    into: Annotated[
        Path | None, typer.Option(help="File of what was found, kept and gone on with.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    cell: CellOption = "yam",
    max_cost: MaxCost = None,
    json_only: JsonFlag = False,
) -> None:
    """Tokens per repair with the index of calls against whole traces, on the same failures."""
    # Loads the model clients, which no other verb should wait for.
    from aspire_tui.commands.economy_file import EconomyFile, identity_of
    from aspire_tui.evolution.context_economy import as_json as economy_json
    from aspire_tui.evolution.context_economy import figures_of, pairs_in_words, verdict_on
    from aspire_tui.improvement.llm.context_trial import REPORT_NAME, SoFar

    if vision not in VISIONS:
        raise ConfigError(f"--vision {vision}: expected {', '.join(VISIONS)}")
    texts = [read_program(path) for path in program or ()]
    same = identity_of(task, cell, model, vision, seed, failures, texts)
    kept = None if into is None else EconomyFile(into, same)
    so_far = SoFar() if kept is None else kept.read()
    options = {
        "experiment": "context",
        "failures": str(failures),
        "vision": vision,
        "so_far": msgspec.json.encode(so_far).decode(),
        "for_s": str(60 * minutes),
    }
    if texts:
        options["programs"] = msgspec.json.encode(texts).decode()
    budget = Budget(max_cost_usd=max_cost)
    asked = _options(model, base_url, max_cost, options)
    session = None
    if not so_far.complete:
        session, ended = _one_run(ctx, task, cell, seed, budget, asked, experiment="context")
        with SessionReader(session) as reader:
            found = [a for a in reader.attachments("experiment") if a.name == REPORT_NAME]
            body = reader.blob(found[-1].blob) if found else None
        if body is None:
            raise typer.Exit(exit_of(ended) or Exit.NOT_PASS)
        so_far = msgspec.json.decode(body, type=SoFar)
        if kept is not None:
            kept.write(so_far)
    results = so_far.results
    if json_only:
        told = {"session": session and str(session), "complete": so_far.complete}
        print_json({**told, **economy_json(results)})
        return
    if not so_far.complete:
        more = "the same command goes on" if kept else "with --into FILE it goes on later"
        typer.echo(f"not yet {failures} failures; {more}")
    for f in figures_of(results):
        per_repair = "none"
        if f.per_repair is not None:
            cost = "" if not f.usd_per_repair else f", ${f.usd_per_repair:.4f}"
            per_repair = f"{f.per_repair:,.0f} ({f.fresh_per_repair:,.0f} not from a cache{cost})"
        typer.echo(
            f"{f.mode:<6} repaired {f.repaired.k}/{f.repaired.n} "
            f"({f.repaired.lo:.2f}–{f.repaired.hi:.2f})  tokens per repair {per_repair}, "
            f"median per failure {f.per_failure:,.0f} in {f.questions:g} questions"
        )
    typer.echo(pairs_in_words(results))
    saved, words = verdict_on(results)
    typer.echo(f"saved {'nothing' if saved is None else f'{saved:.0%}'}; {words}")


@bench_app.command("vision")
def vision(
    ctx: typer.Context,
    task: TaskArgument,
    model: ModelOption,
    base_url: UrlOption = "",
    preset: Annotated[str, typer.Option(help="How the model is asked.")] = "aspire",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs for each way, seeds counting up.")] = 1,
    cell: CellOption = "yam",
    max_trials: MaxTrials = None,
    max_cost: MaxCost = None,
    json_only: JsonFlag = False,
) -> None:
    """The same task and seeds three ways: pictures to the model, described to it, or none."""
    preset_named(preset)
    budget = Budget(max_trials=max_trials, max_cost_usd=max_cost)
    rows: dict[str, list[dict[str, Any]]] = {how: [] for how in VISIONS}
    for run in range(repeats):
        for how in VISIONS:
            options = _options(model, base_url, max_cost, {"preset": preset, "vision": how})
            session, _ = _one_run(ctx, task, cell, seed + run, budget, options)
            with SessionReader(session) as reader:
                rows[how].append({**run_summary(reader), "looked": _looked(reader)})
    if json_only:
        print_json({"vision": rows, "says": vision_says(rows)})
        return
    for how, runs in rows.items():
        for told in runs:
            held, used = told["held_out"], told["tokens"]
            lo, hi = held["interval"]
            typer.echo(
                f"{how:<7} {told['outcome'] or told['stopped_by']:<6} "
                f"held-out {held['k']}/{held['n']} ({lo:.2f}–{hi:.2f})  "
                f"looked {told['looked']} times  tokens "
                f"{used['input'] + used['cached'] + used['output']:,}  ${used['cost']:.4f}  "
                f"{told['minutes']:.1f} min  {Path(told['session']).stem}"
            )
    typer.echo(vision_says(rows))


def vision_says(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """What these runs allow to be said, in a line."""
    runs = len(rows[VISIONS[0]])
    passed = {how: sum(r["outcome"] == "PASS" for r in told) for how, told in rows.items()}
    counts = ", ".join(f"{how} {k}/{runs}" for how, k in passed.items())
    if not any(r["looked"] for told in rows.values() for r in told):
        return f"runs that passed: {counts}; the model never asked for a picture: no comparison"
    if runs < LEAST_RUNS:
        return (
            f"runs that passed: {counts}; with fewer than {LEAST_RUNS} runs each, a difference is "
            "none between ways of seeing: only what each sent and cost is told"
        )
    return f"runs that passed, on the same seeds: {counts}"


def _looked(reader: SessionReader) -> int:
    """How often the agent was shown a picture."""
    used = [r.event for r in reader.events(kinds=("agent_tool",))]
    return sum(isinstance(e, AgentTool) and e.tool == "view" and e.ok for e in used)


@bench_app.command("verifier")
def verifier(
    ctx: typer.Context,
    task: Annotated[str, typer.Option(help="Task name or file.")],
    ends: Annotated[int, typer.Option(min=1, max=20_000, help="Ends to draw at most.")] = 2000,
    failures: Annotated[int, typer.Option(min=0, help="Failures it wants to have seen.")] = 400,
    successes: Annotated[int, typer.Option(min=0, help="And successes.")] = 100,
    minutes: Annotated[float, typer.Option(min=0.1, help="Stop after; go on later.")] = 60,
    into: Annotated[str, typer.Option(help="File of the judged ends, kept and gone on with.")] = "",
    cell: CellOption = "yam",
    json_only: JsonFlag = False,
) -> None:
    """Verify the verifier: cameras against the referee on good, bad and near ends of a task."""
    # Loads the simulator, which no other verb should wait for.
    from aspire_tui.rollout.verifier_check import Judged, VerifierCheck

    context = Context.of(ctx)
    found = tasks_named([task], context.workspace)[0]
    _, cell_file = cell_named(cell, context.workspace)
    require_fit([found], cell_file.info)
    name = f"verifier-{found.name}-{cell_file.info.name}.jsonl"
    path = Path(into) if into else context.workspace.root / "bench" / name
    check = VerifierCheck.on(found, cell_file, path)
    until = time.monotonic() + 60 * minutes
    for judged in check.run(ends, failures, successes):
        if judged.verifier != judged.referee:
            typer.echo(
                f"end {judged.n} ({judged.kind}): verifier {judged.verifier}, referee "
                f"{judged.referee}: {judged.reason}",
                err=True,
            )
        if time.monotonic() > until:
            break
    judged_all: list[Judged] = check.judged()
    answer = confusion_json(found.name, judged_all, path)
    if json_only:
        print_json(answer)
        return
    for line in confusion_lines(answer):
        typer.echo(line)


def _options(
    model: str, base_url: str, max_cost: float | None, more: dict[str, str]
) -> dict[str, str]:
    """Options of the agent, with what the model lacks told before anything starts."""
    for choice in choose_models(model, base_url):
        missing = missing_for(choice, os.environ)
        if missing:
            raise ConfigError(missing)
        if max_cost is not None:
            check_price(choice)
    return {"model": model, "base_url": base_url, **more}


def _one_run(
    ctx: typer.Context,
    task: str,
    cell: str,
    seed: int,
    budget: Budget,
    options: dict[str, str],
    experiment: str = "",
) -> tuple[Path, RunEnded | None]:
    """One headless run to its end."""
    context = Context.of(ctx)
    spec = RunSpec(
        verb="run",
        tasks=(task,),
        cell=cell,
        agent="llm",
        seed=seed,
        attended=False,
        budget=budget,
        agent_options=options,
        experiment=experiment,
    )
    job = make_job(spec, tasks_named([task], context.workspace), context.workspace)
    started = start_or_exit(job)
    return started.session, follow(started, context.who(), to_stderr)
