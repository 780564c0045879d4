"""Starting a cell host, and finding the one that runs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import CellFault, CellFileError
from drivers.hostlock import Holder, holder_of
from drivers.runtime_dir import CellPaths, cell_paths, runtime_dir


@dataclass(frozen=True)
class RunningHost:
    """A host that serves a cell. ``adopted``: it found the world of an earlier host."""

    name: str
    pid: int
    paths: CellPaths
    adopted: bool
    started: bool
    """Whether this call started it."""


def running_host(name: str, runtime: Path | None = None) -> Holder | None:
    """Who serves a cell of this name now; None when nobody does."""
    return holder_of(cell_paths(name, runtime).lock)


def ensure_host(
    cell_file: Path,
    name: str,
    who: str,
    runtime: Path | None = None,
    *,
    noise: bool = True,
    speed: float | None = None,
    idle_exit_s: float | None = None,
    timeout_s: float = 30.0,
) -> RunningHost:
    """The host serving ``name``: the one that runs, else a new one, once it is ready.

    Raises:
        CellFileError: The cell file is wrong.
        CellFault: The host did not come up.
    """
    folder = runtime or runtime_dir()
    paths = cell_paths(name, folder)
    holder = holder_of(paths.lock)
    if holder is not None:
        return RunningHost(name, holder.pid, paths, adopted=True, started=False)
    paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    read_fd, write_fd = os.pipe()
    command = [sys.executable, "-m", "drivers.host", str(cell_file), "--name", name, "--who", who]
    command += ["--runtime", str(folder), "--ready-fd", str(write_fd)]
    command += [] if noise else ["--noise-off"]
    command += [] if speed is None else ["--speed", str(speed)]
    command += [] if idle_exit_s is None else ["--idle-exit", str(idle_exit_s)]
    try:
        with paths.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                pass_fds=(write_fd,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(write_fd)
        write_fd = -1
        line = _read_line(read_fd, timeout_s)
    finally:
        os.close(read_fd)
        if write_fd >= 0:
            os.close(write_fd)
    if not line:
        process.kill()
        process.wait()
        raise CellFault(f"the cell host of {name!r} did not come up; see {paths.log}")
    said = json.loads(line)
    if said["ready"]:
        return RunningHost(name, said["pid"], paths, adopted=said["adopted"], started=True)
    process.wait()
    holder = holder_of(paths.lock)
    if holder is not None:
        # Somebody else started one in the same moment.
        return RunningHost(name, holder.pid, paths, adopted=True, started=False)
    raise CellFileError(said["error"])


def _read_line(fd: int, timeout_s: float) -> bytes:
    """One line, or nothing when the writer is gone or too slow."""
    line, until_s = b"", time.monotonic() + timeout_s
    while not line.endswith(b"\n"):
        left = until_s - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return b""
        part = os.read(fd, 4096)
        if not part:
            return b""
        line += part
    return line
