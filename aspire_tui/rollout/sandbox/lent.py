"""Arrays the program was given, so that it can hand them back by name instead of by value."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

SMALLEST_BYTES = 4096
KEPT_BYTES = 32 << 20


class LentArrays(Mapping[str, Array]):
    """The newest arrays by digest, at most ``KEPT_BYTES``. They are hashed when first asked for."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._fresh: list[Array] = []
        self._named: OrderedDict[str, Array] = OrderedDict()

    def remember(self, arrays: list[Array]) -> None:
        """Keep arrays that were just sent; they are contiguous and never change again."""
        for array in arrays:
            if array.nbytes >= SMALLEST_BYTES:
                self._fresh.append(array)
                self._bytes += array.nbytes
        while self._bytes > self._kept_bytes:
            oldest = self._named.popitem(last=False)[1] if self._named else self._fresh.pop(0)
            self._bytes -= oldest.nbytes

    def __getitem__(self, digest: str) -> Array:
        for array in self._fresh:
            name = digest_of(array)
            if name in self._named:
                self._bytes -= array.nbytes
            else:
                self._named[name] = array
        self._fresh.clear()
        found = self._named[digest]
        self._named.move_to_end(digest)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named) + len(self._fresh)

    def __contains__(self, digest: object) -> bool:
        try:
            self[str(digest)]
        except KeyError:
            return False
        return True


def digest_of(array: Array) -> str:
    """Names a contiguous array by type, shape and content, as the program's side does."""
    name = hashlib.blake2b(f"{array.dtype.name}{array.shape}".encode(), digest_size=16)
    name.update(array.data.cast("B"))
    return name.hexdigest()
