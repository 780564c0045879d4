"""Foreign text made inert: what a program, a model or a device says can never drive the terminal.

Everything shown that was not written by this package passes through here first. Pure.
"""

from __future__ import annotations

import re
from typing import Final

LINE_LIMIT: Final = 2_000
"""Characters of one foreign line that are ever looked at for drawing."""

TEXT_LIMIT: Final = 200_000
"""Characters of one foreign text that are ever looked at for drawing."""

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC up to their end
    r"|\x1b[ -/]*[0-~]"  # two- and three-byte escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"  # 8-bit CSI
    r"|[\x90\x98\x9d-\x9f].*?(?:\x07|\x9c|$)",  # 8-bit OSC, DCS, …
    re.DOTALL,
)

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (without tab and newline) and C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, fillers, marks
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"  # zero width, bidi
    "\ufe00-\ufe0f\U000e0000-\U000e0fff"  # variation selectors, tags
    "]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})"
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text without escapes, controls, bidi overrides or zero-width characters; newlines stay.

    Longer text is cut at ``limit`` characters and ends in ``…``.
    """
    cut = len(text) > limit
    if cut:
        text = text[:limit]
    if not text.isascii() or not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
        text = _ESCAPE.sub("", text)
        text = text.replace("\t", "    ").replace("\r", "\n")
        text = _UNSEEN.sub("", text)
        text = _SURROGATE.sub("?", text)
        text = _MARKS.sub(r"\1", text)
    return text + "…" if cut else text


def clean_line(text: str, limit: int = LINE_LIMIT) -> str:
    """One inert line: as :func:`clean`, with line breaks turned into spaces."""
    return " ".join(clean(text, limit).split("\n"))
