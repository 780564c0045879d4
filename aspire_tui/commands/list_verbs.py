"""``tasks``, ``cells``, ``primitives`` and ``doctor``: what there is."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.jobs import cell_named, tasks_named
from aspire_tui.config import suggestion
from aspire_tui.environment.task_file import task_names
from aspire_tui.environment.variants import KINDS as VARIANTS
from aspire_tui.errors import ConfigError, Exit
from drivers.cellfile import find_cell, read_reference

tasks_app = typer.Typer(help="Tasks: instruction, start, goal.", invoke_without_command=True)
cells_app = typer.Typer(help="Cells that are described here.", invoke_without_command=True)


@tasks_app.callback()
def _tasks(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        list_tasks(ctx, as_json=False)


@tasks_app.command("list")
def list_tasks(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Tasks by name."""
    context = Context.of(ctx)
    found = tasks_named(task_names(context.workspace.task_folders()), context.workspace)
    if as_json:
        rows = [
            {
                "name": t.name,
                "instruction": t.instruction,
                "cells": list(t.cells),
                "steps": [f"{t.name}@{s.name}" for s in t.subtasks],
                "goal": [r.relation for r in t.goal],
                "variants": [f"{t.name}+{kind}-SEED" for kind in VARIANTS],
            }
            for t in found
        ]
        print_json({"tasks": rows})
        return
    for t in found:
        cells = f"  [{', '.join(t.cells)}]" if t.cells else ""
        typer.echo(f"{t.name:<16} {t.instruction}{cells}")
        for step in t.subtasks:
            typer.echo(f"  @{step.name:<13} {step.instruction}")
    typer.echo(f"variants of each: TASK+KIND-SEED, KIND {', '.join(VARIANTS)}; a step: TASK@STEP")


@tasks_app.command("show")
def show_task(ctx: typer.Context, task: str, as_json: JsonFlag = False) -> None:
    """One task in full."""
    found = tasks_named([task], Context.of(ctx).workspace)[0]
    value = msgspec.to_builtins(found)
    if as_json:
        print_json(value)
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


@tasks_app.command("check")
def check_task(ctx: typer.Context, task: str, as_json: JsonFlag = False) -> None:
    """Whether a task file is right."""
    found = tasks_named([task], Context.of(ctx).workspace)[0]
    if as_json:
        print_json({"task": found.name, "ok": True})
    else:
        typer.echo(
            f"{found.name}: right; {len(found.objects)} objects, {len(found.goal)} relations"
        )


@cells_app.callback()
def _cells(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        list_cells(ctx, as_json=False)


@cells_app.command("list")
def list_cells(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Cell files of the workspace and of the release."""
    context = Context.of(ctx)
    names = sorted({p.stem for f in context.workspace.cell_folders() for p in f.glob("*.toml")})
    rows: list[dict[str, Any]] = []
    for name in names:
        reference = read_reference(find_cell(name, context.workspace.cell_folders()))
        if reference is not None:  # Not connected to for a list.
            rows.append(
                {
                    "name": name,
                    "kind": "remote",
                    "arms": [],
                    "cameras": [],
                    "estop": "UNKNOWN",
                    "path": str(reference.path),
                    "address": reference.remote.address,
                }
            )
            continue
        path, cell = cell_named(name, context.workspace)
        info = cell.info
        rows.append(
            {
                "name": name,
                "kind": info.kind,
                "arms": [a.name for a in info.arms],
                "cameras": [c.name for c in info.cameras],
                "estop": info.estop,
                "path": str(path),
            }
        )
    if as_json:
        print_json({"cells": rows})
        return
    for r in rows:
        if "address" in r:
            typer.echo(f"{r['name']:<16} {r['kind']:<9} at {r['address']}")
            continue
        typer.echo(
            f"{r['name']:<16} {r['kind']:<9} {len(r['arms'])} arm, cameras "
            f"{', '.join(r['cameras'])}; emergency stop {r['estop']}"
        )


@cells_app.command("show")
def show_cell(ctx: typer.Context, cell: str, as_json: JsonFlag = False) -> None:
    """One cell in full."""
    path, found = cell_named(cell, Context.of(ctx).workspace)
    value = {"path": str(path), "cell": msgspec.to_builtins(found.info)}
    if as_json:
        print_json(value)
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def numbers(text: str, count: int, what: str) -> tuple[float, ...]:
    """So many finite numbers, separated by commas."""
    try:
        found = tuple(float(v) for v in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count or not all(map(math.isfinite, found)):
        raise ConfigError(f"{what} {text!r}: {count} numbers separated by commas, metres")
    return found


def one_of(value: str, known: tuple[str, ...], what: str) -> str:
    """A word that is one of those known."""
    if value not in known:
        raise ConfigError(f"{what} {value!r}: one of {', '.join(known)}")
    return value


def primitives(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="One primitive in full.")] = "",
    tier: Annotated[str, typer.Option(help="S1 (privileged), S2, S3 or S4.")] = "",
    api: Annotated[
        str, typer.Option(help="API profile: capx, libero, robosuite, r1pro or yam.")
    ] = "",
    cell: Annotated[str, typer.Option(help="On which cell, by name or file.")] = "yam",
    as_json: JsonFlag = False,
) -> None:
    """The names a program may call: signature, units, frame, statuses, an example."""
    from aspire_tui.environment.primitives.reference import PROFILES, TIERS, entries
    from aspire_tui.environment.primitives.registry import embodiment_of

    if tier not in TIERS:
        raise ConfigError(f"--tier {tier}: expected S1, S2, S3 or S4")
    body = embodiment_of(cell_named(cell, Context.of(ctx).workspace)[1].info)
    api = api or ("r1pro" if body == "mobile" else "capx")
    if api not in PROFILES:
        raise ConfigError(f"--api {api}: {suggestion(api, PROFILES)}")
    rows = entries(api, tier, body)
    if name:
        names = [str(r["name"]) for r in rows]
        if name not in names:
            raise ConfigError(f"no primitive is called {name}; {suggestion(name, names)}")
        rows = [r for r in rows if r["name"] == name]
    if as_json:
        print_json({"api": api, "tier": tier, "cell": cell, "primitives": rows})
        return
    for r in rows:
        moves = "  [moves]" if r["moves"] else ""
        typer.echo(f"{r['group']:<11} {r['signature']}{moves}")
        if name:
            _in_full(r)


def _in_full(row: dict[str, Any]) -> None:
    """One primitive, whole."""
    typer.echo(f"\n{row['doc']}\n")
    for a in row["arguments"]:
        default = "" if a["required"] else f"  (default {a['default']!r})"
        typer.echo(f"  {a['name']}: {a['unit']}{default}")
    typer.echo(f"returns  {row['returns']}")
    if row["frame"]:
        typer.echo(f"frame    {row['frame']}")
    typer.echo(f"statuses {' '.join(row['statuses'])}")
    if row["example"]:
        typer.echo(f"example  {row['example']}")


def doctor(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """What this machine can do, and what would make it better."""
    from aspire_tui.doctor import examine

    report = examine(Context.of(ctx).workspace)
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        for line in report.lines():
            typer.echo(line)
    raise typer.Exit(Exit.PASS if report.healthy else Exit.FAULT)
