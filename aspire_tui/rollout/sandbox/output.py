"""What a program prints: the first and the last part of it, the rest counted."""

from __future__ import annotations

import codecs
from collections.abc import Callable

_TAIL_SHARE = 4
"""One part in this many is kept for the end, where tracebacks are."""


class Output:
    """Collects captured bytes as text. ``on_text`` hears the head as it comes."""

    def __init__(self, kept: int, on_text: Callable[[str], None] | None) -> None:
        self._head_max = kept - kept // _TAIL_SHARE
        self._tail_max = kept // _TAIL_SHARE
        self._head = bytearray()
        self._tail = bytearray()
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.total = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_max - len(self._head)
        fresh, rest = data[:room], data[room:]
        if fresh:
            self._head += fresh
            text = self._decoder.decode(fresh)
            if text and self._on_text is not None:
                self._on_text(text)
        if rest:
            self._tail += rest
            del self._tail[: -self._tail_max or None]

    @property
    def cut(self) -> int:
        """Bytes that were not kept."""
        return self.total - len(self._head) - len(self._tail)

    def text(self) -> str:
        """Everything kept, with a line where something is missing."""
        if not self.cut:
            return bytes(self._head + self._tail).decode("utf-8", "replace")
        gap = f"\n… {self.cut} bytes of output not kept …\n"
        head = bytes(self._head).decode("utf-8", "replace")
        return head + gap + bytes(self._tail).decode("utf-8", "replace")
