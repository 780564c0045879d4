"""The parent's end of the ring of pictures: the one that writes."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aspire_tui.rollout.sandbox.inside.pictures import (
    NUMBERS,
    PICTURE_AT,
    RING_BYTES,
    SLOT_BYTES,
    SLOTS,
    slot_offset,
)

Array = NDArray[Any]

SMALLEST_BYTES = 32 << 10
"""Smaller arrays cost less beside the message."""
_ADD_SEALS = 1033
_SEALS = 0x1 | 0x2 | 0x4 | 0x10
"""No more seals, no shrinking, no growing, and no writing but through what is mapped already."""


class Place(NamedTuple):
    """Where a picture lies, and the number it carries."""

    slot: int
    number: int


class PictureRing:
    """Four slots for one program: what another program saw is never in it."""

    def __init__(self, system: str = sys.platform) -> None:
        """Raises OSError where the system has no sealed shared memory."""
        if system != "linux":
            raise OSError("sealed shared memory is Linux only")
        self.fd = os.memfd_create("pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.fd, RING_BYTES)
            self._map = mmap.mmap(self.fd, RING_BYTES)
            fcntl.fcntl(self.fd, _ADD_SEALS, _SEALS)
        except OSError:
            os.close(self.fd)
            raise
        self._bytes = np.frombuffer(self._map, np.uint8)
        self._written = 0

    def put(self, picture: Array) -> tuple[Place, Array] | None:
        """Write a picture over the oldest one; the array that comes back is where it lies.

        None when it is no picture's size; it travels beside the message then.
        """
        if not SMALLEST_BYTES <= picture.nbytes <= SLOT_BYTES:
            return None
        slot, number = self._written % SLOTS, self._written + 1
        self._written = number
        begin = slot_offset(slot)
        start = begin + PICTURE_AT
        flat = self._bytes[start : start + picture.nbytes]
        there = flat.view(picture.dtype.newbyteorder("=")).reshape(picture.shape)
        _, last = NUMBERS.unpack_from(self._map, begin)
        NUMBERS.pack_into(self._map, begin, number, last)
        np.copyto(there, picture)
        NUMBERS.pack_into(self._map, begin, number, number)
        there.flags.writeable = False
        return Place(slot, number), there

    def close(self) -> None:
        os.close(self.fd)
        del self._bytes
        with contextlib.suppress(BufferError):  # an answer still names a slot; it goes with that
            self._map.close()


def make_ring() -> PictureRing | None:
    """The ring, or None where pictures travel beside the message instead."""
    try:
        return PictureRing()
    except OSError:
        return None
