"""What an operator can choose from: running engines, cells, tasks, recorded sessions."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from aspire_tui.config import Workspace
from aspire_tui.engine.client import running_engines
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from drivers.errors import CellFileError
from drivers.runtime_dir import running_cells, runtime_dir

SESSIONS_LISTED: Final = 40
RUN_HERE: Final = r"\d{8}-\d{6}-"
"""How a session is named that a run of this machine wrote."""
CELL_ANSWERS_S: Final = 0.3

_Stamp = tuple[tuple[int, int], ...]

Kind = Literal["attach", "run", "replay", "cell"]


@dataclass(frozen=True)
class Item:
    """One row of the launcher.

    Attributes:
        kind: What choosing it does; a ``cell`` is only looked at.
        name: Its name.
        state: One word: PASS, running, HOLD …
        about: One line.
        path: The session file, where it is one.
        socket: The engine's socket, where one runs.
    """

    kind: Kind
    name: str
    state: str = ""
    about: str = ""
    path: Path | None = None
    socket: Path | None = None


@dataclass(frozen=True)
class Inventory:
    """Everything at one moment."""

    engines: tuple[Item, ...] = ()
    cells: tuple[Item, ...] = ()
    tasks: tuple[Item, ...] = ()
    sessions: tuple[Item, ...] = ()
    newcomer: bool = False
    """No session was ever run here: those that are listed came with the program."""


class Surroundings:
    """Looks at everything, again and again: a session that did not change is read once."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[_Stamp, Item]] = {}

    def look(self, workspace: Workspace, who: str) -> Iterator[Inventory]:
        """What there is; sessions that take reading are named first. Not for the UI thread."""
        engines = running_engines(runtime_dir(), who)
        recent = _recent(workspace.session_folders())
        recorded = [path for path in recent if path not in {p.resolve() for p in engines}]
        found = Inventory(
            engines=tuple(
                Item("attach", path.stem, "running", _about(path), path, socket)
                for path, socket in engines.items()
            ),
            cells=tuple(_cell(name) for name in _names(workspace.cell_folders())),
            tasks=tuple(_task(path) for path in _files(workspace.task_folders())),
            sessions=tuple(self._known(path) for path in recorded),
            newcomer=not any(re.match(RUN_HERE, path.stem) for path in recent),
        )
        yield found
        sessions = tuple(self._session(path) for path in recorded)
        if sessions != found.sessions:
            yield replace(found, sessions=sessions)

    def _known(self, path: Path) -> Item:
        known = self._read.get(path)
        return known[1] if known is not None else Item("replay", path.stem, "", "…", path)

    def _session(self, path: Path) -> Item:
        stamp = _stamp(path)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            known = stamp, _session(path)
            self._read[path] = known
        return known[1]


def _stamp(path: Path) -> _Stamp:
    """Changes with every commit, also with one that is only in the log beside the file."""
    found = []
    for file in (path, path.with_name(path.name + "-wal")):
        with contextlib.suppress(OSError):
            at = file.stat()
            found.append((at.st_mtime_ns, at.st_size))
    return tuple(found)


def _files(folders: tuple[Path, ...]) -> list[Path]:
    """Each name once: an operator's own file hides the shipped one."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return [found[name] for name in sorted(found)]


def _names(folders: tuple[Path, ...]) -> list[str]:
    return sorted({path.stem for path in _files(folders)} | set(running_cells()))


def _cell(name: str) -> Item:
    if name not in running_cells():
        return Item("cell", name, "not running", "its host starts with the first run")
    from drivers.client import StateStream  # only where a cell runs is it waited for

    try:
        stream = StateStream(name)
    except CellFileError as error:  # It is on another machine and its keys are gone from here.
        return Item("cell", name, "broken", str(error))
    try:
        seen = stream.wait(CELL_ANSWERS_S)
    finally:
        stream.close()
    if seen is None:
        return Item("cell", name, "silent", "its host left a socket behind and does not answer")
    status = seen.status
    return Item("cell", name, status.state, f"{status.cause}, e-stop {status.estop}")


def _task(path: Path) -> Item:
    try:
        about = str(tomllib.loads(path.read_text()).get("instruction", ""))
    except (OSError, ValueError, RecursionError) as error:
        return Item("run", path.stem, "broken", str(error))
    return Item("run", path.stem, "", about)


def _recent(folders: tuple[Path, ...]) -> list[Path]:
    paths = {path.resolve() for folder in folders for path in folder.glob("*.db")}
    newest = sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)
    return newest[:SESSIONS_LISTED]


def _session(path: Path) -> Item:
    try:
        with SessionReader(path) as reader:
            snapshot = reader.snapshot()
    except SessionFileError as error:
        return Item("replay", path.stem, "damaged", error.what, path)
    ended = snapshot.ended
    state = (ended.outcome or ended.stopped_by) if ended else "unfinished"
    spec = snapshot.session.spec if snapshot.session else None
    what = f"{spec.verb} {' '.join(spec.tasks)}" if spec else "empty"
    why = ended.reason if ended else "no end was recorded"
    about = f"{what}, {snapshot.trials_closed} trials: {why}"
    return Item("replay", path.stem, state, about, path)


def _about(path: Path) -> str:
    try:
        with SessionReader(path) as reader:
            snapshot = reader.snapshot()
    except SessionFileError as error:
        return error.what
    spec = snapshot.session.spec if snapshot.session else None
    what = f"{spec.verb} {' '.join(spec.tasks)} on {spec.cell}" if spec else "starting"
    return f"{what}, {snapshot.trials_closed} trials so far"
