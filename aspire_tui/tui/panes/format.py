"""Numbers, times and values in the words of the console."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from aspire_tui.domain import JSON, Check, Outcome, Status
from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line

OUTCOME_ROLES: Mapping[Outcome | None, str] = {
    "PASS": "ok",
    "FAIL": "bad",
    "UNSURE": "unsure",
    None: "dim",
}


def clock(wall_s: float) -> str:
    """Time of day."""
    return time.strftime("%H:%M:%S", time.localtime(wall_s)) if wall_s > 0 else "--:--:--"


def seconds(value: float) -> str:
    """A duration with its unit, at most six cells."""
    if value < 0.001:
        return "0 s"
    if value < 1:
        return f"{1e3 * value:.0f} ms"
    if value < 100:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def count(value: float) -> str:
    """A count with k and M."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f}{unit}"
    return f"{value:.0f}"


def some(n: int, what: str, many: str = "") -> str:
    """A count of things: ``1 call``, ``2 calls``."""
    return f"{n} {what}" if n == 1 else f"{n} {many or what + 's'}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def ratio(k: int, n: int) -> str:
    return f"{k}/{n}"


def vector(values: Sequence[float], digits: int = 3) -> str:
    return " ".join(f"{rounded(value, digits):+.{digits}f}" for value in values)


def rounded(value: float, digits: int) -> float:
    """Never a zero with a minus."""
    return round(value, digits) + 0.0


def rotation(wxyz: Sequence[float]) -> str:
    """A quaternion; of the two that mean one rotation that whose largest part is positive."""
    sign = 1.0 if max(wxyz, key=abs, default=1.0) > 0 else -1.0
    return vector([sign * v for v in wxyz], 2)


def degrees(values_rad: Sequence[float]) -> str:
    return vector([math.degrees(value) for value in values_rad], 1)


def value_text(value: JSON, limit: int = 400) -> str:
    """A JSON value on one line: numbers with four digits, strings quoted, foreign text inert."""
    return clean_line(_value(value), limit)


def _value(value: JSON) -> str:
    match value:
        case None:
            return "None"
        case bool():
            return str(value)
        case float():
            return f"{value:.4g}"
        case str():
            return repr(value[:400])
        case list() | tuple():
            head = ", ".join(_value(item) for item in value[:24])
            return f"[{head}{', …' if len(value) > 24 else ''}]"
        case dict():
            items = list(value.items())
            head = ", ".join(f"{key}: {_value(item)}" for key, item in items[:24])
            return f"{{{head}{', …' if len(items) > 24 else ''}}}"
    return str(value)


def status_mark(status: Status | None, open_: bool, glyphs: Glyphs) -> tuple[str, str, str]:
    """Glyph, word and role of a call's end; ``open_`` tells in flight from unknown outcome."""
    if status is None:
        return (
            (glyphs.flight, "in flight", "accent")
            if open_
            else (glyphs.unknown, "unknown outcome", "unsure")
        )
    if status == "OK":
        return glyphs.ok, "OK", "ok"
    return glyphs.bad, status, "bad"


def outcome_mark(outcome: str | None, glyphs: Glyphs) -> str:
    """The glyph of a verdict, a reset verdict or a check."""
    match outcome:
        case "PASS" | "ok":
            return glyphs.ok
        case "FAIL" | "failed" | "unsafe_held_object":
            return glyphs.bad
        case None:
            return glyphs.dot
    return glyphs.unsure


def check_range(check: Check, glyphs: Glyphs) -> str:
    """The range a value must lie in."""
    match check.lo, check.hi:
        case (lo, hi) if lo is not None and lo == hi:
            return f"= {lo:.4g}"
        case None, None:
            return ""
        case lo, None:
            return f"{glyphs.at_least} {lo:.4g}"
        case None, hi:
            return f"{glyphs.at_most} {hi:.4g}"
        case lo, hi:
            return f"{lo:.4g} {glyphs.between} {hi:.4g}"
    return ""


def section(title: str, width: int, glyphs: Glyphs) -> Line:
    """A quiet heading inside a pane."""
    rule = glyphs.rule * max(0, width - len(title) - 3)
    return line((f"{glyphs.rule} ", "faint"), (title, "dim"), (f" {rule}", "faint"))


def field(name: str, value: str, role: str = "", name_width: int = 11) -> Line:
    return line((f"{name:<{name_width}} ", "dim"), (value, role))
