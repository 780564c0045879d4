"""``tasks recall``: the start of a recorded trial as a task whose reset asks for it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.follow import to_stderr
from aspire_tui.commands.jobs import cell_named, session_named
from aspire_tui.commands.list_verbs import tasks_app
from aspire_tui.commands.recorded import SEEN_SETS, recorded_trial
from aspire_tui.domain import Keyframe
from aspire_tui.environment.evidence import decode_depth_png, decode_rgb_png
from aspire_tui.environment.new_task import NAME, to_toml
from aspire_tui.environment.perception.picture import StillPicture
from aspire_tui.environment.recall import NotRecalled, recalled_in, recalling
from aspire_tui.environment.task_file import load_task, task_names
from aspire_tui.environment.task_fit import fit
from aspire_tui.errors import ConfigError
from aspire_tui.events import ResetReported
from aspire_tui.session.reader import SessionReader


@tasks_app.command("recall")
def recall_task(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name or file.")],
    trial: Annotated[int, typer.Argument(min=1, help="Which trial's start.")],
    name: Annotated[str, typer.Argument(help="What the task is to be called.")],
    as_json: JsonFlag = False,
) -> None:
    """Ask for the start of a recorded trial again: places as its cameras saw them.

    The reset of the new task tells a person what to move and by how much, and records what is left.
    """
    context = Context.of(ctx)
    if not NAME.fullmatch(name):
        raise ConfigError(f"name {name!r}: small letters, digits and _, such as stack_again")
    if name in task_names(context.workspace.task_folders()):
        raise ConfigError(f"a task is called {name!r} already; choose another name")
    path = session_named(session, context.workspace)
    past = recorded_trial(path, trial, context.workspace, to_stderr)
    if past.seed_set not in SEEN_SETS:
        raise ConfigError(f"{past.label} ran on a {past.seed_set} seed: its scene is not shown")
    info = cell_named(past.cell, context.workspace)[1].info
    table_z_m = info.workspace.table_z_m
    try:
        places = recalled_in(
            _picture(session, path, trial), fit(past.task, info.task_area), table_z_m
        )
    except NotRecalled as missing:
        raise ConfigError(f"{past.label}: {missing}") from None
    made = recalling(past.task, name, places, past.label)
    folder = context.workspace.task_folders()[0]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(to_toml(made), encoding="utf-8")
    load_task(file)
    if as_json:
        print_json({"task": name, "path": str(file), "recalled": msgspec.to_builtins(places)})
        return
    typer.echo(f"{file}: the start of {past.label}, set by a person and proved by the cameras")
    for place in places:
        x, y, _ = place.xyz_m
        turn = np.rad2deg(place.yaw_rad)
        typer.echo(f"  {place.name} at ({x:.3f}, {y:.3f}) m, {turn:.0f}°")


def _picture(session: str, path: Path, trial: int) -> StillPicture:
    """What the camera that judges first saw when the reset was verified."""
    with SessionReader(path) as reader:
        verified = [
            r.event.verdict
            for r in reader.events(kinds=("reset",))
            if isinstance(r.event, ResetReported) and r.event.trial == trial
        ]
        ready = [v for v in verified if v.outcome == "ok" and v.keyframes]
        if not ready:
            raise ConfigError(
                f"{session} trial {trial}: no verified start with its picture is kept"
            )
        frame: Keyframe = ready[-1].keyframes[0]
        rgb = reader.blob(frame.rgb.sha256)
        depth = None if frame.depth is None else reader.blob(frame.depth.sha256)
    if rgb is None:
        raise ConfigError(f"{session} trial {trial}: the picture of its start was pruned")
    picture = decode_rgb_png(rgb)
    metres = np.zeros(picture.shape[:2], np.float32)
    if depth is not None:
        metres = decode_depth_png(depth).astype(np.float32) * np.float32(frame.depth_unit_m)
    K, T = np.asarray(frame.K, float), np.asarray(frame.T_base_cam, float)
    return StillPicture(frame.camera, picture, metres, K, T)
