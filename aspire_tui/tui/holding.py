"""HOLD where no session is shown: every cell that runs on this machine, each by its own stop."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from drivers.errors import CellFault, CellFileError
from drivers.runtime_dir import running_cells


def hold_running_cells(who: str) -> list[str]:
    """Hold them all at once; what each said, in a line. Never raises for a cell that is gone."""
    names = sorted(running_cells())
    if not names:
        return []
    with ThreadPoolExecutor(max_workers=len(names)) as threads:
        return list(threads.map(lambda name: _hold(name, who), names))


def _hold(name: str, who: str) -> str:
    from drivers.client import hold_now

    begun_s = time.monotonic()
    try:
        hold_now(name, who)
    except (CellFault, CellFileError, OSError) as error:
        return f"{name}: HOLD NOT CONFIRMED: {error}"
    return f"{name}: HOLD confirmed {1e3 * (time.monotonic() - begun_s):.0f} ms"
