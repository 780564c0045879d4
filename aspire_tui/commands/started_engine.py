"""An engine that a verb started: watched on a screen or followed line by line to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from aspire_tui.commands.context import Context, print_json
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.engine.job import Job
from aspire_tui.engine.spawn import EngineNotStarted, StartedEngine, start_engine
from aspire_tui.errors import Exit
from aspire_tui.events import RunEnded
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.summary import run_summary

UNASKED = ("run ended", "info", "warn", "error", "agent  error")
"""Lines that are told to an operator who is the agent; the others follow from what they typed."""


def start_or_exit(job: Job) -> StartedEngine:
    """Start the engine, or leave with its own one-line reason."""
    if sys.stderr.isatty():
        typer.echo(f"starting cell {job.spec.cell} and its workers …", err=True)
    try:
        return start_engine(job)
    except EngineNotStarted as error:
        typer.echo(f"aspire-tui: {error}", err=True)
        raise typer.Exit(error.code) from None


def watched(attended: bool, as_json: bool, context: Context) -> bool:
    """Whether a person at this terminal will see the run on a screen."""
    here = sys.stdin.isatty() and sys.stdout.isatty()
    return attended and here and not (as_json or context.plain)


def beside_the_operator(
    started: StartedEngine, context: Context, since_seq: int = 0
) -> RunEnded | None:
    """The terminal is the operator's, who is the agent; only what nobody asked for is told."""

    def tell(line: str) -> None:
        text = line.strip().partition("  ")[2]  # behind its time
        if line.startswith("HOLD") or text.startswith(UNASKED):
            to_stderr(line)

    return follow(started, context.who(), tell, since_seq, interrupt="hold")


def see_it_through(
    started: StartedEngine, context: Context, attended: bool, as_json: bool, since_seq: int = 0
) -> None:
    """Watch a run on a screen, or follow it line by line to its end."""
    if watched(attended, as_json, context):
        _watch(started, context)
        return
    ended = follow(started, context.who(), to_stderr, since_seq)
    if as_json:
        print_json(run_summary(SessionReader(started.session)))
    raise typer.Exit(exit_of(ended))


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
