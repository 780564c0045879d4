"""How a call keeps the pictures it used: losslessly, with depth and geometry. Encoders are pure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aspire_tui.domain import Blob, Keyframe, sha256_hex

if TYPE_CHECKING:
    from aspire_tui.environment.bench import View

PNG_EFFORT = 1
"""Sensor noise does not compress, so little effort loses little."""


class EvidenceSink(Protocol):
    """Turns a view into a keyframe whose bytes are kept somewhere."""

    def keyframe(self, view: View, overlay: NDArray[np.uint8] | None = None) -> Keyframe:
        """Keep a picture, and the same with drawings on it, shape (H, W, 3), for people."""
        ...


class NullEvidence:
    """Names pictures by content and keeps none: previews, tests, tools without a session."""

    def keyframe(self, view: View, overlay: NDArray[np.uint8] | None = None) -> Keyframe:
        depth = view.frame.depth
        return Keyframe(
            camera=view.camera,
            t_s=view.frame.t_s,
            rgb=_named(view.rgb),
            depth=None if depth is None else _named(depth),
            depth_unit_m=view.frame.depth_unit_m,
            K=rows(view.K),
            T_base_cam=rows(view.T_base_cam),
            overlay=None if overlay is None else _named(overlay),
        )


def _named(array: NDArray[np.generic]) -> Blob:
    data = np.ascontiguousarray(array).tobytes()
    return Blob(sha256_hex(data), "application/x-not-kept", len(data))


def rows(matrix: NDArray[np.floating]) -> tuple[tuple[float, ...], ...]:
    """A matrix as plain tuples, for the record."""
    return tuple(tuple(float(v) for v in row) for row in matrix)


def encode_rgb_png(rgb: NDArray[np.uint8]) -> bytes:
    """Shape (H, W, 3), lossless."""
    return _png(Image.fromarray(np.ascontiguousarray(rgb, dtype=np.uint8)))


def encode_rgb_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """Shape (H, W, 3), for people only: drawings on a picture that is kept losslessly beside it."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb, dtype=np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def encode_depth_png(depth: NDArray[np.uint16]) -> bytes:
    """Shape (H, W), 16 bits per pixel, lossless; the unit is told beside it."""
    if depth.dtype != np.uint16 or depth.ndim != 2:
        raise ValueError(f"depth is {depth.dtype} of shape {depth.shape}, expected (H, W) uint16")
    return _png(Image.fromarray(np.ascontiguousarray(depth)))


def decode_rgb_png(data: bytes) -> NDArray[np.uint8]:
    """Shape (H, W, 3)."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def decode_depth_png(data: bytes) -> NDArray[np.uint16]:
    """Shape (H, W), in the unit told beside the picture."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture).astype(np.uint16)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, format="PNG", compress_level=PNG_EFFORT)
    return out.getvalue()
