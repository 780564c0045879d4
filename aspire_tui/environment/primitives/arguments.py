"""Checks every argument of a primitive before anything else looks at it.

A primitive annotates its parameters with the aliases below; :func:`coerce` turns what came over the
wire into them or says in one line what is wrong. Shapes and units are part of the alias.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray


class InvalidArgument(ValueError):
    """One argument is unusable: which one, what it was, what would be right."""


Check = Callable[[Any], Any]


def as_array(value: Any, dtype: Any = None) -> NDArray[Any]:
    """An array of numbers, or why it is none."""
    try:
        return np.asarray(value, dtype=dtype)
    except (TypeError, ValueError):
        raise InvalidArgument(f"is {type(value).__name__}, not an array of numbers") from None


def finite(shape: tuple[int, ...], what: str, bound: float) -> Check:
    def check(value: Any) -> NDArray[np.float64]:
        a = as_array(value, np.float64)
        if a.shape != shape:
            raise InvalidArgument(f"has shape {a.shape}, expected {shape} ({what})")
        if not np.all(np.isfinite(a)):
            raise InvalidArgument(f"has NaN or infinity ({what})")
        if np.any(np.abs(a) > bound):
            raise InvalidArgument(f"has a value beyond ±{bound:g} ({what})")
        return a

    check.__doc__ = f"{shape} {what}"
    return check


def _unit_quaternion(value: Any) -> NDArray[np.float64]:
    """unit quaternion wxyz, shape (4,)"""
    a: NDArray[np.float64] = finite((4,), "unit quaternion wxyz", 1e3)(value)
    norm = float(np.linalg.norm(a))
    if abs(norm - 1.0) > 0.05:
        raise InvalidArgument(f"has norm {norm:.3g}, expected a unit quaternion wxyz")
    return a / norm


def _joints(value: Any) -> NDArray[np.float64]:
    """(n_joints,) radians"""
    a = as_array(value, np.float64)
    if a.ndim != 1 or not 1 <= a.size <= 16:
        raise InvalidArgument(f"has shape {a.shape}, expected (n_joints,) radians")
    if not np.all(np.isfinite(a)):
        raise InvalidArgument("has NaN or infinity (joint radians)")
    return a


def number_between(lo: float, hi: float, unit: str) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise InvalidArgument(f"is {type(value).__name__}, expected a number in {unit}")
        f = float(value)
        if not math.isfinite(f) or not lo <= f <= hi:
            raise InvalidArgument(f"is {f:g}, expected {lo:g} to {hi:g} {unit}")
        return f

    check.__doc__ = f"{lo:g} to {hi:g} {unit}".strip()
    return check


def whole(lo: int, hi: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InvalidArgument(f"is {type(value).__name__}, expected a whole number")
        if not lo <= int(value) <= hi:
            raise InvalidArgument(f"is {int(value)}, expected {lo} to {hi}")
        return int(value)

    check.__doc__ = f"whole number, {lo} to {hi}"
    return check


def _text(limit: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise InvalidArgument(f"is {type(value).__name__}, expected text")
        if not value.strip():
            raise InvalidArgument("is empty text")
        if len(value) > limit:
            raise InvalidArgument(f"is {len(value)} characters, at most {limit}")
        return value

    check.__doc__ = f"text, at most {limit} characters"
    return check


def _flag(value: Any) -> bool:
    """True or False"""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidArgument(f"is {type(value).__name__}, expected True or False")
    return bool(value)


def _pixel(value: Any) -> tuple[float, float]:
    """(x, y) in pixels"""
    a = finite((2,), "pixel (x, y)", 1e5)(value)
    return float(a[0]), float(a[1])


def _rgb(value: Any) -> NDArray[np.uint8]:
    """picture (H, W, 3) uint8"""
    a = as_array(value, None)
    if a.ndim != 3 or a.shape[2] != 3 or a.dtype != np.uint8:
        raise InvalidArgument(f"has shape {a.shape} {a.dtype}, expected (H, W, 3) uint8")
    return a


def _depth(value: Any) -> NDArray[np.float32]:
    """depth (H, W), metres"""
    a = as_array(value, np.float32)
    if a.ndim == 3 and a.shape[2] == 1:
        a = a[:, :, 0]
    if a.ndim != 2:
        raise InvalidArgument(f"has shape {a.shape}, expected (H, W) depth in metres")
    return a


def _mask(value: Any) -> NDArray[np.bool_]:
    """mask (H, W)"""
    a = as_array(value, None)
    if a.ndim == 3 and 1 in (a.shape[0], a.shape[2]):
        a = a.reshape(a.shape[0] if a.shape[2] == 1 else a.shape[1], -1)
    if a.ndim != 2:
        raise InvalidArgument(f"has shape {a.shape}, expected (H, W) mask")
    return a.astype(bool)


def _points(value: Any) -> NDArray[np.float64]:
    """points (..., 3), metres"""
    a = as_array(value, np.float64)
    if a.ndim < 2 or a.shape[-1] != 3:
        raise InvalidArgument(f"has shape {a.shape}, expected (..., 3) points in metres")
    return a


def _stack(value: Any) -> NDArray[np.float64]:
    """transforms (K, 4, 4)"""
    a = as_array(value, np.float64)
    if a.ndim != 3 or a.shape[1:] != (4, 4) or not np.all(np.isfinite(a)):
        raise InvalidArgument(f"has shape {a.shape}, expected (K, 4, 4) finite transforms")
    return a


def _patches(value: Any) -> NDArray[np.float64]:
    """rows (K, 4): x, y, long, wide, metres"""
    a = as_array(value, np.float64)
    if a.ndim != 2 or a.shape[1] != 4 or not 1 <= len(a) <= 16 or not np.all(np.isfinite(a)):
        raise InvalidArgument(f"has shape {a.shape}, expected (K, 4) rows x, y, long, wide, metres")
    if np.any(a[:, 2:] <= 0) or np.any(np.abs(a) > 1.0):
        raise InvalidArgument("has a side that is not within 0 to 1 m")
    return a


def _row(value: Any) -> NDArray[np.float64]:
    """numbers (K,)"""
    a = as_array(value, np.float64)
    if a.ndim != 1 or not np.all(np.isfinite(a)):
        raise InvalidArgument(f"has shape {a.shape}, expected (K,) finite numbers")
    return a


Position = Annotated[NDArray[np.float64], finite((3,), "metres, base frame", 10.0)]
Quaternion = Annotated[NDArray[np.float64], _unit_quaternion]
Joints = Annotated[NDArray[np.float64], _joints]
Transform = Annotated[NDArray[np.float64], finite((4, 4), "transform", 1e3)]
Rotation = Annotated[NDArray[np.float64], finite((3, 3), "rotation matrix", 1.5)]
Intrinsics = Annotated[NDArray[np.float64], finite((3, 3), "pinhole intrinsics, pixels", 1e5)]
Vector = Annotated[NDArray[np.float64], finite((3,), "vector", 1e6)]
Patches = Annotated[NDArray[np.float64], _patches]
Transforms = Annotated[NDArray[np.float64], _stack]
Scores = Annotated[NDArray[np.float64], _row]
Points = Annotated[NDArray[np.float64], _points]
Rgb = Annotated[NDArray[np.uint8], _rgb]
Depth = Annotated[NDArray[np.float32], _depth]
Mask = Annotated[NDArray[np.bool_], _mask]
Pixel = Annotated[tuple[float, float], _pixel]
Prompt = Annotated[str, _text(200)]
Question = Annotated[str, _text(500)]
Key = Annotated[str, _text(80)]
Flag = Annotated[bool, _flag]
Metres = Annotated[float, number_between(-2.0, 2.0, "metres")]
Width = Annotated[float, number_between(0.0, 0.3, "metres")]
Force = Annotated[float, number_between(0.0, 200.0, "newtons")]
Seconds = Annotated[float, number_between(0.0, 600.0, "seconds")]
Step = Annotated[float, number_between(1e-5, 10.0, "metres")]
Fraction = Annotated[float, number_between(0.0, 1.0, "(fraction)")]
Count = Annotated[int, whole(1, 1_000_000)]
Number = Annotated[float, number_between(-1e9, 1e9, "")]


def coerce(name: str, check: Check, value: Any) -> Any:
    """Apply one alias's check, naming the argument in the error."""
    try:
        return check(value)
    except InvalidArgument as error:
        raise InvalidArgument(f"argument {name} {error}") from None
