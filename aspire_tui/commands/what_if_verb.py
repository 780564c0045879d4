"""``what-if``: a recorded perception call again, on its own pictures, asked differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.session_verbs import find_session
from aspire_tui.errors import ConfigError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import CallDetail, KeyframeRow


def what_if(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session name or file.")],
    trial: Annotated[int, typer.Option("--trial", help="Number of the trial.")],
    call: Annotated[int, typer.Option("--call", help="Number of a call that looked.")],
    prompt: Annotated[str, typer.Option("--prompt", help="What to look for instead.")] = "",
    point: Annotated[str, typer.Option("--point", help="A pixel instead: X,Y.")] = "",
    threshold: Annotated[float, typer.Option("--threshold", help="Least score, 0 to 1.")] = 0.0,
    camera: Annotated[str, typer.Option("--camera", help="One of the stored pictures.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the overlay goes (JPEG).")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look again at what a call saw. Nothing moves and nothing is recorded."""
    from aspire_tui.environment.evidence import encode_rgb_jpeg
    from aspire_tui.environment.what_if import CannotLook, Change, look_again, view_of

    with SessionReader(find_session(session, Context.of(ctx).workspace)) as reader:
        detail = reader.call(trial, call)
        if detail is None:
            raise ConfigError(f"{session}: no call {call} in trial {trial}")
        rows = [r for r in reader.keyframes(trial, call) if camera in ("", r.keyframe.camera)]
        asked = Change(prompt or prompt_of(detail), _pixel(point), threshold)
        try:
            views = [
                view_of(
                    row.keyframe,
                    _bytes(reader, row, row.keyframe.rgb.sha256),
                    _bytes(reader, row, row.keyframe.depth.sha256) if row.keyframe.depth else None,
                )
                for row in rows
            ]
            seen = look_again(detail.intent.primitive, views, asked, _table_z_m(reader))
        except CannotLook as error:
            raise ConfigError(f"call {call} of trial {trial}: {error}") from None
    if out is not None:
        out.write_bytes(encode_rgb_jpeg(seen.overlay))
    if as_json:
        before = detail.result
        print_json(
            {
                "primitive": detail.intent.primitive,
                "prompt": asked.prompt,
                "status": seen.status,
                "summary": seen.summary,
                "notes": list(seen.notes),
                "camera": seen.camera,
                "overlay": str(out) if out else "",
                "before": {
                    "prompt": prompt_of(detail),
                    "status": before.status if before else None,
                    "summary": before.summary if before else "",
                },
            }
        )
        return
    typer.echo(f"was  {detail.result.status if detail.result else 'unknown'}  {_was(detail)}")
    typer.echo(f"now  {seen.status}  {seen.summary}")
    for note in seen.notes:
        typer.echo(f"     {note}")


def prompt_of(detail: CallDetail) -> str:
    """What a call looked for: its first text that is neither a picture nor a camera."""
    for name, value in detail.intent.args.items():
        if name != "camera" and isinstance(value, str) and not value.startswith("<"):
            return value
    return ""


def _was(detail: CallDetail) -> str:
    return detail.result.summary if detail.result is not None else ""


def _pixel(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--point {text}: expected X,Y in pixels, like 120,88") from None
    return x, y


def _bytes(reader: SessionReader, row: KeyframeRow, sha256: str) -> bytes:
    data = reader.blob(sha256)
    if data is None:
        raise ConfigError(f"the picture of {row.keyframe.camera} was pruned from this session")
    return data


def _table_z_m(reader: SessionReader) -> float | None:
    """The height of the table as the session knows it; None where it does not say."""
    view = reader.snapshot().session
    cell: Any = view.cell if view is not None else {}
    workspace = cell.get("workspace", {}) if isinstance(cell, dict) else {}
    found = workspace.get("table_z_m") if isinstance(workspace, dict) else None
    return float(found) if isinstance(found, int | float) else None
