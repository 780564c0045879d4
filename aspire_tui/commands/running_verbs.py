"""``attach`` and ``stop``: verbs for a run that is going on."""

from __future__ import annotations

import getpass
import importlib.metadata
from pathlib import Path
from typing import Annotated

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.engine.client import EngineClient, running_engines
from aspire_tui.errors import ConfigError, Exit, PolicyRefused
from drivers.runtime_dir import runtime_dir


def attach(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name; the only one by default.")] = "",
    view: Annotated[bool, typer.Option("--view", help="Only watch, and HOLD.")] = False,
) -> None:
    """Open the screen on a run that is going on."""
    context = Context.of(ctx)
    path, sock = _running(session, context)
    client = EngineClient(sock, context.who())
    met = client.greet(importlib.metadata.version("aspire-tui"), path.stem)
    if met.refused:
        raise PolicyRefused(met.refused)
    context.console_live(path, sock, view=view or met.read_only)


def stop(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name; the only one by default.")] = "",
    take_control: Annotated[
        bool, typer.Option("--take-control", help="Take control from whoever has it first.")
    ] = False,
    queued: Annotated[
        int, typer.Option("--exec", min=0, help="Only take this queued exec back; the run goes on.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """End a run: HOLD, the last trial is closed, the engine exits."""
    context = Context.of(ctx)
    path, sock = _running(session, context)
    client = EngineClient(sock, context.who())
    if take_control:
        holder = str(client.send("present", role="viewer").data.get("take", ""))
        client.send("take_control", {"typed": holder})
    reply = client.send("cancel", {"number": queued}) if queued else client.send("stop")
    if as_json:
        print_json({"session": str(path), "accepted": reply.accepted, "reason": reply.reason})
    else:
        typer.echo(f"{path.name}: {reply.reason}")
    if not reply.accepted:
        raise typer.Exit(Exit.REFUSED)


def _running(name: str, context: Context) -> tuple[Path, Path]:
    engines = running_engines(runtime_dir(), getpass.getuser())
    if not engines:
        raise ConfigError("no run is going on; start one with: aspire-tui run TASK")
    if not name:
        if len(engines) > 1:
            names = ", ".join(p.stem for p in engines)
            raise ConfigError(f"several runs are going on; name one of: {names}")
        return next(iter(engines.items()))
    for path, sock in engines.items():
        if name in (path.stem, path.name, str(path)):
            return path, sock
    names = ", ".join(p.stem for p in engines)
    raise ConfigError(f"no run is called {name}; going on: {names}")
