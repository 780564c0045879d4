"""The program's end of the calls: length, JSON header, then the bytes of the arrays it names.

Values JSON has no word for are one-field-tagged objects, ``{"$": tag, ...}``:
``a`` array beside the message · ``d`` array the other side already has, by digest · ``t`` tuple ·
``r`` result · ``m`` mapping with keys that are not text · ``f`` a number that is not finite ·
``x`` something that cannot travel, in words.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from typing import Any

import numpy as np

from .pictures import PictureView

DTYPES = {
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
}  # fmt: skip
DIGEST_FROM_BYTES = 4096
"""Smaller arrays are sent again rather than hashed."""
_DEEPEST = 30
_LENGTH = struct.Struct(">I")
_to_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode

Message = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


class Result:
    """What a motion or gripper call gives back: true only when its status is OK."""

    status: str
    detail: str

    def __init__(self, status: str, detail: str, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)
        self.status = status
        self.detail = detail

    def __bool__(self) -> bool:
        return self.status in ("OK", "Success")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"Result({shown})"


class Link:
    """Blocking messages over one descriptor; pictures lie in ``pictures`` when there is a ring."""

    def __init__(self, fd: int, pictures: PictureView | None = None) -> None:
        self._fd = fd
        self._pictures = pictures

    def receive(self) -> Message:
        """The next message, its values decoded.

        Raises:
            EOFError: The parent is gone.
            TornPicture: A picture was written over before it could be copied.
        """
        (length,) = _LENGTH.unpack(self._exactly(bytearray(4)))
        header: Message = json.loads(self._exactly(bytearray(length)))
        arrays = []
        for spec in header.pop("arrays", ()):
            if "slot" in spec and self._pictures is not None:
                at = spec["slot"], spec["number"], spec["dtype"], spec["shape"]
                arrays.append(self._pictures.copy(*at))
                continue
            array = np.empty(spec["shape"], spec["dtype"])
            if array.nbytes:
                self._exactly(array.data.cast("B"))
            arrays.append(array)
        if "v" in header:
            header["v"] = decode(header["v"], arrays)
        return header

    def send(self, header: Message, arrays: list[Array]) -> None:
        self.send_packed(pack(header, arrays), arrays)

    def send_packed(self, text: bytes, arrays: list[Array]) -> None:
        self._all(_LENGTH.pack(len(text)) + text)
        for array in arrays:
            if array.nbytes:
                self._all(array.data.cast("B"))

    def _exactly(self, buffer: Any) -> Any:
        view = memoryview(buffer)
        while len(view):
            got = os.readv(self._fd, [view])
            if got == 0:
                raise EOFError("the other end is gone")
            view = view[got:]
        return buffer

    def _all(self, data: Any) -> None:
        view = memoryview(data)
        while len(view):
            view = view[os.write(self._fd, view) :]


def pack(header: Message, arrays: list[Array]) -> bytes:
    """The JSON of a message; ``arrays`` are named in it and follow it."""
    if arrays:
        specs = [{"dtype": a.dtype.name, "shape": list(a.shape)} for a in arrays]
        header = {**header, "arrays": specs}
    return _to_json(header).encode("utf-8", "replace")


class Encoder:
    """Turns the arguments of one call into JSON and arrays beside it.

    ``inline`` forces arrays to be sent in full although they may be known on the other side.
    """

    def __init__(self, known: set[tuple[str, tuple[int, ...]]], arrays_max: int, inline: bool):
        self.arrays: list[Array] = []
        self.by_digest = False
        self._known = known
        self._room = arrays_max
        self._inline = inline

    def encode(self, value: Any, depth: int = 0) -> Any:
        if value is None or value is True or value is False or isinstance(value, str):
            return value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, bool):
            return bool(value)
        if isinstance(value, int):
            return int(value) if -(2**63) <= value < 2**63 else _cannot("a number beyond 64 bits")
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else _cannot(_not_finite(value))
        if depth > _DEEPEST:
            return _cannot(f"nested deeper than {_DEEPEST}")
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, list):
            return [self.encode(v, depth + 1) for v in value]
        if isinstance(value, tuple):
            return {"$": "t", "v": [self.encode(v, depth + 1) for v in value]}
        if isinstance(value, dict):
            if "$" not in value and all(type(k) is str for k in value):
                return {k: self.encode(v, depth + 1) for k, v in value.items()}
            rows = [
                [self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()
            ]
            return {"$": "m", "v": rows}
        if isinstance(value, Result):
            fields = dict(value.__dict__)
            status, detail = str(fields.pop("status", "")), str(fields.pop("detail", ""))
            return {"$": "r", "s": status, "d": detail, "f": self.encode(fields, depth + 1)}
        return _cannot(f"of type {type(value).__name__}")

    def _array(self, value: Array) -> Any:
        if value.dtype.name not in DTYPES:
            return _cannot(f"an array of {value.dtype}")
        if value.ndim > 8:
            return _cannot(f"an array of {value.ndim} dimensions")
        array = np.ascontiguousarray(value, value.dtype.newbyteorder("="))
        array = array.reshape(value.shape)  # ascontiguousarray makes a scalar one-dimensional
        shape = (array.dtype.name, array.shape)
        if array.nbytes >= DIGEST_FROM_BYTES and shape in self._known and not self._inline:
            self.by_digest = True
            return {"$": "d", "h": digest(array)}
        if array.nbytes > self._room:
            return _cannot(f"an array of {array.nbytes} bytes, more than one call may carry")
        self._room -= array.nbytes
        self.arrays.append(array)
        return {"$": "a", "i": len(self.arrays) - 1}


def decode(value: Any, arrays: list[Array]) -> Any:
    """Values as the program gets them."""
    if isinstance(value, list):
        return [decode(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    tag = value.get("$")
    if tag is None:
        return {k: decode(v, arrays) for k, v in value.items()}
    if tag == "a":
        return arrays[value["i"]]
    if tag == "t":
        return tuple(decode(v, arrays) for v in value["v"])
    if tag == "f":
        return float(value["v"])
    if tag == "m":
        return {decode(k, arrays): decode(v, arrays) for k, v in value["v"]}
    return Result(value["s"], value["d"], decode(value["f"], arrays))


def digest(array: Array) -> str:
    """Names an array by its content, type and shape. ``array`` is contiguous."""
    name = hashlib.blake2b(f"{array.dtype.name}{array.shape}".encode(), digest_size=16)
    name.update(array.data.cast("B") if array.nbytes else b"")
    return name.hexdigest()


def _cannot(what: str) -> Message:
    return {"$": "x", "w": what}


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinite"
