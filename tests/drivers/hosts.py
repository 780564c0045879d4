"""Real cell hosts for tests: a runtime folder each, and nothing left running afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from drivers.hostlock import holder_of


def until(true: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    """Wait for something that must come true; fails loudly, never by being slow."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.005)


@contextlib.contextmanager
def cells_folder() -> Iterator[Path]:
    """A runtime folder; whatever still runs there afterwards is ended."""
    # Not tmp_path: a Unix socket's path ends at 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cells"))
    yield folder
    for lock in folder.glob("cell-*/lock"):
        holder = holder_of(lock)
        if holder is not None:
            os.kill(holder.pid, signal.SIGKILL)
            until(lambda lock=lock: holder_of(lock) is None, "the host ends")
    shutil.rmtree(folder)
