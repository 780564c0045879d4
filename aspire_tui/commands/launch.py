"""``aspire-tui`` without a verb: the launcher, or the same facts as lines."""

from __future__ import annotations

import getpass
import sys

import typer

from aspire_tui.commands.context import Context


def launch(context: Context) -> None:
    """Show cells, tasks, running engines and sessions; on a terminal, as a screen."""
    if context.plain or not sys.stdout.isatty():
        _lines(context)
        return
    from aspire_tui.tui.start import open_launcher

    open_launcher(context.workspace, getpass.getuser(), ascii_only=context.ascii)


def _lines(context: Context) -> None:
    from aspire_tui.commands.session_verbs import all_sessions
    from aspire_tui.engine.client import running_engines
    from aspire_tui.environment.task_file import task_names
    from drivers.runtime_dir import runtime_dir

    engines = running_engines(runtime_dir(), getpass.getuser())
    for session in engines:
        typer.echo(f"running   {session.stem}   aspire-tui attach {session.stem}")
    for name in task_names(context.workspace.task_folders()):
        typer.echo(f"task      {name}   aspire-tui run {name}")
    for path in all_sessions(context.workspace)[:10]:
        typer.echo(f"session   {path.stem}   aspire-tui replay {path.stem}")
