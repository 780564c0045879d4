"""The first screen, and where it leads."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aspire_tui.tui import terminal as terminal  # first: prepares Textual

from aspire_tui.config import ConfigError, Workspace  # isort: skip
from aspire_tui.engine.client import EngineClient, running_engines
from aspire_tui.tui.desk import Desk, terminal_of
from aspire_tui.tui.launcher import Choice, Launcher
from aspire_tui.tui.verbs import in_workspace, run_here
from drivers.runtime_dir import runtime_dir

GUIDED_CELL: Final = "yam"
"""The stand-in that ships: a guided session never moves a real arm."""


def open_launcher(workspace: Workspace, who: str, *, ascii_only: bool) -> None:
    """The first screen, again and again until it is left."""
    desk = Desk(workspace, ascii_only)
    while True:
        theme, plain, trouble = None, ascii_only, ""
        try:
            theme, plain = desk.theme(), ascii_only or desk.settings.screen.ascii
        except ConfigError as error:  # cells are still to be seen, and HOLD to be had
            trouble = str(error)
        colours, plain_ascii = terminal_of(plain)
        launcher = Launcher(
            workspace, who, ascii=plain_ascii, colours=colours, theme=theme, trouble=trouble
        )
        choice = launcher.run(mouse=False)
        if not isinstance(choice, Choice):
            return
        _DO[choice.kind](choice, workspace, who, ascii_only)


def _attach(choice: Choice, workspace: Workspace, who: str, ascii_only: bool) -> None:
    from aspire_tui.tui.watching import watch_live  # the launcher stands before this is loaded

    assert choice.path is not None and choice.socket is not None
    client = EngineClient(choice.socket, who)
    watch_live(choice.path, client, ascii_only=ascii_only, workspace=workspace)


def _replay(choice: Choice, workspace: Workspace, _: str, ascii_only: bool) -> None:
    from aspire_tui.tui.watching import watch_replay

    assert choice.path is not None
    watch_replay(choice.path, "", ascii_only=ascii_only, workspace=workspace)


def _start(choice: Choice, workspace: Workspace, _: str, ascii_only: bool) -> None:
    """A run is started by its own verb, in this terminal, as an operator would."""
    run_here(workspace, ascii_only, "run", choice.name)
    _wait_for_enter()


def _guided(choice: Choice, workspace: Workspace, who: str, ascii_only: bool) -> None:
    """A run on the stand-in with somebody who says what to press, then its replay."""
    from aspire_tui.tui.guide import LIVE, REPLAY, Guide
    from aspire_tui.tui.watching import watch_live, watch_replay

    sys.stdout.write("starting a run on the stand-in; this takes some seconds …\n")
    sys.stdout.flush()
    known = set(running_engines(runtime_dir(), who))
    command = [sys.executable, "-m", "aspire_tui.cli", *in_workspace(workspace.root)]
    command += ["run", choice.name, "--agent", "rules", "--cell", GUIDED_CELL]
    with tempfile.TemporaryFile() as said:
        run = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        started = _engine_of(run, known, who)
        if started is None:
            said.seek(0)
            sys.stdout.write(said.read().decode("utf-8", "replace"))
            _wait_for_enter()
            return
        session, sock = started
        client = EngineClient(sock, who)
        watch_live(session, client, ascii_only=ascii_only, workspace=workspace, guide=Guide(LIVE))
        watch_replay(session, "", ascii_only=ascii_only, workspace=workspace, guide=Guide(REPLAY))


def _engine_of(
    run: subprocess.Popen[bytes], known: set[Path], who: str
) -> tuple[Path, Path] | None:
    """The session and socket of the engine that a command starts; None when it ends without."""
    while run.poll() is None:
        fresh = {p: s for p, s in running_engines(runtime_dir(), who).items() if p not in known}
        if fresh:
            return next(iter(fresh.items()))
        time.sleep(0.1)
    return None


def _wait_for_enter() -> None:
    sys.stdout.write("\nenter goes back to the launcher ")
    sys.stdout.flush()
    sys.stdin.readline()


_DO: dict[str, Callable[[Choice, Workspace, str, bool], None]] = {
    "attach": _attach,
    "replay": _replay,
    "run": _start,
    "guide": _guided,
}
