"""``tasks new``: a task from a sentence, judged by its operator, a template or a model's draft."""

from __future__ import annotations

from typing import Annotated

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.list_verbs import numbers, one_of, tasks_app
from aspire_tui.environment.drafted import NoDraft, goal_of, question
from aspire_tui.environment.new_task import (
    SentenceError,
    compose_task,
    things_in,
    to_toml,
    unproven,
)
from aspire_tui.environment.task import Relation
from aspire_tui.environment.task_file import load_task, task_names
from aspire_tui.errors import AgentError, ConfigError


@tasks_app.command("new")
def new_task(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    sentence: Annotated[str, typer.Argument(help="What is to be done, naming coloured things.")],
    region: Annotated[str, typer.Option(help="A region the cell was taught.")] = "",
    area: Annotated[str, typer.Option(help="Or x0,x1,y0,y1 in metres, base frame.")] = "",
    size: Annotated[list[str] | None, typer.Option(help="NAME=x,y,z in metres.")] = None,
    verifier: Annotated[str, typer.Option(help="operator, template or draft.")] = "operator",
    model: Annotated[str, typer.Option(help="PROVIDER:NAME that drafts the verifier.")] = "",
    model_url: Annotated[str, typer.Option(help="Where it answers, if not its provider.")] = "",
    reset: Annotated[str, typer.Option(help="operator, arm or stand-in.")] = "operator",
    as_json: JsonFlag = False,
) -> None:
    """Make a task from a sentence; it is kept in the workspace."""
    context = Context.of(ctx)
    sizes = [
        (n.strip(), numbers(v, 3, "--size")) for n, _, v in (s.partition("=") for s in size or ())
    ]
    if name in task_names(context.workspace.task_folders()):
        raise ConfigError(f"a task is called {name!r} already; choose another name")
    if bool(model) != (verifier == "draft"):
        raise ConfigError("--verifier draft and --model PROVIDER:NAME go together")
    rectangle = numbers(area, 4, "--area") if area else None
    one_of(verifier, ("operator", "template", "draft"), "--verifier")
    one_of(reset, ("operator", "arm", "stand-in"), "--reset")
    drafted, why = _draft(sentence, model, model_url) if model else ((), "")
    try:
        made = compose_task(
            sentence,
            name,
            region=region,
            rectangle=rectangle,  # type: ignore[arg-type]
            sizes=sizes,  # type: ignore[arg-type]
            verifier=verifier,
            reset_by=reset,
            drafted=drafted,
        )
    except SentenceError as error:
        raise ConfigError(str(error)) from None
    folder = context.workspace.task_folders()[0]
    path = folder / f"{name}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(to_toml(made), encoding="utf-8")
    load_task(path)
    goal = [_told(r) for r in made.goal]
    if as_json:
        things = [o.name for o in made.objects]
        told = {"task": name, "path": str(path), "objects": things, "goal": goal, "why": why}
        print_json(told)
        return
    typer.echo(f"{path}: {', '.join(o.name for o in made.objects)}; done when {', '.join(goal)}")
    if why:
        typer.echo(f"{model} drafted it: {why}")
    doubt = unproven(made)
    if doubt:
        typer.echo(f"{doubt}: aspire-tui tasks label {name} SESSION TRIAL good|bad")


def _draft(sentence: str, model: str, url: str) -> tuple[tuple[Relation, ...], str]:
    """Raises ConfigError, AgentError."""
    # Loads what starts the process that holds the key, which no other verb should wait for.
    from aspire_tui.commands.ask_model import ask_model

    things = things_in(sentence)
    if not things:
        raise ConfigError("the sentence names no coloured thing, such as 'the red cube'")
    try:
        return goal_of(ask_model(question(sentence, things), model, url), things)
    except NoDraft as error:
        raise AgentError(f"{model}: {error}") from None


def _told(r: Relation) -> str:
    limit = "" if r.value_m is None else f" by {r.value_m:g} m"
    return f"{r.object} {r.relation.replace('_', ' ')} {r.target}".rstrip() + limit
