"""``replay``, ``trace`` and ``sessions``: looking at what was recorded."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.retention import retention
from aspire_tui.config import Workspace, load_settings, suggestion
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.keeping import (
    GB,
    Doomed,
    being_recorded,
    recorded,
    recorded_in,
    remove,
    stored,
    to_prune,
)
from aspire_tui.session.pack import pack
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.redaction import Redactor, secrets_among
from aspire_tui.session.rows import TrialRow
from aspire_tui.session.salvage import salvage

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

sessions_app = typer.Typer(help="Recorded sessions.", invoke_without_command=True)


def find_session(name: str, workspace: Workspace) -> Path:
    """A session by file, or by name in the workspace or among those that ship.

    Raises:
        ConfigError: There is none; names the nearest.
    """
    path = Path(name)
    if path.suffix == ".db" and path.is_file():
        return path
    known = {p.stem: p for p in all_sessions(workspace)}
    if name in known:
        return known[name]
    if path.suffix == ".db":
        raise ConfigError(f"{name}: no such file")
    raise ConfigError(f"no session is called {name}; {suggestion(name, known)}")


def all_sessions(workspace: Workspace) -> list[Path]:
    """Session files of the workspace and of the release, newest first."""
    found = [p for folder in workspace.session_folders() for p in folder.glob("*.db")]
    return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)


def replay(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name or file.")],
    at: Annotated[str, typer.Option(help="14:02:11, +93, 3.12 (trial.call), trial 3.")] = "",
) -> None:
    """Open the screen on a recorded session, at any moment of it."""
    context = Context.of(ctx)
    path = find_session(session, context.workspace)
    SessionReader(path).close()
    context.console_replay(path, at)


def trace(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name or file.")],
    trial: Annotated[int | None, typer.Option(min=1, help="Only this trial.")] = None,
    failed: Annotated[bool, typer.Option(help="Only calls that did not end in OK.")] = False,
    call: Annotated[int | None, typer.Option(min=1, help="One call in full.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """The calls of a session, or one call in full."""
    context = Context.of(ctx)
    reader = SessionReader(find_session(session, context.workspace))
    trials = reader.trials()
    if trial is not None and trial not in {t.trial for t in trials}:
        raise ConfigError(f"{session} has no trial {trial}; it has {len(trials)}")
    chosen = [t for t in trials if trial is None or t.trial == trial]
    if call is not None:
        _one_call(reader, chosen, call, as_json)
        return
    rows: list[dict[str, Any]] = []
    for t in chosen:
        for c in reader.calls(t.trial):
            if failed and c.status == "OK":
                continue
            rows.append(msgspec.to_builtins(c) | {"implicated": t.implicated == c.call})
    if as_json:
        print_json({"session": str(reader.path), "calls": rows})
        return
    for r in rows:
        mark = "*" if r["implicated"] else " "
        typer.echo(
            f"{r['trial']:>4} {mark}#{r['call']:<3} line {r['line']:<4} {r['primitive']:<24} "
            f"{r.get('status') or 'unknown outcome':<15} {r.get('duration_s', 0):6.2f} s  "
            f"{r.get('summary', '')}"
        )


def _one_call(reader: SessionReader, trials: list[TrialRow], call: int, as_json: bool) -> None:
    if len(trials) != 1:
        raise ConfigError("--call needs --trial: calls are numbered within a trial")
    detail = reader.call(trials[0].trial, call)
    if detail is None:
        raise ConfigError(f"trial {trials[0].trial} has no call {call}")
    value = msgspec.to_builtins(detail)
    if as_json:
        print_json(value)
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


@sessions_app.callback()
def _default(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        list_sessions(ctx, as_json=False)


@sessions_app.command("list")
def list_sessions(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Sessions of this workspace and those that ship, newest first."""
    context = Context.of(ctx)
    rows = [_row(p) for p in all_sessions(context.workspace)]
    if as_json:
        print_json({"sessions": rows})
        return
    if not rows:
        typer.echo("no sessions yet; record one with: aspire-tui run cube_stack")
    for r in rows:
        typer.echo(f"{r['name']:<44} {r['verb']:<5} {r['task']:<16} {r['outcome']:<10} {r['why']}")


@sessions_app.command("show")
def show_session(ctx: typer.Context, session: str, as_json: JsonFlag = False) -> None:
    """What one session was, and how it ended."""
    context = Context.of(ctx)
    path = find_session(session, context.workspace)
    row = _row(path)
    if row["outcome"] == "damaged":
        raise ConfigError(row["why"])
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        typer.echo(f"{key:<9} {value}")


@sessions_app.command("verify")
def verify_session(ctx: typer.Context, session: str, as_json: JsonFlag = False) -> None:
    """Check the hash chain, the database and the blobs of a session."""
    context = Context.of(ctx)
    path = find_session(session, context.workspace)
    with SessionReader(path) as reader:
        problems, head, absent = reader.verify(), reader.head(), reader.left_out()
        unsealed = reader.unsealed_rows()
    if as_json:
        found = {"problems": msgspec.to_builtins(problems), "head": head, "left_out": absent}
        found["unsealed"] = unsealed
        print_json({"session": str(path), **found})
    else:
        typer.echo(f"{path.name}: {'intact' if not problems else f'{len(problems)} problems'}")
        typer.echo(f"  head {head}")
        if absent:
            typer.echo(f"  left out when it was packed: {', '.join(absent)}")
        if unsealed:
            typer.echo(f"  {unsealed} rows of joint state and film are not in the hash chain")
        for p in problems[:50]:
            typer.echo(f"  {p.what}" + (f" (event {p.seq})" if p.seq else ""))
    raise typer.Exit(Exit.PASS if not problems else Exit.FAULT)


@sessions_app.command("pack")
def pack_session(
    ctx: typer.Context,
    session: str,
    out: Annotated[Path, typer.Argument(help="File to write.")],
    video: Annotated[bool, typer.Option(help="Keep the film for people.")] = True,
    pictures: Annotated[bool, typer.Option(help="Keep the images perception used.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Copy a session, live or finished, to one compact, redacted file to ship or keep."""
    path = find_session(session, Context.of(ctx).workspace)
    redactor = Redactor(secrets_among(os.environ))
    packed = pack(path, out, video=video, pictures=pictures, redactor=redactor)
    if as_json:
        print_json({"session": str(out), **msgspec.to_builtins(packed)})
        return
    _told(out, as_json)
    typer.echo(f"  {packed.events} events, sandbox {packed.sandbox or '?'}, head {packed.head}")
    for brand in packed.brands:
        typer.echo(f"  brand: {brand}")
    if packed.left_out:
        typer.echo(f"  left out: {', '.join(packed.left_out)}")
    if packed.redacted_events or packed.redacted_texts:
        typer.echo(
            f"  a secret was taken out of {packed.redacted_events} events and "
            f"{packed.redacted_texts} texts that the recording still holds"
        )


@sessions_app.command("rm")
def remove_sessions(
    ctx: typer.Context,
    sessions: Annotated[list[str], typer.Argument(help="Session names or files.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete sessions; one that is being recorded, or that ships, is refused."""
    workspace = Context.of(ctx).workspace
    doomed = [Doomed(stored(_removable(name, workspace)), "named") for name in sessions]
    _remove(doomed, dry_run, yes, as_json)


@sessions_app.command("prune")
def prune_sessions(
    ctx: typer.Context,
    days: Annotated[float | None, typer.Option(min=0, help="Keep so many days.")] = None,
    quota: Annotated[float | None, typer.Option(min=0, help="Keep so many GB.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete sessions over age, then the oldest over the quota, as settings.toml says."""
    workspace = Context.of(ctx).workspace
    keep = retention(load_settings(workspace))
    if days is not None:
        keep = msgspec.structs.replace(keep, keep_days=days)
    if quota is not None:
        keep = msgspec.structs.replace(keep, quota_bytes=int(quota * GB))
    doomed = to_prune(recorded_in(workspace.sessions), keep, time.time())
    _remove(doomed, dry_run, yes, as_json)


def _removable(name: str, workspace: Workspace) -> Path:
    path = find_session(name, workspace).resolve()
    shipped = (workspace.shipped / "sessions").resolve()
    if path.parent == shipped and (shipped != workspace.sessions.resolve() or not recorded(path)):
        raise ConfigError(f"{path.name} ships with this release; it is not removed")
    if being_recorded(path):
        raise SessionFileError(
            path, "is being recorded", "end the run first: aspire-tui stop " + path.stem
        )
    return path


def _remove(doomed: list[Doomed], dry_run: bool, yes: bool, as_json: bool) -> None:
    """List what goes, ask unless told not to, and delete it."""
    listed = [{"name": d.session.path.stem, "bytes": d.session.bytes, "why": d.why} for d in doomed]
    if not as_json:
        for d in doomed:
            typer.echo(f"{d.session.path.stem:<44} {d.session.bytes / 1e6:8.1f} MB  {d.why}")
    total = sum(d.session.bytes for d in doomed)
    if doomed and not dry_run and not yes:
        if as_json or not sys.stdin.isatty():
            raise ConfigError(f"{len(doomed)} sessions would be deleted; say --yes, or --dry-run")
        if not typer.confirm(f"delete these {len(doomed)} sessions, {total / 1e6:.1f} MB?"):
            raise typer.Exit(Exit.STOPPED)
    freed = 0 if dry_run else sum(remove(d.session.path) for d in doomed)
    if as_json:
        print_json({"sessions": listed, "bytes": total, "freed": freed, "dry_run": dry_run})
    elif not doomed:
        typer.echo("nothing to remove")
    else:
        typer.echo(
            f"{total / 1e6:.1f} MB would be freed" if dry_run else f"{freed / 1e6:.1f} MB freed"
        )


@sessions_app.command("salvage")
def salvage_session(
    session: Annotated[Path, typer.Argument(help="The damaged file.")],
    out: Annotated[Path, typer.Argument(help="File to write what can be read to.")],
    as_json: JsonFlag = False,
) -> None:
    """Read what can be read of a damaged session into a new file; the old one stays as it is."""
    saved = salvage(session, out)
    if as_json:
        found = {"events": saved.events, "blobs": saved.blobs, "lost": saved.lost}
        print_json({"session": str(out), "bytes": out.stat().st_size, **found})
        return
    _told(out, as_json)
    lost = sum(last - first + 1 for first, last in saved.lost)
    typer.echo(f"  {saved.events} events and {saved.blobs} blobs saved, {lost} events lost")


def _told(out: Path, as_json: bool) -> None:
    if as_json:
        print_json({"session": str(out), "bytes": out.stat().st_size})
    else:
        typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _row(path: Path) -> dict[str, Any]:
    try:
        with SessionReader(path) as reader:
            s = reader.snapshot()
    except SessionFileError as error:
        return {"name": path.stem, "verb": "", "task": "", "outcome": "damaged", "why": str(error)}
    spec = s.session.spec if s.session else None
    ended = s.ended
    return {
        "name": path.stem,
        "verb": spec.verb if spec else "",
        "task": " ".join(spec.tasks) if spec else "",
        "outcome": (ended.outcome or ended.stopped_by) if ended else "unfinished",
        "trials": s.trials_closed,
        "sandbox": s.session.sandbox.level if s.session else "",
        "brands": " ".join(s.session.brands) if s.session else "",
        "why": ended.reason if ended else "no end was recorded: running, or the engine was killed",
        "path": str(path),
    }
