"""Changes to a valid message that keep it nearly valid: bits, bytes, pieces, numbers, brackets."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

INTERESTING = (
    b"", b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"NaN", b"-Infinity", b"1e999",
    b"-1", b"0", b"1e308", b"9" * 40, b"null", b"true", b"[]", b"{}", b'""', b'"', b"\\ud800",
    b"\\u0000", b"[" * 200, b'{"a":' * 60, b'{"$":"a","i":0}', b'{"$":"m","v":[[[],1]]}',
    b'{"$":"t","v":[1]}', b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[2J", b"../../",
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xca\x7f\xc0\x00\x00", b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\x91" * 3000,
    b"\x81\xa1a" * 1500, b"[" * 3000, b'{"a":' * 2000,
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
CHANGES = (1, 1, 1, 2, 3, 4)
"""How many a message gets: mostly one, or little would be accepted."""


class Mutator:
    """Draws changed copies of seeds; the same ``rng`` draws the same ones."""

    def __init__(self, rng: random.Random, seeds: Sequence[bytes]) -> None:
        self._rng = rng
        self._seeds = list(seeds)

    def draw(self) -> bytes:
        data = bytearray(self._rng.choice(self._seeds))
        for _ in range(self._rng.choice(CHANGES)):
            self._change(data)
        return bytes(data)

    def _change(self, data: bytearray) -> None:
        rng = self._rng
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(1, 16))
        match rng.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(data):
                data[at] = rng.randrange(256)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end]
            case 4:
                data[at:at] = rng.choice(INTERESTING)
            case 5:
                data[at:end] = rng.choice(INTERESTING)
            case 6:
                other = rng.choice(self._seeds)
                cut = rng.randrange(len(other) + 1)
                data[at:end] = other[cut : cut + rng.randint(1, 64)]
            case _:
                numbers = list(_NUMBER.finditer(data))
                if numbers:
                    found = rng.choice(numbers)
                    data[found.start() : found.end()] = rng.choice(INTERESTING)
