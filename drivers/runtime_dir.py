"""Where sockets, locks and journals live while things run: one private folder per user.

``$XDG_RUNTIME_DIR`` when it is ours, else a short folder under the system's temp directory. Unix
socket paths end at 107 bytes, so names stay short.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

MAX_SOCKET_PATH: Final = 107


class RuntimeDirError(OSError):
    """The runtime folder cannot be used: whoever set the machine up must mend it."""


def runtime_dir(base: Path | None = None) -> Path:
    """The private folder (0700), made when missing.

    Args:
        base: Folder to put it in, instead of the user's own.

    Raises:
        RuntimeDirError: It belongs to somebody else or others may look into it.
    """
    folder = (base / "aspire") if base is not None else _of_user()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise RuntimeDirError(f"{folder}: {error.strerror}; cannot keep sockets there") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise RuntimeDirError(f"{folder} is not a folder of ours; remove it")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def _of_user() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir() and Path(given).stat().st_uid == os.getuid():
        return Path(given) / "aspire"
    # Deferred: HOLD as a process of its own must not pay for it where it is not needed.
    import tempfile

    return Path(tempfile.gettempdir()) / f"aspire-{os.getuid()}"


class CellPaths(NamedTuple):
    """Files of one running cell host."""

    folder: Path

    @property
    def ctl(self) -> Path:
        return self.folder / "ctl"

    @property
    def stop(self) -> Path:
        return self.folder / "stop"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def frames(self) -> Path:
        """Requests for pictures, served by the camera process."""
        return self.folder / "frames"

    @property
    def world(self) -> Path:
        """Published copies of a simulated world, for the camera process only."""
        return self.folder / "world"

    @property
    def sim(self) -> Path:
        """The stand-in's own socket: reset, truth, pace. Absent on hardware."""
        return self.folder / "sim"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def log(self) -> Path:
        return self.folder / "log"


def cell_paths(name: str, runtime: Path | None = None) -> CellPaths:
    """The files of a cell by name, or of the folder itself when a path is given.

    Raises:
        RuntimeDirError: A socket path there would be too long.
    """
    folder = Path(name) if "/" in name else (runtime or runtime_dir()) / f"cell-{name}"
    paths = CellPaths(folder)
    longest = max(len(os.fsencode(p)) for p in (paths.frames, paths.state, paths.world))
    if longest > MAX_SOCKET_PATH:
        raise RuntimeDirError(
            f"{folder}: socket paths there would be {longest} bytes, at most {MAX_SOCKET_PATH}; "
            "use a shorter XDG_RUNTIME_DIR"
        )
    return paths


def running_cells(runtime: Path | None = None) -> list[str]:
    """Names of cells that have a folder with a control socket, where a host may have died, or with
    a note that they are on another machine."""
    folder = runtime or runtime_dir()
    found = {p.parent for end in ("ctl", "remote.json") for p in folder.glob(f"cell-*/{end}")}
    return sorted(p.name.removeprefix("cell-") for p in found)
