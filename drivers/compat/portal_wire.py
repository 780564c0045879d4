"""The bytes of `portal`, version 3: framed messages of trees whose leaves are arrays or text. Pure.

Written from its published source. A frame is a length (u64) and a body. A request's body is its
number (u64), its method (u64 length, text) and a tree; an answer's is the number, a status (u64, 0
is well) and a tree, or a text saying what went wrong. A tree is a count, so many sizes (u64 each),
the structure and the leaves' kinds as msgpack, and the leaves. All little-endian.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Any, Final

import msgspec
import numpy as np

from drivers.compat.exchange import BadAnswer

HANDSHAKE: Final = b"portal_handshake"
FRAME_AT_MOST: Final = 64 * 1024
LEAVES_AT_MOST: Final = 64
NUMBERS: Final = re.compile(r"[<>|=]?[fiub][1248]")
U64: Final = struct.Struct("<Q")


def frame(body: bytes) -> bytes:
    return U64.pack(len(body)) + body


def request(number: int, method: str, *arguments: Any) -> bytes:
    """A framed call."""
    name = method.encode()
    return frame(U64.pack(number) + U64.pack(len(name)) + name + pack_tree(list(arguments)))


def answer(body: bytes, number: int) -> Any:
    """The value of an answer's body. Raises BadAnswer: not ours, an error, or no answer at all."""
    if len(body) < 16:
        raise BadAnswer(f"an answer of {len(body)} bytes")
    theirs, status = struct.unpack_from("<QQ", body)
    if theirs != number:
        raise BadAnswer(f"an answer to call {theirs} instead of {number}")
    if status != 0:
        raise BadAnswer(f"the server says: {body[16:].decode(errors='replace')[:200]}")
    return unpack_tree(body[16:])


def pack_tree(tree: Any) -> bytes:
    """A tree of lists and dicts with None, text and float64 arrays as leaves."""
    kinds: list[list[Any]] = []
    leaves: list[bytes] = []
    structure = _flatten(tree, kinds, leaves)
    parts = [msgspec.msgpack.encode(structure), msgspec.msgpack.encode(kinds), *leaves]
    return b"".join([U64.pack(len(parts)), *(U64.pack(len(p)) for p in parts), *parts])


def unpack_tree(raw: bytes) -> Any:
    """Raises BadAnswer, whatever the bytes are."""
    try:
        return _unpacked(raw)
    except (struct.error, msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise BadAnswer(f"no portal message: {error}") from None


def _flatten(tree: Any, kinds: list[list[Any]], leaves: list[bytes]) -> Any:
    if isinstance(tree, (list, tuple)):
        return [_flatten(item, kinds, leaves) for item in tree]
    if isinstance(tree, dict):
        return {key: _flatten(item, kinds, leaves) for key, item in tree.items()}
    if tree is None:
        kinds.append(["none"])
        leaves.append(b"\0")
    elif isinstance(tree, str):
        kinds.append(["utf8"])
        leaves.append(tree.encode())
    else:
        array = np.ascontiguousarray(tree)
        kinds.append(["array", list(array.shape), array.dtype.str])
        leaves.append(array.tobytes() or b"\0")
    return None


def _unpacked(raw: bytes) -> Any:
    (count,) = U64.unpack_from(raw)
    if not 2 <= count <= LEAVES_AT_MOST + 2:
        raise BadAnswer(f"no portal message: {count} parts")
    sizes = struct.unpack_from(f"<{count}Q", raw, 8)
    parts, at = [], 8 * (1 + count)
    for size in sizes:
        if size > len(raw) - at:
            raise BadAnswer("no portal message: cut short")
        parts.append(raw[at : at + size])
        at += size
    structure = msgspec.msgpack.decode(parts[0])
    kinds = msgspec.msgpack.decode(parts[1], type=list[list[Any]])
    leaves = iter([_leaf(kind, part) for kind, part in zip(kinds, parts[2:], strict=True)])
    try:
        return _tree(structure, leaves)
    except StopIteration:
        raise BadAnswer("no portal message: more places than leaves") from None


def _leaf(kind: list[Any], part: bytes) -> Any:
    match kind:
        case ["none"]:
            return None
        case ["utf8"]:
            return part.decode()
        case ["bytes"]:
            return part
        case ["array", [*shape], str(dtype)]:
            if not NUMBERS.fullmatch(dtype):
                raise BadAnswer(f"no portal message: an array of {dtype[:20]}")
            size = math.prod(shape)
            return np.frombuffer(part, np.dtype(dtype), count=size).reshape(shape)
    raise BadAnswer(f"no portal message: a leaf of kind {kind[:1]}")


def _tree(structure: Any, leaves: Any) -> Any:
    # Plain loops: a generator would turn running out of leaves into another error.
    if isinstance(structure, list):
        items = []
        for item in structure:
            items.append(_tree(item, leaves))
        return items
    if isinstance(structure, dict):
        table = {}
        for key, item in structure.items():
            table[key] = _tree(item, leaves)
        return table
    return next(leaves)
