"""``cell fault``: make something go wrong in an emulated cell, while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from aspire_tui.commands.context import JsonFlag, print_json
from aspire_tui.errors import ConfigError
from drivers.runtime_dir import cell_paths


class FaultCommand(TyperCommand):
    """Its help ends with the list of faults, which is not looked up before somebody asks."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Faults (KEY=VALUE shows what is taken unless given)"):
            formatter.write_dl(_rows())


def fault(
    cell: Annotated[str, typer.Argument(help="Emulated cell by name; it must be running.")],
    name: Annotated[str, typer.Argument(help="Which fault; without one they are listed.")] = "",
    given: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="e.g. servo=3 count=20; servo 1 is the base"),
    ] = None,
    goals: Annotated[
        bool, typer.Option("--goals", help="Show the register log: every goal, per servo.")
    ] = False,
    state: Annotated[bool, typer.Option("--state", help="Show servos, port and supply.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Inject a fault into a running emulated cell: as bytes, registers or physics."""
    if not name and not goals and not state:
        _list(as_json)
        return
    from drivers.emu.fault_socket import NAME, FaultClient

    args = _arguments(given or [])
    with FaultClient(cell_paths(cell).folder / NAME) as emulator:
        if goals or state:
            asked = emulator.ask(do="goals" if goals else "state")
            asked.pop("ok")
            print_json(asked) if as_json else _tell(asked["arms"], goals)
            return
        done = emulator.inject(name, **args)
    if as_json:
        print_json({"cell": cell, "fault": name, "args": args, "done": done})
    else:
        typer.echo(f"{cell}: {done}")


def _arguments(given: Sequence[str]) -> dict[str, str]:
    args = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"{word!r}: expected KEY=VALUE, e.g. servo=3")
        args[key] = value
    return args


def _list(as_json: bool) -> None:
    from drivers.emu.faults import listing

    if as_json:
        print_json({"faults": listing()})
        return
    rows = _rows()
    width = max(len(left) for left, _ in rows)
    for left, right in rows:
        typer.echo(f"{left:<{width}}  {right}")


def _rows() -> list[tuple[str, str]]:
    from drivers.emu.faults import listing

    rows = []
    for entry in listing():
        words = [
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in entry["takes"].items()
        ]
        servo = ["servo=…"] if entry["servo"] else []
        rows.append((" ".join([entry["name"], *servo, *words]), entry["text"]))
    return rows


def _tell(arms: dict[str, Any], goals: bool) -> None:
    for arm, told in arms.items():
        if goals:
            typer.echo(f"{arm}: goals written to each servo, in ticks")
            for servo, count in told["servos"].items():
                low, high = count["allowed"]
                typer.echo(
                    f"  id {servo}: {count['goals']} goals, {count['lowest']} to "
                    f"{count['highest']}; {count['outside']} outside {low} to {high}"
                )
            continue
        typer.echo(f"{arm}: {told['port']} at {told['baud']} bit/s, {told['volts']} V")
        for servo in told["servos"]:
            typer.echo(
                f"  id {servo['id']}: at {servo['present']:.0f}, torque {servo['torque']}, "
                f"{servo['load_Nm']:+.2f} N m, {servo['celsius']:.0f} °C, status {servo['status']}"
            )
