"""The parent's end of the wire: what a program sends is decoded into typed, bounded values.

One message is a 4-byte length, a JSON header of that length, and the bytes of the arrays the header
names. What is merely wrong becomes a :class:`BadFrame` and is counted; what makes the stream
unreadable raises :class:`WireViolation` and the program is killed. Nothing else ever comes out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.rollout.sandbox.api import ResultValue, Value
from aspire_tui.rollout.sandbox.inside import wire
from aspire_tui.rollout.sandbox.inside.pictures import SLOTS
from aspire_tui.rollout.sandbox.pictures import PictureRing, Place

Array = NDArray[Any]

DTYPES = frozenset(wire.DTYPES)
DEEPEST = 32
_MOST_ARRAYS = 64
_MOST_DIMENSIONS = 8
_MOST_ITEMS = 1 << 30
_LONGEST_ERROR = 600
_LENGTH = struct.Struct(">I")
_INT64 = range(-(2**63), 2**63)


class WireViolation(Exception):
    """The stream cannot be read on: the program is killed."""


class ArraySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array beside the message."""

    dtype: str
    shape: tuple[int, ...]

    def nbytes(self) -> int:
        """Raises ValueError on a type or shape that may not travel."""
        if self.dtype not in DTYPES:
            raise ValueError(f"array of {self.dtype[:20]!r}")
        if len(self.shape) > _MOST_DIMENSIONS or any(n < 0 for n in self.shape):
            raise ValueError("array with an impossible shape")
        if math.prod(max(n, 1) for n in self.shape) > _MOST_ITEMS:
            raise ValueError("array with an impossible shape")
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class CallFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="call"):
    """A call of a primitive, arguments by name and still encoded."""

    n: int
    f: str
    line: int
    a: dict[str, Any]
    arrays: tuple[ArraySpec, ...] = ()


class EndFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="end"):
    """How the program says it ended."""

    ended: Literal["returned", "raised", "refused"]
    error: str
    line: int
    claimed: bool | None
    arrays: tuple[ArraySpec, ...] = ()


class ProbeFrame(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="probe"
):
    """What the self-probe tried."""

    denied: tuple[str, ...]
    leaks: tuple[str, ...]
    arrays: tuple[ArraySpec, ...] = ()


class BadFrame(msgspec.Struct, frozen=True):
    """A message that could be skipped, and what was wrong with it."""

    why: str


class Message(msgspec.Struct, frozen=True):
    """A decoded header with its arrays."""

    header: CallFrame | EndFrame | ProbeFrame
    arrays: tuple[Array, ...]


class Reader:
    """Cuts a byte stream into messages; fed in pieces of any size."""

    def __init__(self, frame_max: int, arrays_max: int) -> None:
        self._frame_max = frame_max
        self._arrays_max = arrays_max
        self._buffer = bytearray()
        self._header: CallFrame | EndFrame | ProbeFrame | None = None
        self._payload = 0
        self._decoder = msgspec.json.Decoder(CallFrame | EndFrame | ProbeFrame)

    def feed(self, data: bytes) -> list[Message | BadFrame]:
        """Messages completed by ``data``. Raises WireViolation."""
        self._buffer += data
        out: list[Message | BadFrame] = []
        while True:
            if self._header is None:
                bad = self._next_header()
                if isinstance(bad, BadFrame):
                    out.append(bad)
                    continue
            if self._header is None or len(self._buffer) < self._payload:
                return out
            out.append(Message(self._header, self._take_arrays(self._header)))
            self._header = None

    def _next_header(self) -> BadFrame | None:
        if len(self._buffer) < 4:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._frame_max:
            raise WireViolation(f"a message of {length} bytes, at most {self._frame_max}")
        if len(self._buffer) < 4 + length:
            return None
        text = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        try:
            header = self._decoder.decode(text)
            sizes = [spec.nbytes() for spec in header.arrays]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return BadFrame(f"not a message: {one_line(str(error))[:120]}")
        if len(sizes) > _MOST_ARRAYS or sum(sizes) > self._arrays_max:
            raise WireViolation(f"{sum(sizes)} bytes of arrays, at most {self._arrays_max}")
        self._header, self._payload = header, sum(sizes)
        return None

    def _take_arrays(self, header: CallFrame | EndFrame | ProbeFrame) -> tuple[Array, ...]:
        arrays: list[Array] = []
        at = 0
        for spec in header.arrays:
            size = spec.nbytes()
            if size == 0:
                arrays.append(np.zeros(spec.shape, spec.dtype))
                continue
            flat = np.frombuffer(bytes(self._buffer[at : at + size]), spec.dtype)
            arrays.append(flat.reshape(spec.shape))
            at += size
        del self._buffer[:at]
        return tuple(arrays)


class Unsendable(ValueError):
    """An argument that cannot be used: where it is, and what it is."""


class NotKnown(LookupError):
    """An array was named by a digest this side no longer has."""


def decode_arguments(
    frame: CallFrame, arrays: tuple[Array, ...], known: Mapping[str, Array]
) -> dict[str, Value]:
    """The arguments of a call as values.

    Raises:
        Unsendable: A value is not finite or cannot travel; names its place, ``target[2]``.
        NotKnown: The program has to send an array in full.
        ValueError: The message is malformed.
    """
    return {name: _decode(v, name, 0, arrays, known) for name, v in frame.a.items()}


def _decode(
    value: Any, path: str, depth: int, arrays: tuple[Array, ...], known: Mapping[str, Array]
) -> Value:
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        if value not in _INT64:
            raise Unsendable(f"argument {path} is a number beyond 64 bits")
        return value
    if depth > DEEPEST:
        raise Unsendable(f"argument {path[:80]} is nested deeper than {DEEPEST}")
    if isinstance(value, list):
        return [
            v if type(v) is float else _decode(v, f"{path}[{i}]", depth + 1, arrays, known)
            for i, v in enumerate(value)
        ]
    if not isinstance(value, dict):
        raise ValueError("an unknown kind of value")
    if "$" not in value:
        return {
            k: _decode(v, f"{path}[{k!r:.40}]", depth + 1, arrays, known) for k, v in value.items()
        }
    match value:
        case {"$": "a", "i": int(i)} if 0 <= i < len(arrays):
            return arrays[i]
        case {"$": "d", "h": str(digest)}:
            if digest not in known:
                raise NotKnown(path)
            return known[digest]
        case {"$": "t", "v": list(items)}:
            return tuple(_decode(items, path, depth, arrays, known))
        case {"$": "x", "w": str(what)}:
            raise Unsendable(f"argument {path} is {what[:200]}")
        case {"$": "r", "s": str(status), "d": str(detail), "f": dict(fields)}:
            inner = _decode(fields, path, depth + 1, arrays, known)
            return msgspec.convert(
                {"status": status, "detail": detail, "fields": inner}, ResultValue
            )
        case {"$": "m", "v": list(rows)}:
            out: dict[Any, Value] = {}
            for row in rows:
                if not isinstance(row, list) or len(row) != 2:
                    raise ValueError("a mapping that is not made of pairs")
                key = _decode(row[0], f"{path} (a key)", depth + 1, arrays, known)
                if not isinstance(key, (str, int, float, bool, type(None))):
                    raise Unsendable(f"argument {path} has a key of type {type(key).__name__}")
                out[key] = _decode(row[1], f"{path}[{key!r:.40}]", depth + 1, arrays, known)
            return out
    raise ValueError("an unknown kind of value")


class Outgoing:
    """Encodes values for the program; arrays are copied when encoded.

    They travel beside the text, pictures by way of the ring when there is one.
    """

    def __init__(self, ring: PictureRing | None = None) -> None:
        self.arrays: list[Array] = []
        self._ring = ring
        self._places: dict[int, Place] = {}

    def encode(self, value: Value) -> Any:
        """Raises TypeError for a value that may not travel: a primitive returned nonsense."""
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, np.generic):
            return self.encode(value.item())
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$": "f", "v": repr(value)}
        if isinstance(value, np.ndarray):
            if value.dtype.name not in DTYPES:
                raise TypeError(f"an array of {value.dtype} cannot be given to a program")
            return {"$": "a", "i": self._carry(value)}
        if isinstance(value, tuple):
            return {"$": "t", "v": [self.encode(v) for v in value]}
        if isinstance(value, list):
            return [self.encode(v) for v in value]
        if isinstance(value, ResultValue):
            fields = self.encode(value.fields)
            return {"$": "r", "s": value.status, "d": value.detail, "f": fields}
        if isinstance(value, Mapping):
            if "$" not in value and all(isinstance(k, str) for k in value):
                return {k: self.encode(v) for k, v in value.items()}
            return {"$": "m", "v": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        raise TypeError(f"a {type(value).__name__} cannot be given to a program")

    def _carry(self, value: Array) -> int:
        """Copy an array to where it travels from; its index."""
        if self._ring is not None and len(self._places) < SLOTS:
            put = self._ring.put(value)
            if put is not None:
                place, there = put
                self._places[len(self.arrays)] = place
                self.arrays.append(there)
                return len(self.arrays) - 1
        native = value.astype(value.dtype.newbyteorder("="), order="C", copy=True)
        native.flags.writeable = False
        self.arrays.append(native)
        return len(self.arrays) - 1

    def message(self, header: dict[str, Any]) -> list[bytes | memoryview]:
        """The parts of one message, in order."""
        if self.arrays:
            specs: list[dict[str, Any]] = []
            for i, a in enumerate(self.arrays):
                spec: dict[str, Any] = {"dtype": a.dtype.name, "shape": a.shape}
                if i in self._places:
                    slot, number = self._places[i]
                    spec |= {"slot": slot, "number": number}
                specs.append(spec)
            header = {**header, "arrays": specs}
        text = msgspec.json.encode(header)
        beside = (a for i, a in enumerate(self.arrays) if a.nbytes and i not in self._places)
        return [_LENGTH.pack(len(text)) + text, *(a.data.cast("B") for a in beside)]

    def keepable(self) -> list[Array]:
        """The arrays as they were sent, none of them in a slot that will be written over."""
        return [a.copy() if i in self._places else a for i, a in enumerate(self.arrays)]


def one_line(text: str) -> str:
    """Text of a program, made fit for one line on a terminal."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())[:_LONGEST_ERROR]
