"""``aspire-tui``: the stable command line. Errors are one line; exit codes are a contract."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.deferred import CONTEXT, deferred_group
from aspire_tui.config import find_workspace
from aspire_tui.engine.client import EngineGone
from aspire_tui.errors import Exit, exit_code
from aspire_tui.global_options import put_first
from aspire_tui.session.errors import SessionFileError

VERBS: Final = {
    name: f"aspire_tui.commands.{place}"
    for name, place in {
        "run": "run_verb:run",
        "exec": "exec_verb:exec_program",
        "bench": "bench_assembly:bench_app",
        "attach": "running_verbs:attach",
        "stop": "running_verbs:stop",
        "mcp": "mcp_verb:mcp",
        "replay": "session_verbs:replay",
        "trace": "session_verbs:trace",
        "what-if": "what_if_verb:what_if",
        "metrics": "metrics_verbs:metrics",
        "compare": "metrics_verbs:compare_sessions",
        "export": "export_verb:export",
        "sessions": "session_verbs:sessions_app",
        "tasks": "tasks_verbs:tasks_app",
        "cells": "cell_assembly:cells_app",
        "skills": "skill_verbs:skills_app",
        "cell": "cell_assembly:cell_app",
        "primitives": "list_verbs:primitives",
        "doctor": "list_verbs:doctor",
    }.items()
}
"""Where each verb is; its module is imported when it is used."""

app = typer.Typer(
    name="aspire-tui",
    cls=deferred_group(VERBS),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aspire-tui {importlib.metadata.version('aspire-tui')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def launcher(
    ctx: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder of sessions, skills and settings.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a screen.")] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="No Unicode drawing.")] = False,
    reset_terminal: Annotated[
        bool, typer.Option("--reset-terminal", help="Mend a terminal left in a bad state.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", callback=_version)
    ] = False,
) -> None:
    """Terminal console for robot cells whose programs are written by coding agents."""
    ctx.obj = Context(find_workspace(workspace), ascii_only, plain)
    if reset_terminal:
        from aspire_tui.tui.terminal import reset_terminal as mend

        mend()
        return
    if ctx.invoked_subcommand is None:
        from aspire_tui.commands.launch import launch

        launch(ctx.obj)


def main() -> None:
    """Entry point: run a command, turn its errors into one line and an exit code."""
    try:
        mine, rest = put_first(sys.argv[1:])
        code = app([*mine, *rest], standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:
        sys.exit(Exit.STOPPED)
    except typer.TyperException as error:
        _say(f"{error.format_message()}; see aspire-tui --help")
        sys.exit(Exit.USAGE)
    except (SessionFileError, EngineGone) as error:
        _say(str(error))
        sys.exit(Exit.USAGE)
    except SystemExit:  # the reader of a pipe went away
        raise
    except BrokenPipeError:
        sys.exit(Exit.PASS)
    except BaseException as error:
        found = exit_code(error)
        if found is None:
            _say(f"defect: {error!r}; what to report is in {_keep_traceback()}")
            sys.exit(Exit.FAULT)
        _say(str(error) or type(error).__name__)
        sys.exit(found)
    sys.exit(code if isinstance(code, int) else Exit.PASS)


def _keep_traceback() -> str:
    """No traceback reaches an operator's screen; it is kept where a report can find it."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="aspire-tui-", suffix=".txt", delete=False, encoding="utf-8"
    ) as out:
        traceback.print_exc(file=out)
        return out.name


def _say(text: str) -> None:
    sys.stderr.write("aspire-tui: " + " ".join(text.splitlines()) + "\n")


if __name__ == "__main__":
    main()
