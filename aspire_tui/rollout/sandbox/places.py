"""Where the packages are that a program may import, as this interpreter would find them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ALLOWED_PACKAGES = ("numpy", "scipy", "cv2")
"""Those that are installed; numpy and scipy always are."""

_LIBRARY_DIRECTORIES = ("numpy.libs", "scipy.libs", "opencv_python_headless.libs")
_PRELOADED = ("numpy", "numpy.linalg")
_PRELOADED_ON_DEMAND = {
    "numpy": ("numpy.random",),
    "scipy": ("scipy", "scipy.spatial.transform"),
    "cv2": ("cv2",),
}
_PRELOADED_LIBRARY = (
    # with extension modules that load system libraries, which are out of sight later
    "bz2", "ctypes", "decimal", "hashlib", "lzma", "uuid", "zlib",
    # wanted by most programs or by their tracebacks
    "collections", "colorsys", "copy", "dataclasses", "datetime", "enum", "functools",
    "heapq", "inspect", "itertools", "json", "linecache", "operator", "queue", "random", "re",
    "statistics", "string", "textwrap", "time", "traceback", "typing", "warnings",
    "encodings.idna", "encodings.unicode_escape", "encodings.latin_1", "encodings.ascii",
)  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Allowed packages by name, the directories of shared libraries they need, and what to load
    before everything else goes out of sight.

    Every shared library makes every fork slower, so there are two kinds of zygote: a light one,
    and one with ``on_demand`` loaded as well, for programs that name any of ``words``.
    """

    packages: dict[str, str]
    companions: list[str]
    preload: list[str]
    on_demand: list[str] = field(default_factory=list)
    words: tuple[str, ...] = ("scipy", "random", "cv2")

    def wants_more(self, program: str) -> bool:
        """Whether this program goes to the heavy kind. A wrong guess only costs time."""
        return bool(self.on_demand) and any(word in program for word in self.words)


def find_places(allowed: Sequence[str] = ALLOWED_PACKAGES) -> Places:
    """Look the packages up without importing them."""
    packages: dict[str, str] = {}
    companions: list[str] = []
    on_demand: list[str] = []
    for name in allowed:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        place = Path(next(iter(spec.submodule_search_locations)))
        packages[name] = str(place)
        on_demand += _PRELOADED_ON_DEMAND.get(name, (name,))
        for beside in _LIBRARY_DIRECTORIES:
            libraries = place.parent / beside
            if libraries.is_dir() and str(libraries) not in companions:
                companions.append(str(libraries))
    return Places(packages, companions, [*_PRELOADED_LIBRARY, *_PRELOADED], on_demand)
