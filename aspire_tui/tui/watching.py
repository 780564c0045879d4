"""The screen on one session, live or recorded, until the operator leaves it."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from pathlib import Path

from aspire_tui.tui import terminal as terminal  # first: prepares Textual

from aspire_tui.config import Workspace  # isort: skip
from aspire_tui.engine.client import EngineClient
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.acts import Departure
from aspire_tui.tui.app import Console
from aspire_tui.tui.at import moment_at
from aspire_tui.tui.attachment import Attachment
from aspire_tui.tui.desk import Desk
from aspire_tui.tui.guide import Guide
from aspire_tui.tui.source import SessionSource
from aspire_tui.tui.verbs import run_here


def watch_live(
    session: Path,
    engine: EngineClient,
    *,
    ascii_only: bool,
    workspace: Workspace | None = None,
    guide: Guide | None = None,
) -> Departure:
    """The screen on a session that is being written; returns when the operator leaves."""
    from aspire_tui.tui.cell_ports import CellCameras, CellStop  # a replay has no cell to load
    from drivers.client import StateStream

    desk = Desk(workspace, ascii_only)
    wishes = desk.wishes()
    cell = _attended_cell(session)
    stream = StateStream(cell) if cell else None
    stop = CellStop(cell) if cell else None
    engine.console = secrets.token_hex(6)
    try:
        console = Console(
            SessionSource(session, live=True),
            engine,
            stop,
            mode="live",
            feed=stream,
            who=engine.who,
            attachment=Attachment(os.environ),
            guide=guide,
            eyes=CellCameras(cell) if cell else None,
            **wishes,
        )
        return _run(console, mouse=desk.settings.screen.mouse)
    finally:
        if stream is not None:
            stream.close()


def watch_replay(
    session: Path,
    at: str,
    *,
    ascii_only: bool,
    workspace: Workspace | None = None,
    guide: Guide | None = None,
) -> Departure:
    """The same screen on a recorded session.

    Raises:
        NoSuchMoment: ``at`` is no moment of it.
        SessionFileError: It cannot be read.
    """
    with SessionReader(session) as reader:
        seq = moment_at(reader, at)
    desk = Desk(workspace, ascii_only)
    source = SessionSource(session, live=False)
    console = Console(
        source, mode="replay", at=seq, who=getpass.getuser(), guide=guide, **desk.wishes()
    )
    left = _run(console, mouse=desk.settings.screen.mouse)
    if left.kind == "take":
        path, _, trial = left.text.rpartition(" ")
        run_here(workspace, ascii_only, "exec", "--from", path, "--trial", trial)
    return left


def _attended_cell(session: Path) -> str:
    """The cell a session runs on; empty when it runs in workers only."""
    with SessionReader(session) as reader:
        view = reader.snapshot().session
    return view.spec.cell if view is not None and view.spec.attended else ""


def _run(console: Console, *, mouse: bool) -> Departure:
    left = console.run(mouse=mouse)
    if console.return_code:
        sys.exit(console.return_code)
    return left if isinstance(left, Departure) else Departure("left", "")
