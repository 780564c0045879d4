"""Where the packages are that a program may import, as this interpreter would find them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ALLOWED_PACKAGES = ("numpy", "scipy", "cv2")
"""Those that are installed; numpy and scipy always are."""

_LIBRARY_DIRECTORIES = ("numpy.libs", "scipy.libs", "opencv_python_headless.libs")
# every shared library more makes every fork slower; the rest is imported when a program asks
_PRELOADED = {
    "numpy": ("numpy", "numpy.linalg", "numpy.random"),
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
    before everything else goes out of sight."""

    packages: dict[str, str]
    companions: list[str]
    preload: list[str]


def find_places(allowed: Sequence[str] = ALLOWED_PACKAGES) -> Places:
    """Look the packages up without importing them."""
    packages: dict[str, str] = {}
    companions: list[str] = []
    preload = list(_PRELOADED_LIBRARY)
    for name in allowed:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        place = Path(next(iter(spec.submodule_search_locations)))
        packages[name] = str(place)
        preload += _PRELOADED.get(name, (name,))
        for beside in _LIBRARY_DIRECTORIES:
            libraries = place.parent / beside
            if libraries.is_dir() and str(libraries) not in companions:
                companions.append(str(libraries))
    return Places(packages, companions, preload)
