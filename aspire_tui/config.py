"""Where things are kept, and the operator's settings.

The workspace is ``--workspace``, else ``$ASPIRE_TUI_HOME``, else the checkout you stand in, else
the user data directory. What ships is read from this package's own checkout, or from the wheel.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import nearest, read_toml, suggestion

if TYPE_CHECKING:
    from drivers.cellfile import CellFile, find_cell, load_cell

__all__ = [
    "HOME_VARIABLE",
    "CellFile",
    "ConfigError",
    "Settings",
    "Workspace",
    "find_cell",
    "find_workspace",
    "load_cell",
    "load_settings",
    "nearest",
    "resolve_workspace",
    "suggestion",
]

HOME_VARIABLE = "ASPIRE_TUI_HOME"
DISTRIBUTION = "aspire-tui"
PACKAGE = Path(__file__).resolve().parent

Source = Literal["--workspace", "$ASPIRE_TUI_HOME", "checkout", "user data directory"]


def __getattr__(name: str) -> object:
    """The cell-file schema of the drivers, which brings numpy: loaded when asked for."""
    if name in ("CellFile", "find_cell", "load_cell"):
        from drivers import cellfile

        return getattr(cellfile, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Workspace:
    """One folder for what an operator keeps, above the folder of what ships.

    The ``*_folders`` are search orders: the workspace's own first, then what ships, which is never
    written to.
    """

    root: Path
    source: Source
    shipped: Path
    """Folder with ``skills`` and ``sessions`` that ship."""

    @property
    def sessions(self) -> Path:
        """Where new sessions are written."""
        return self.root / "sessions"

    @property
    def skills(self) -> Path:
        """Where admitted skills are written."""
        return self.root / "skills"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.toml"

    def session_folders(self) -> tuple[Path, ...]:
        return _distinct(self.sessions, self.shipped / "sessions")

    def skill_folders(self) -> tuple[Path, ...]:
        return _distinct(self.skills, self.shipped / "skills")

    def cell_folders(self) -> tuple[Path, ...]:
        return _distinct(self.root / "cells", PACKAGE.parent / "drivers" / "cells")

    def task_folders(self) -> tuple[Path, ...]:
        return _distinct(self.root / "tasks", PACKAGE / "environment" / "tasks")

    def prepare(self) -> None:
        """Make the folders that will be written to.

        Raises:
            ConfigError: The workspace cannot be written.
        """
        try:
            self.sessions.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"workspace {self.root} ({self.source}) cannot be written: {error.strerror}; "
                f"choose another with --workspace or {HOME_VARIABLE}"
            ) from None


def _distinct(*folders: Path) -> tuple[Path, ...]:
    """Each folder once, in order: in a checkout the workspace's own is also what ships."""
    return tuple(dict.fromkeys(folders))


def find_workspace(given: Path | None = None) -> Workspace:
    """The workspace of this process."""
    return resolve_workspace(
        given,
        environment=os.environ,
        standing_in=Path.cwd(),
        user_data=platformdirs.user_data_path(DISTRIBUTION, appauthor=False),
        package=PACKAGE,
    )


def resolve_workspace(
    given: Path | None,
    *,
    environment: Mapping[str, str],
    standing_in: Path,
    user_data: Path,
    package: Path,
) -> Workspace:
    """Choose the workspace; creates nothing.

    Args:
        given: What ``--workspace`` said.
        package: Folder of the installed ``aspire_tui`` package.

    Raises:
        ConfigError: A named workspace is a file, or its parent folder does not exist.
    """
    shipped = package / "shipped"
    if is_checkout(package.parent):
        shipped = package.parent
    if given is not None:
        return Workspace(_named(given, standing_in, "--workspace"), "--workspace", shipped)
    variable = environment.get(HOME_VARIABLE, "")
    if variable:
        root = _named(Path(variable), standing_in, f"${HOME_VARIABLE}")
        return Workspace(root, "$ASPIRE_TUI_HOME", shipped)
    for folder in (standing_in, *standing_in.parents):
        if is_checkout(folder):
            return Workspace(folder, "checkout", shipped)
    return Workspace(user_data, "user data directory", shipped)


def is_checkout(folder: Path) -> bool:
    """Whether this folder is a source checkout of this project."""
    project = folder / "pyproject.toml"
    if not (folder / "aspire_tui" / "__init__.py").is_file() or not project.is_file():
        return False
    try:
        data = tomllib.loads(project.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    table = data.get("project")
    return isinstance(table, dict) and table.get("name") == DISTRIBUTION


def _named(path: Path, standing_in: Path, who: str) -> Path:
    root = standing_in / path.expanduser()
    if root.is_dir():
        return root.resolve()
    if root.exists():
        raise ConfigError(f"{who}: {root} is not a folder")
    if not root.parent.is_dir():
        raise ConfigError(f"{who}: {root} cannot be made: {root.parent} does not exist")
    return root.resolve()


class OperatorSettings(Struct, frozen=True):
    """Who acts: bench accounts are shared, so a name travels with every act."""

    name: str = ""


class RunSettings(Struct, frozen=True):
    """What ``run`` and ``exec`` take when the command line does not say."""

    cell: str = "yam"
    agent: str = "rules"
    model: str = ""
    workers: int = 2
    video_fps: float = 5.0


class ScreenSettings(Struct, frozen=True):
    theme: str = ""
    ascii: bool = False
    plain: bool = False
    mouse: bool = False
    """Off: over SSH every movement of a mouse is bytes, and tmux has its own use for it."""
    pictures: str = "cells"
    """``cells`` everywhere; ``kitty`` or ``sixel`` where the terminal has that."""
    picture_kB_s: float = 8.0
    """Most that pictures of a live camera may cost on the link."""


class CallSettings(Struct, frozen=True):
    """Who is called when a person is wanted and no screen is looked at."""

    on_event: str = ""
    """A shell command; see :mod:`aspire_tui.engine.callout` for what it is told."""


class SessionSettings(Struct, frozen=True):
    """How long and how much is kept. ``sessions prune`` removes; nothing goes by itself."""

    keep_days: float = 90.0
    quota_gb: float = 20.0
    """All sessions of the workspace; over it no trial starts."""
    least_free_gb: float = 0.5
    """Of the disk; below it no trial starts."""


class Settings(Struct, frozen=True):
    """``settings.toml`` of a workspace. Every key is optional; unknown keys are errors."""

    operator: OperatorSettings = OperatorSettings()
    run: RunSettings = RunSettings()
    screen: ScreenSettings = ScreenSettings()
    sessions: SessionSettings = SessionSettings()
    calls: CallSettings = CallSettings()
    keys: dict[str, list[str]] = {}
    """Keys of acts of the console, by act: ``zoom = ["Z"]``."""


def load_settings(workspace: Workspace) -> Settings:
    """The settings of a workspace, defaults when it has no file.

    Raises:
        ConfigError: Names the file, the key and the nearest known key.
    """
    path = workspace.settings_file
    return read_toml(path, Settings) if path.exists() else Settings()
