"""What the interpreter does beside drawing, put where no key waits for it.

A collection of garbage stops every thread, the one that reads HOLD included, for as long as it has
objects to look at: over a hundred thousand that the imports made and that never go.
"""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import Sequence
from typing import Final

YOUNG: Final = 5_000
"""Objects made before the youngest are looked at; Python's own 700 is for smaller programs."""
FOR_PICTURES: Final = ("aspire_tui.tui.screen.halfcell", "PIL.Image")
FOR_HOLD: Final = ("drivers.client",)


def settle() -> None:
    """The first screen stands: what was made until now is never looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def load_behind(names: Sequence[str]) -> None:
    """In a thread of its own, modules that are slow to load and that no first screen needs."""

    def load() -> None:
        for name in names:
            importlib.import_module(name)

    threading.Thread(target=load, name="loading", daemon=True).start()
