"""Pictures lie in a ring of shared memory that a program can read and never write.

The message names a slot and the number of what lies there; the number stands before and after the
picture, so a picture that changed while it was copied is noticed.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np

SLOTS = 4
SLOT_BYTES = 8 << 20
"""A 1920×1080 colour picture fits. Pages are taken from the system only when written."""
PICTURE_AT = 4096
"""Where the picture begins in its slot; its numbers are before that, page by page."""
RING_BYTES = SLOTS * (PICTURE_AT + SLOT_BYTES)
NUMBERS = struct.Struct("=QQ")
"""Written before the picture, written after it."""

_PROT_READ, _MAP_SHARED = 1, 1
_MAP_FAILED = ctypes.c_void_p(-1).value


class TornPicture(Exception):
    """The slot holds another picture by now."""


class PictureView:
    """The ring as a program sees it: mapped once, read-only, without a descriptor left open."""

    def __init__(self, fd: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        at = libc.mmap(
            None,
            ctypes.c_size_t(RING_BYTES),
            _PROT_READ,
            _MAP_SHARED,
            fd,
            ctypes.c_long(0),
        )
        if at is None or at == _MAP_FAILED:
            raise OSError(ctypes.get_errno(), "the ring of pictures cannot be mapped")
        there = (ctypes.c_ubyte * RING_BYTES).from_address(at)
        self._bytes = np.frombuffer(memoryview(there), np.uint8)
        self._bytes.flags.writeable = False

    def copy(self, slot: int, number: int, dtype: str, shape: list[int]) -> Any:
        """The picture, the program's own from now on. Raises TornPicture."""
        begin = slot_offset(slot)
        out = np.empty(shape, dtype)
        self._check(begin, number)
        start = begin + PICTURE_AT
        np.copyto(out.reshape(-1).view(np.uint8), self._bytes[start : start + out.nbytes])
        self._check(begin, number)
        return out

    def _check(self, begin: int, number: int) -> None:
        before, after = NUMBERS.unpack_from(self._bytes.data, begin)
        if before != number or after != number:
            raise TornPicture(f"picture {number} is gone from its place")


def slot_offset(slot: int) -> int:
    return slot * (PICTURE_AT + SLOT_BYTES)
