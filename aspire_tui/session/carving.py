"""Events read off the bare pages of a file that SQLite can no longer open or walk.

The format is SQLite's own (https://www.sqlite.org/fileformat2.html): a leaf page of a table holds
cells, a cell a record, and what does not fit runs on over a chain of overflow pages. Whatever has
the shape of an event, and a body that says so, is taken; nothing is guessed.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aspire_tui.session.schema import PAGE_BYTES

LEAF: Final = 0x0D
LARGEST_EVENT: Final = 64 << 20
_COLUMNS: Final = 8
_HASH_BYTES: Final = 32
_INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Bytes = bytes | mmap.mmap


class Carved(NamedTuple):
    """An event as its row said it; nothing about it has been checked yet."""

    seq: int
    wall_s: float
    mono_s: float
    kind: str
    body: bytes


def carve(path: Path) -> Iterator[Carved]:
    """Everything in the file, and then in its log, that has the shape of an event; doubles too."""
    with _mapped(path) as data:
        yield from _in_pages(data, PAGE_BYTES)
    log = path.with_name(path.name + "-wal")
    if log.is_file():
        with _mapped(log) as frames:
            for page in _pages_of_log(frames):
                yield from _in_pages(page, PAGE_BYTES)


@contextmanager
def _mapped(path: Path) -> Iterator[Bytes]:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _pages_of_log(log: Bytes) -> Iterator[bytes]:
    header, frame = 32, 24
    for at in range(header, len(log) - frame - PAGE_BYTES + 1, frame + PAGE_BYTES):
        yield log[at + frame : at + frame + PAGE_BYTES]


def _in_pages(data: Bytes, size: int) -> Iterator[Carved]:
    for at in range(0, len(data) - size + 1, size):
        if data[at] != LEAF:
            continue
        (cells,) = struct.unpack_from(">H", data, at + 3)
        for n in range(min(cells, (size - 8) // 2)):
            (offset,) = struct.unpack_from(">H", data, at + 8 + 2 * n)
            if not 8 <= offset < size:
                continue
            try:
                event = _event(data, at, offset, size)
            except (IndexError, struct.error, UnicodeDecodeError):
                # Not a cell of ours: a damaged pointer leads anywhere.
                continue
            if event is not None:
                yield event


def _event(data: Bytes, page: int, offset: int, size: int) -> Carved | None:
    at = page + offset
    length, at = _varint(data, at)
    seq, at = _varint(data, at)
    if not 0 < length < LARGEST_EVENT or seq <= 0:
        return None
    record = _payload(data, page, at, length, size)
    header_bytes, place = _varint(record, 0)
    types: list[int] = []
    while place < header_bytes:
        kind, place = _varint(record, place)
        types.append(kind)
    if len(types) != _COLUMNS or types[0] != 0 or types[1] != 7 or types[2] != 7:
        return None
    if types[3] % 2 == 0 or types[6] % 2 == 0 or types[7] != 12 + 2 * _HASH_BYTES:
        return None
    wall_s, mono_s = struct.unpack_from(">dd", record, header_bytes)
    place = header_bytes + 16
    kind_text, place = _text(record, place, types[3])
    for number in types[4:6]:
        place += _INTEGER_BYTES.get(number, 0)
    body, place = _text(record, place, types[6])
    return Carved(seq, wall_s, mono_s, kind_text.decode(), body)


def _text(record: bytes, at: int, kind: int) -> tuple[bytes, int]:
    length = (kind - 13) // 2
    if length < 0 or at + length > len(record):
        raise IndexError("a text runs past its record")
    return record[at : at + length], at + length


def _payload(data: Bytes, page: int, at: int, length: int, size: int) -> bytes:
    """The bytes of a record: on its page, and on its overflow pages when it is too long."""
    most = size - 35
    if length <= most:
        return data[at : at + length]
    least = (size - 12) * 32 // 255 - 23
    local = least + (length - least) % (size - 4)
    if local > most:
        local = least
    out = bytearray(data[at : at + local])
    (following,) = struct.unpack_from(">I", data, at + local)
    seen = set()
    while following and len(out) < length:
        start = (following - 1) * size
        if following in seen or start + size > len(data):
            raise IndexError("the overflow chain is broken")
        seen.add(following)
        out += data[start + 4 : start + 4 + min(size - 4, length - len(out))]
        (following,) = struct.unpack_from(">I", data, start)
    if len(out) < length:
        raise IndexError("the overflow chain is too short")
    return bytes(out)


def _varint(data: Bytes, at: int) -> tuple[int, int]:
    """SQLite's variable-length integer, 1 to 9 bytes; the number and the place after it."""
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise IndexError
