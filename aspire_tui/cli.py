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

_VERBS: Final = {
    "run": ("run_verb:run", "Improve programs for a task until it passes"),
    "exec": ("exec_verb:exec_program", "Run a program: one trial, or N with failures grouped"),
    "bench": ("bench_assembly:bench_app", "Experiments that compare ways of working"),
    "attach": ("running_verbs:attach", "Open the screen on a run that is going on"),
    "stop": ("running_verbs:stop", "End a run: HOLD, last trial closed, engine exits"),
    "mcp": ("mcp_verb:mcp", "Offer a run's tools to an agent of your own"),
    "replay": ("session_verbs:replay", "Open the screen on a recorded session"),
    "trace": ("session_verbs:trace", "The calls of a session, or one call in full"),
    "what-if": ("what_if_verb:what_if", "Look again at what a call saw"),
    "metrics": ("metrics_verbs:metrics", "MRU, MTU, tokens and time to success, pass@k"),
    "compare": ("metrics_verbs:compare_sessions", "Sessions side by side, with a plot"),
    "export": ("export_verb:export", "The hypotheses as a git repository"),
    "sessions": ("session_verbs:sessions_app", "Recorded sessions"),
    "tasks": ("tasks_verbs:tasks_app", "Tasks: instruction, start, goal"),
    "cells": ("cell_assembly:cells_app", "Cells that are described here"),
    "skills": ("skill_verbs:skills_app", "The skill library"),
    "cell": ("cell_assembly:cell_app", "One cell: set up, calibrate, check, hold"),
    "primitives": ("list_verbs:primitives", "The names a program may call"),
    "doctor": ("list_verbs:doctor", "What this machine can do, and what would help"),
}

VERBS: Final = {name: f"aspire_tui.commands.{place}" for name, (place, _) in _VERBS.items()}
"""Where each verb is; its module is imported when it is used."""
ABOUT: Final = {name: about for name, (_, about) in _VERBS.items()}
"""What each is for, in a line."""

app = typer.Typer(
    name="aspire-tui",
    cls=deferred_group(VERBS, ABOUT),
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
