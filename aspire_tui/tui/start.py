"""Opening a screen from the command line: live, replay, launcher."""

from __future__ import annotations

import getpass
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aspire_tui.tui.terminal import Colours, speaks_unicode, terminal_colours  # first: prepares

from aspire_tui.config import Workspace  # isort: skip
from aspire_tui.engine.client import EngineClient
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.acts import Departure
from aspire_tui.tui.app import Console
from aspire_tui.tui.at import moment_at
from aspire_tui.tui.attachment import Attachment
from aspire_tui.tui.cell_ports import CellStop
from aspire_tui.tui.launcher import Choice, Launcher
from aspire_tui.tui.source import SessionSource
from drivers.client import StateStream


def watch_live(session: Path, engine: EngineClient, *, ascii_only: bool) -> Departure:
    """The screen on a session that is being written; returns when the operator leaves."""
    cell = _attended_cell(session)
    stream = StateStream(cell) if cell else None
    stop = CellStop(cell) if cell else None
    colours, plain_ascii = _terminal(ascii_only)
    engine.console = secrets.token_hex(6)
    try:
        console = Console(
            SessionSource(session, live=True),
            engine,
            stop,
            mode="live",
            feed=stream,
            ascii=plain_ascii,
            colours=colours,
            who=engine.who,
            attachment=Attachment(os.environ),
        )
        return _run(console)
    finally:
        if stream is not None:
            stream.close()


def watch_replay(session: Path, at: str, *, ascii_only: bool) -> Departure:
    """The same screen on a recorded session.

    Raises:
        NoSuchMoment: ``at`` is no moment of it.
        SessionFileError: It cannot be read.
    """
    with SessionReader(session) as reader:
        seq = moment_at(reader, at)
    colours, plain_ascii = _terminal(ascii_only)
    source = SessionSource(session, live=False)
    return _run(
        Console(
            source, mode="replay", at=seq, ascii=plain_ascii, colours=colours, who=getpass.getuser()
        )
    )


def open_launcher(workspace: Workspace, who: str, *, ascii_only: bool) -> None:
    """The first screen, again and again until it is left."""
    while True:
        colours, plain_ascii = _terminal(ascii_only)
        launcher = Launcher(workspace, who, ascii=plain_ascii, colours=colours)
        choice = launcher.run(mouse=False)
        if not isinstance(choice, Choice):
            return
        _DO[choice.kind](choice, workspace, who, ascii_only)


def _attach(choice: Choice, _: Workspace, who: str, ascii_only: bool) -> None:
    assert choice.path is not None and choice.socket is not None
    watch_live(choice.path, EngineClient(choice.socket, who), ascii_only=ascii_only)


def _replay(choice: Choice, _: Workspace, __: str, ascii_only: bool) -> None:
    assert choice.path is not None
    watch_replay(choice.path, "", ascii_only=ascii_only)


def _start(choice: Choice, workspace: Workspace, _: str, ascii_only: bool) -> None:
    """A run is started by its own verb, in this terminal, as an operator would."""
    command = [sys.executable, "-m", "aspire_tui.cli", "--workspace", str(workspace.root)]
    command += ["--ascii"] if ascii_only else []
    subprocess.run([*command, "run", choice.name], check=False)
    sys.stdout.write("\nenter goes back to the launcher ")
    sys.stdout.flush()
    sys.stdin.readline()


_DO: dict[str, Callable[[Choice, Workspace, str, bool], None]] = {
    "attach": _attach,
    "replay": _replay,
    "run": _start,
}


def _attended_cell(session: Path) -> str:
    """The cell a session runs on; empty when it runs in workers only."""
    with SessionReader(session) as reader:
        view = reader.snapshot().session
    return view.spec.cell if view is not None and view.spec.attended else ""


def _terminal(ascii_only: bool) -> tuple[Colours, bool]:
    colours = terminal_colours(os.environ)
    return colours, ascii_only or not speaks_unicode(os.environ, sys.stdout.encoding)


def _run(console: Console) -> Departure:
    left = console.run(mouse=False)
    if console.return_code:
        sys.exit(console.return_code)
    return left if isinstance(left, Departure) else Departure("left", "")
