"""Which packages a program may import besides the standard library, found by exact place.

A finder instead of a directory on ``sys.path``: what lies beside the allowed packages (a simulator,
other people's credentials helpers, this program) is simply not importable.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class AllowedPackages:
    """Goes last on ``sys.meta_path``: knows the top-level names it was given and no others."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = self._places.get(name)
        if place is None:
            return None
        return importlib.util.spec_from_file_location(
            name, Path(place, "__init__.py"), submodule_search_locations=[place]
        )
