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

import drivers
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
    try:
        yield folder
    except BaseException:
        for log in folder.glob("cell-*/log"):
            print(f"{log}:\n{log.read_text(errors='replace')[-4000:]}")
        raise
    finally:
        for lock in folder.glob("cell-*/lock"):
            holder = holder_of(lock)
            if holder is not None:
                os.kill(holder.pid, signal.SIGKILL)
                until(lambda lock=lock: holder_of(lock) is None, "the host ends")
        shutil.rmtree(folder)


def two_armed(text: str) -> str:
    """The emulated cell with a second arm like the first, on a bus and a calibration of its own."""
    device = text[text.index("[[device]]") : text.index("# What the servos are like")]
    arm = text[text.index("[[arms]]") : text.index("# In front of the bench")]
    more = (device + arm).replace('"arm"', '"right"').replace("so101-emulated.json", "right.json")
    more = more.replace("base_xyz_m = [0.0, 0.0, 0.06]", "base_xyz_m = [0.0, -0.5, 0.06]")
    text = text.replace("[emulator]", '[emulator]\ncalibrations = { right = "right.json" }', 1)
    text = text.replace("lo_m = [0.06, -0.26, 0.000]", "lo_m = [0.06, -0.80, 0.000]", 1)
    return text + more


def two_armed_cell(folder: Path) -> Path:
    """Its file, and both calibrations beside it."""
    shipped = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"
    for name in ("so101-emulated.json", "right.json"):
        shutil.copy(shipped.with_suffix(".json"), folder / name)
    file = folder / "two.toml"
    file.write_text(two_armed(shipped.read_text()))
    return file
