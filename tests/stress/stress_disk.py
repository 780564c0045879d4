"""A disk that fails at each single operation in turn, and one that is full at each single page."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from faulty import Fault, Trouble, recording
from stopped_clock import StoppedClock
from test_faults import full_at, sweep

N = 60
"""Pages of room, from none to so many. The sweep over failures has no volume: it is all of them."""
FAULTS: tuple[Fault, ...] = ("write", "short write", "sync", "truncate")


def run(n: int, seed: int) -> list[Result]:
    return [*(_fails_at_each(fault) for fault in FAULTS), _full_at_each(n)]


def _fails_at_each(fault: Fault) -> Result:
    what = f"the n-th {fault} fails, n = 1, 2, … until none does"
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        try:
            count = sweep(Path(folder), fault, 1)
        except AssertionError as error:
            return Result(what, f"broken: {str(error)[:200]}", False)
    return Result(what, f"{count} failures, 0 acknowledged lost, 0 files damaged", True)


def _full_at_each(pages: int) -> Result:
    what = "the disk is full after n more pages, n = 0, 1, 2, …"
    with tempfile.TemporaryDirectory(prefix="full-") as root:
        folder = Path(root) / "empty"
        folder.mkdir()
        with recording(folder / "s.db", StoppedClock(), Trouble(), ballast_bytes=128 << 10):
            laid_out = sum(p.stat().st_size for p in folder.iterdir())
        for page in range(pages):
            folder = Path(root) / f"{page}"
            folder.mkdir()
            try:
                full_at(folder / "s.db", laid_out + page * 8192)
            except AssertionError as error:
                return Result(what, f"broken at {page}: {str(error)[:200]}", False)
    return Result(what, f"{pages} sizes: each says “disk full, cell stopped”, 0 lost", True)
