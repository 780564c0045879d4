"""Pictures made small for a network: JPEG for colour, 16-bit PNG for depth. Pure."""

from __future__ import annotations

import io
from typing import Final

import msgspec
import numpy as np
from PIL import Image, UnidentifiedImageError

from drivers.cameras.wire import FrameReply

JPEG: Final = "jpeg"
QUALITY: Final = 95
"""With colour at full resolution: what a network does to a picture must not decide a trial."""
PIXELS_AT_MOST: Final = 4096 * 4096


def packed(reply: FrameReply) -> FrameReply:
    """The same picture in fewer bytes; depth is exact, colour nearly."""
    if reply.code or reply.packing:
        return reply
    shape = (reply.height, reply.width)
    rgb = Image.fromarray(np.frombuffer(reply.rgb, np.uint8).reshape(*shape, 3))
    depth = None
    if reply.depth is not None:
        depth = _saved(Image.fromarray(np.frombuffer(reply.depth, "<u2").reshape(shape)), "PNG")
    return msgspec.structs.replace(reply, packing=JPEG, rgb=_saved(rgb, "JPEG"), depth=depth)


def unpacked(reply: FrameReply) -> FrameReply:
    """As the camera process gave it. Raises ValueError when the bytes are no such picture."""
    if not reply.packing:
        return reply
    size = (reply.width, reply.height)
    if reply.packing != JPEG or not 0 < size[0] * size[1] <= PIXELS_AT_MOST:
        raise ValueError(f"a picture packed as {reply.packing!r}, {size[0]}×{size[1]}")
    rgb = np.asarray(_opened(reply.rgb, size, "JPEG").convert("RGB"), np.uint8)
    depth = None
    if reply.depth is not None:
        depth = np.asarray(_opened(reply.depth, size, "PNG")).astype("<u2").tobytes()
    return msgspec.structs.replace(reply, packing="", rgb=rgb.tobytes(), depth=depth)


def _saved(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "JPEG":
        image.save(out, kind, quality=QUALITY, subsampling=0)
    else:
        image.save(out, kind, compress_level=1)
    return out.getvalue()


def _opened(data: bytes, size: tuple[int, int], kind: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=(kind,))
        if image.size != size:
            raise ValueError(f"a picture of {image.size}, said to be {size}")
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"no {kind}: {error}") from None
    return image
