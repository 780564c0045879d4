"""The processes of one test: those that carry its runtime folder in their environment, and those
that name one of its folders on their command line."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

PATIENCE_S = 10.0


def with_runtime(runtime: Path) -> dict[int, str]:
    """Process ids with their command lines; not workers with an empty environment."""
    mark = f"XDG_RUNTIME_DIR={runtime}".encode()
    return {pid: line for pid, line in _lines().items() if mark in _environment(pid)}


def end_all(runtime: Path, *folders: Path) -> None:
    """End what still works for this test, and wait for it: its files are removed next."""
    for each in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + PATIENCE_S
        told: set[int] = set()
        while left := _of(runtime, folders):
            for pid in left - told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, each)
            told |= left
            if time.monotonic() > until:
                break
            time.sleep(0.05)


def _of(runtime: Path, folders: tuple[Path, ...]) -> set[int]:
    names = [str(folder) for folder in (runtime, *folders)]
    return {*with_runtime(runtime)} | {
        pid
        for pid, line in _lines().items()
        if pid != os.getpid() and any(name in line for name in names)
    }


def _lines() -> dict[int, str]:
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            if line:
                found[int(folder.name)] = line.decode(errors="replace")
    return found


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
