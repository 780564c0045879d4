"""``cell``: serve, hold and shut down a cell host; keys for remote cells."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.jobs import cell_named
from aspire_tui.commands.run_options import NoNoise
from aspire_tui.errors import ConfigError
from drivers.client import CellClient, hold_now
from drivers.keys import make_keys

cell_app = typer.Typer(help="One cell: its host and its stop.", no_args_is_help=True)

CellName = Annotated[str, typer.Argument(help="Cell by name.")]


@cell_app.command("serve")
def serve(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")] = "yam",
    speed: Annotated[float, typer.Option(min=0.1, max=10.0, help="Stand-in × wall time.")] = 1.0,
    noise_off: NoNoise = False,
    tcp: Annotated[
        str, typer.Option(help="ADDRESS:PORT: serve other machines instead; needs --keys.")
    ] = "",
    keys: Annotated[
        Path | None, typer.Option(help="Folder with the host's key and `authorized`.")
    ] = None,
) -> None:
    """Own a cell and serve it until told to leave (SIGTERM holds, then exits)."""
    path, _ = cell_named(cell, Context.of(ctx).workspace)
    command = [sys.executable, "-m", "drivers.host", str(path.resolve()), "--speed", str(speed)]
    if noise_off:
        command.append("--noise-off")
    command += ["--tcp", tcp] if tcp else []
    command += ["--keys", str(keys.resolve())] if keys else []
    os.execv(sys.executable, command)


@cell_app.command("hold")
def hold(cell: CellName = "yam", as_json: JsonFlag = False) -> None:
    """HOLD now: decelerate and hold, drives powered. Not an emergency stop."""
    took_ms = hold_now(cell, getpass.getuser())
    if as_json:
        print_json({"cell": cell, "held": True, "ms": round(took_ms, 1)})
    else:
        typer.echo(f"{cell}: HOLD, confirmed in {took_ms:.0f} ms")


@cell_app.command("shutdown")
def shutdown(cell: CellName = "yam", as_json: JsonFlag = False) -> None:
    """HOLD, then the host exits; torque stays as it is."""
    client = CellClient(cell, who=getpass.getuser())
    try:
        client.shutdown(getpass.getuser())
    finally:
        client.close()
    if as_json:
        print_json({"cell": cell, "shutdown": True})
    else:
        typer.echo(f"{cell}: HOLD, then the host exits")


@cell_app.command("keys")
def keys(
    folder: Annotated[Path, typer.Argument(help="Folder to write them to (0700).")],
    name: Annotated[str, typer.Option(help="Whose keys; `host` for the cell host's own.")] = "host",
    role: Annotated[str, typer.Option(help="admin, operator, viewer or agent, for a client.")] = "",
) -> None:
    """Make CURVE keys for a cell that is reached over TCP; secret files are 0600."""
    match role:
        case "":
            made = make_keys(folder, name)
        case "admin" | "operator" | "viewer" | "agent":
            made = make_keys(folder, name, role)
        case _:
            raise ConfigError(f"--role {role}: expected admin, operator, viewer or agent")
    typer.echo(str(made))
