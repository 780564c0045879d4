"""``export``: a session in a form that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.session_verbs import find_session
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.git_export import export_git
from aspire_tui.session.reader import SessionReader


def export(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name or file.")],
    out: Annotated[Path, typer.Argument(help="New folder to write.")],
    to: Annotated[str, typer.Option("--to", help="git.")] = "git",
    as_json: JsonFlag = False,
) -> None:
    """The hypotheses as a git repository: branches are lines of ideas, trailers hold scores."""
    if to in ("mcap", "html"):
        raise ConfigError(f"--to {to} is reserved and not there yet; git is")
    if to != "git":
        raise ConfigError(f"--to {to}: this release exports to git")
    with SessionReader(find_session(session, Context.of(ctx).workspace)) as reader:
        done = export_git(reader, out)
    if as_json:
        print_json({"session": session, "out": str(out), **msgspec.to_builtins(done)})
        return
    typer.echo(f"{out}: {done.commits} hypotheses on {len(done.branches)} branches")
    typer.echo(f"  git -C {out} log --graph --branches --format='%h %s'")
