"""``cell setup``: from the box to a cell that works, step by step; it goes on where it was left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.jobs import cell_named
from aspire_tui.errors import ConfigError

if TYPE_CHECKING:
    from aspire_tui.commands.bringup import Bringup
    from aspire_tui.commands.setup_steps import Progress, StepName


def setup(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file; not with --board.")] = "",
    board: Annotated[
        Path | None, typer.Option(help="Only write the board to print, as .png or .svg.")
    ] = None,
    square_mm: Annotated[float, typer.Option(help="Side of a printed square, measured.")] = 24.0,
    step: Annotated[str, typer.Option(help="Do only this step, again if it was done.")] = "",
    views: Annotated[int, typer.Option(min=6, max=40, help="Per camera, to find its pose.")] = 12,
    show: Annotated[bool, typer.Option("--show", help="Only say which steps are done.")] = False,
) -> None:
    """Set a cell up: port, ids, joints, cameras, lenses, poses, zero, and a measured proof."""
    from aspire_tui.commands.bringup import Bringup, require_own
    from aspire_tui.commands.person import Person
    from drivers.cameras.calibration.board import BoardSpec, checked, write_sheet

    printed = checked(BoardSpec(square_m=square_mm * 1e-3, marker_m=0.75e-3 * square_mm))
    if board is not None:
        write_sheet(printed, board)
        width, height = (1e3 * (s + 2 * printed.margin_m) for s in printed.size_m)
        typer.echo(f"{board}: {width:g} × {height:g} mm; print at 100 %, then measure a square")
        return
    if not cell:
        raise ConfigError("which cell? aspire-tui cell setup CELL, or --board FILE")
    context = Context.of(ctx)
    path, file = cell_named(cell, context.workspace)
    if file.info.kind == "sim":
        raise ConfigError(
            f"{file.info.name} is a stand-in: its cameras and joints are what its file says; try "
            "aspire-tui cells new my-so101 --from so101-emulated"
        )
    bringup = Bringup(path, file, Person(), context.who(), printed, views)
    if show:
        _tell(bringup, _load(bringup))
        return
    require_own(path)
    _go_through(bringup, step)


def _go_through(bringup: Bringup, only: str) -> None:
    from aspire_tui.commands.setup_steps import STEPS, lacking, next_step

    progress = _load(bringup)
    if only:
        chosen = next((s for s in STEPS if s == only), None)
        if chosen is None:
            raise ConfigError(f"--step {only}: one of {', '.join(STEPS)}")
        missing = lacking(progress, chosen)
        if missing:
            raise ConfigError(f"--step {only} rests on {', '.join(missing)}, not done yet")
        _do(bringup, progress, chosen)
        return
    while (following := next_step(progress)) is not None:
        progress = _do(bringup, progress, following)
    _tell(bringup, progress)
    bringup.person.say(f"{bringup.cell.info.name} is set up")


def _do(bringup: Bringup, progress: Progress, step: StepName) -> Progress:
    from aspire_tui.commands.bringup import now_text
    from aspire_tui.commands.setup_steps import STEPS, WHAT, Done, finished

    bringup.person.say(f"{STEPS.index(step) + 1}/{len(STEPS)} {step}: {WHAT[step]}")
    note = _run(bringup, step)
    progress = finished(progress, step, Done(now_text(), bringup.who, note))
    kept = _kept_in(bringup)
    fresh = kept.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(progress), indent=2) + b"\n")
    fresh.replace(kept)
    bringup.person.say(f"   done: {note}")
    return progress


def _run(bringup: Bringup, step: StepName) -> str:
    from aspire_tui.commands import setup_bus, setup_cameras, setup_check, setup_poses
    from aspire_tui.commands.setup_bench import each_arm
    from aspire_tui.commands.setup_calibration import calibrate_joints

    match step:
        case "port":
            return each_arm(bringup, setup_bus.find_port)
        case "ids":
            return each_arm(bringup, setup_bus.set_ids)
        case "calibrate":
            return each_arm(bringup, calibrate_joints)
        case "cameras":
            return setup_cameras.name_cameras(bringup)
        case "intrinsics":
            return setup_cameras.measure_lenses(bringup)
        case "poses":
            return each_arm(bringup, setup_poses.measure_poses)
        case "zero":
            return each_arm(bringup, setup_check.check_zero)
        case "hover":
            return setup_check.hover(bringup)


def _kept_in(bringup: Bringup) -> Path:
    return bringup.path.resolve().with_name(f"{bringup.cell.info.name}.setup.json")


def _load(bringup: Bringup) -> Progress:
    """How far it is. Raises ConfigError for a damaged file."""
    from aspire_tui.commands.setup_steps import Progress

    kept = _kept_in(bringup)
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Progress)
    except FileNotFoundError:
        return Progress(bringup.cell.info.name)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{kept}: {error}; remove it to begin again") from None


def _tell(bringup: Bringup, progress: Progress) -> None:
    from aspire_tui.commands.setup_steps import STEPS, WHAT

    for step in STEPS:
        done = progress.done.get(step)
        said = f"{done.at}  {done.who}  {done.note}" if done else f"open: {WHAT[step]}"
        bringup.person.say(f"{step:10} {said}")
