"""Opening a screen from the command line: live, replay, launcher."""

from __future__ import annotations

import getpass
import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aspire_tui.tui.terminal import Colours, speaks_unicode, terminal_colours  # first: prepares

from aspire_tui.config import ConfigError, Settings, Workspace, load_settings, suggestion  # isort: skip
from aspire_tui.engine.client import EngineClient, running_engines
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.acts import Departure
from aspire_tui.tui.app import Console
from aspire_tui.tui.at import moment_at
from aspire_tui.tui.attachment import Attachment
from aspire_tui.tui.cell_ports import CellCameras, CellStop
from aspire_tui.tui.editing import editor_of
from aspire_tui.tui.guide import LIVE, REPLAY, Guide
from aspire_tui.tui.keymap import key_map
from aspire_tui.tui.launcher import Choice, Launcher
from aspire_tui.tui.remembered import Remembered
from aspire_tui.tui.source import SessionSource
from aspire_tui.tui.themes import ThemeName
from aspire_tui.tui.verbs import in_workspace
from drivers.client import StateStream
from drivers.runtime_dir import runtime_dir

THEMES: Final[tuple[ThemeName, ...]] = ("dark", "light", "contrast", "ansi", "mono")


PICTURES: Final = ("cells", "kitty")
GUIDED_CELL: Final = "yam"
"""The stand-in that ships: a guided session never moves a real arm."""


@dataclass(frozen=True)
class Desk:
    """The terminal one sits at, and how its operator wants things."""

    workspace: Workspace | None
    ascii_only: bool

    @property
    def settings(self) -> Settings:
        return load_settings(self.workspace) if self.workspace is not None else Settings()

    def wishes(self) -> dict[str, Any]:
        """What every console is told, whatever it shows.

        Raises:
            ConfigError: The settings name an unknown theme, or keys that conflict.
        """
        settings, root = self.settings, self.workspace.root if self.workspace else None
        colours, plain_ascii = _terminal(self.ascii_only or settings.screen.ascii)
        memory = root / "screen.json" if root is not None else None
        asked = settings.screen.theme
        if asked and asked not in THEMES:
            raise ConfigError(f"[screen] theme = {asked!r}; {suggestion(asked, THEMES)}")
        pictures = settings.screen.pictures
        if pictures not in PICTURES:
            raise ConfigError(f"[screen] pictures = {pictures!r}; {suggestion(pictures, PICTURES)}")
        if pictures == "kitty" and importlib.util.find_spec("textual_image") is None:
            raise ConfigError("[screen] pictures = 'kitty' needs: pip install 'aspire-tui[images]'")
        left = Remembered(memory).read().theme_name()
        return {
            "ascii": plain_ascii,
            "colours": colours,
            "theme": next((t for t in THEMES if t == asked), left),
            "keys": key_map(settings.keys),
            "keeps": root / "bookmarks" if root is not None else None,
            "remembered": memory,
            "editor": editor_of(os.environ),
            "kitty": pictures == "kitty" and not plain_ascii,
            "in_tmux": bool(os.environ.get("TMUX")),
            "picture_B_s": 1e3 * max(0.5, settings.screen.picture_kB_s),
        }


def watch_live(
    session: Path,
    engine: EngineClient,
    *,
    ascii_only: bool,
    workspace: Workspace | None = None,
    guide: Guide | None = None,
) -> Departure:
    """The screen on a session that is being written; returns when the operator leaves."""
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
        _verb(workspace, ascii_only, "exec", "--from", path, "--trial", trial)
    return left


def open_launcher(workspace: Workspace, who: str, *, ascii_only: bool) -> None:
    """The first screen, again and again until it is left."""
    while True:
        colours, plain_ascii = _terminal(ascii_only)
        launcher = Launcher(workspace, who, ascii=plain_ascii, colours=colours)
        choice = launcher.run(mouse=False)
        if not isinstance(choice, Choice):
            return
        _DO[choice.kind](choice, workspace, who, ascii_only)


def _attach(choice: Choice, workspace: Workspace, who: str, ascii_only: bool) -> None:
    assert choice.path is not None and choice.socket is not None
    client = EngineClient(choice.socket, who)
    watch_live(choice.path, client, ascii_only=ascii_only, workspace=workspace)


def _replay(choice: Choice, workspace: Workspace, _: str, ascii_only: bool) -> None:
    assert choice.path is not None
    watch_replay(choice.path, "", ascii_only=ascii_only, workspace=workspace)


def _start(choice: Choice, workspace: Workspace, _: str, ascii_only: bool) -> None:
    """A run is started by its own verb, in this terminal, as an operator would."""
    _verb(workspace, ascii_only, "run", choice.name)
    _wait_for_enter()


def _guided(choice: Choice, workspace: Workspace, who: str, ascii_only: bool) -> None:
    """A run on the stand-in with somebody who says what to press, then its replay."""
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


def _verb(workspace: Workspace | None, ascii_only: bool, *arguments: str) -> None:
    """A verb of the command line, in this terminal."""
    command = [sys.executable, "-m", "aspire_tui.cli"]
    command += in_workspace(workspace.root if workspace is not None else None)
    command += ["--ascii"] if ascii_only else []
    subprocess.run([*command, *arguments], check=False)


_DO: dict[str, Callable[[Choice, Workspace, str, bool], None]] = {
    "attach": _attach,
    "replay": _replay,
    "run": _start,
    "guide": _guided,
}


def _attended_cell(session: Path) -> str:
    """The cell a session runs on; empty when it runs in workers only."""
    with SessionReader(session) as reader:
        view = reader.snapshot().session
    return view.spec.cell if view is not None and view.spec.attended else ""


def _terminal(ascii_only: bool) -> tuple[Colours, bool]:
    colours = terminal_colours(os.environ)
    return colours, ascii_only or not speaks_unicode(os.environ, sys.stdout.encoding)


def _run(console: Console, *, mouse: bool) -> Departure:
    left = console.run(mouse=mouse)
    if console.return_code:
        sys.exit(console.return_code)
    return left if isinstance(left, Departure) else Departure("left", "")
