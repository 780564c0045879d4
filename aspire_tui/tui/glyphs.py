"""The signs of the console, in Unicode and in ASCII. A sign never stands without a word."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import get_character_cell_size


@dataclass(frozen=True)
class Glyphs:
    """One set of signs."""

    ok: str = "✓"
    bad: str = "✗"
    unsure: str = "?"
    unknown: str = "?"
    flight: str = "▸"
    skipped: str = "↷"
    here: str = "◀"
    now: str = "▸"
    run: str = "▶"
    hold: str = "■"
    stopped: str = "◆"
    fault: str = "‼"
    limp: str = "○"
    gone: str = "×"
    waiting: str = "…"
    pulse: str = "●"
    pulse_off: str = "○"
    bar: str = "█"
    bar_rest: str = "░"
    rule: str = "─"
    arrow: str = "→"
    between: str = "–"
    at_least: str = "≥"
    at_most: str = "≤"
    dot: str = "·"
    branch: str = "├ "
    branch_last: str = "└ "
    branch_line: str = "│ "
    node: str = "○"
    node_kept: str = "●"
    node_promoted: str = "◆"
    folded: str = "▸"
    unfolded: str = "▾"
    degree: str = "°"
    left: str = "←"
    right: str = "→"
    ellipsis: str = "…"
    star: str = "•"


UNICODE = Glyphs()

ASCII = Glyphs(
    ok="+",
    bad="x",
    unsure="?",
    unknown="?",
    flight=">",
    skipped="~",
    here="<",
    now=">",
    run=">",
    hold="[]",
    stopped="<>",
    fault="!!",
    limp="o",
    gone="X",
    waiting="..",
    pulse="*",
    pulse_off=".",
    bar="#",
    bar_rest=".",
    rule="-",
    arrow="->",
    between="..",
    at_least=">=",
    at_most="<=",
    dot="|",
    branch="|-",
    branch_last="`-",
    branch_line="| ",
    node="o",
    node_kept="@",
    node_promoted="#",
    folded=">",
    unfolded="v",
    degree=" deg",
    left="<-",
    right="->",
    ellipsis="..",
    star="*",
)


def to_ascii(text: str) -> str:
    """Text of the same width in ASCII: signs by a likeness, anything else by ``?``."""
    if text.isascii():
        return text
    return "".join(glyph if glyph.isascii() else _likeness(glyph) for glyph in text)


def _likeness(glyph: str) -> str:
    if "\u2800" <= glyph <= "\u28ff":  # dots of a plot
        return "." if glyph > "\u2800" else " "
    return _LIKENESS.get(glyph, "?" * get_character_cell_size(glyph))


_LIKENESS = {
    "…": "~",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "→": ">",
    "←": "<",
    "·": ".",
    "•": "*",
    "°": "'",
    "µ": "u",
    "±": "~",
    "≥": ">",
    "≤": "<",
    "≈": "~",
    "“": '"',
    "”": '"',
    "’": "'",
    "‘": "'",
    "✓": "+",
    "✗": "x",
    "─": "-",
    **dict.fromkeys("│┤├", "|"),
    **dict.fromkeys("┌┐└┘┬┴", "+"),
}
