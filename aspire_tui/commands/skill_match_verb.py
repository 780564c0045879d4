"""``skills match``: which skills answer a recorded failure, best first, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.session_verbs import find_session
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.evolution.gate import primitives_here
from aspire_tui.evolution.implicated import look_at
from aspire_tui.library.load import load_library
from aspire_tui.library.match import Failure, Match
from aspire_tui.library.text_search import TextIndex, match_or_search
from aspire_tui.session.reader import SessionReader


def match_skills(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session that holds the failure.")],
    trial: Annotated[
        int | None, typer.Option(min=1, help="Its trial; else the last that failed.")
    ] = None,
    call: Annotated[
        int | None, typer.Option(min=1, help="Its call; else the one that explains the failure.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Which skills answer a recorded failure: by signature; where none fits, by its words."""
    context = Context.of(ctx)
    library = load_library(context.workspace.skill_folders())
    with SessionReader(find_session(session, context.workspace)) as reader:
        number, at = failing_call(reader, trial, call)
        failure, words = failure_of(reader, number, at)
    found = match_or_search(failure, library, TextIndex(library), words)
    if as_json:
        rows = [{"skill": m.skill.name, "score": m.score, "why": m.why} for m in found]
        told = {"primitive": failure.primitive, "status": failure.status}
        print_json({"trial": number, "call": at, **told, "matches": rows})
    else:
        typer.echo(f"trial {number} call {at}: {failure.primitive} ended {failure.status}")
        typer.echo("\n".join(match_lines(found)))
    raise typer.Exit(Exit.PASS if found else Exit.NOT_PASS)


def failing_call(reader: SessionReader, trial: int | None, call: int | None) -> tuple[int, int]:
    """The trial and call that are asked about.

    Raises:
        ConfigError: There is no such trial, it explains nothing, or its scene is held out.
    """
    trials = {t.trial: t for t in reader.trials() if t.seed_set != "held_out"}
    failed = [n for n, t in trials.items() if t.outcome not in ("PASS", None) and t.implicated]
    if trial is None and not failed:
        raise ConfigError(f"{reader.path.name}: no trial failed at a call")
    number = failed[-1] if trial is None else trial
    if number not in trials:
        held = any(t.trial == number for t in reader.trials())
        why = "ran on a held-out scene, which nothing is learned from" if held else "is not there"
        raise ConfigError(f"{reader.path.name}: trial {number} {why}")
    at = call or trials[number].implicated
    if at is None:
        raise ConfigError(f"trial {number} has no call that explains it; name one with --call")
    return number, at


def failure_of(reader: SessionReader, trial: int, call: int) -> tuple[Failure, str]:
    """The failure as the library wants to know it, and the words it was told in."""
    found = look_at(reader, trial, call, primitives_here())
    row = reader.call(trial, call)
    result = row.result if row is not None else None
    failure = Failure(
        primitive=found.primitive,
        status=found.status,
        checks=found.checks,
        args=row.intent.args if row is not None else {},
        earlier=found.earlier,
        facts={} if result is None or result.error_m is None else {"error_m": result.error_m},
    )
    return failure, result.summary if result is not None else ""


def match_lines(found: tuple[Match, ...]) -> list[str]:
    """One line each, best first. Pure."""
    if not found:
        return ["  no skill answers it, by signature or by words"]
    return [f"  {m.skill.name:<30} {m.score:6.2f}  {m.why}" for m in found]
