"""Writes and syncs that fail at random, by libfiu under the real system calls (``fiu-utils``)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from tests.stress.result import Result

N = 3000
WRITER = Path(__file__).with_name("fiu_writer.py")
CHECKOUT = Path(__file__).parents[2]
WRITES = {"posix/io/rw/pwrite": 0.03}
SYNCS = {"posix/io/sync/fsync": 0.2, "posix/io/sync/fdatasync": 0.2}
FAULTS = {"pwrite": WRITES, "fsync and fdatasync": SYNCS, "both": WRITES | SYNCS}
"""Which calls fail with EIO, and how probably."""


def run(n: int, seed: int) -> list[Result]:
    if shutil.which("fiu-run") is None:
        return [Result("libfiu", "not run: install it with `sudo apt install fiu-utils`", False)]
    return [_under(name, n // len(FAULTS), seed) for name in FAULTS]


def _under(name: str, appends: int, seed: int) -> Result:
    rules = [
        f"enable_random name={point},probability={share},failinfo=5"
        for point, share in FAULTS[name].items()
    ]
    command = ["fiu-run", "-x", *(word for rule in rules for word in ("-c", rule))]
    with tempfile.TemporaryDirectory(prefix="fiu-") as folder:
        path = Path(folder) / "s.db"
        with Recorder.create(path, ballast_bytes=0):
            pass
        command += [sys.executable, str(WRITER), str(path), str(appends), str(seed)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, cwd=CHECKOUT, check=False
        )
        lines = done.stdout.splitlines()
        told = [line.split(" ", 1) for line in lines if line[:1].isdigit()]
        refused = sum(int(line.split()[1]) for line in lines if line.startswith("refused"))
        with SessionReader(path) as reader:
            found = {e.seq: e.event for e in reader.events()}
            missing = sum(getattr(found.get(int(seq)), "text", "") != text for seq, text in told)
            damaged = [p.what for p in reader.verify() if "first event" not in p.what]
    acknowledged = f"{len(told)} appends acknowledged, {refused} refused"
    said = f"{acknowledged}, {missing} missing, {len(damaged)} problems"
    finished = len(told) + refused == appends and len(told) > appends // 3 and refused > 0
    return Result(f"libfiu {name}", said, finished and not missing and not damaged)
