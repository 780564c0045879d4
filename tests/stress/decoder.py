"""One reader of bytes that come from outside its own process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Decoder:
    """One reader of foreign bytes."""

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], bool]
    refusals: tuple[type[Exception], ...]
    share: float = 1.0
    """Of the volume: less where one message is a whole file."""
