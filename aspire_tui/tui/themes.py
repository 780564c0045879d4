"""The one palette: what each role looks like, per theme. No colour is named anywhere else.

Colours are xterm palette numbers, the same on every terminal with 256 colours. A role is told by
its word and glyph first; colour only helps. Red on yellow is used nowhere: that is the emergency
stop's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from rich.color import Color as RichColor
from rich.style import Style
from textual.theme import Theme

from aspire_tui.tui.screen.text import Pixel

ThemeName = Literal["dark", "light", "contrast", "ansi", "mono"]
CYCLE: Final[tuple[ThemeName, ...]] = ("dark", "light", "contrast", "ansi")
"""Themes an operator goes through; without colour there is only one."""

_DARK: Final[dict[str, str]] = {
    "": "color(252)",
    "strong": "bold color(255)",
    "dim": "color(246)",
    "faint": "color(240)",
    "title": "bold color(110)",
    "key": "bold color(110)",
    "accent": "color(110)",
    "ok": "color(114)",
    "warn": "color(179)",
    "bad": "bold color(209)",
    "unsure": "color(179)",
    "run": "bold color(114)",
    "hold": "bold color(75)",
    "stopped": "bold color(209)",
    "unknown": "bold color(252)",
    "agent": "color(146)",
    "said": "color(252)",
    "tool": "color(110)",
    "number": "color(151)",
    "name": "color(249)",
    "badge_sim": "bold color(233) on color(110)",
    "badge_real": "bold color(233) on color(215)",
    "badge_replay": "bold color(233) on color(146)",
    "live": "bold color(114)",
    "replay": "bold color(146)",
    "stale": "bold reverse",
    "brand": "bold color(215)",
    "bar_executing": "color(114)",
    "bar_resetting": "color(110)",
    "bar_verifying": "color(73)",
    "bar_thinking": "color(146)",
    "bar_operator": "color(179)",
    "bar_held": "color(75)",
    "bar_fault": "color(209)",
    "bar_idle": "color(240)",
    "code": "color(250)",
    "code_keyword": "color(110)",
    "code_string": "color(151)",
    "code_comment": "color(242)",
    "code_number": "color(180)",
    "code_call": "color(146)",
    "code_here": "bold color(255) on color(238)",
    "ask": "bold color(255) on color(24)",
    "choice": "color(252) on color(24)",
    "choice_on": "bold color(233) on color(252)",
    "alarm": "bold color(209)",
    "note": "color(246)",
}

_LIGHT: Final[dict[str, str]] = {
    "": "color(235)",
    "strong": "bold color(232)",
    "dim": "color(241)",
    "faint": "color(249)",
    "title": "bold color(25)",
    "key": "bold color(25)",
    "accent": "color(25)",
    "ok": "color(28)",
    "warn": "color(130)",
    "bad": "bold color(160)",
    "unsure": "color(130)",
    "run": "bold color(28)",
    "hold": "bold color(25)",
    "stopped": "bold color(160)",
    "unknown": "bold color(235)",
    "agent": "color(55)",
    "said": "color(235)",
    "tool": "color(25)",
    "number": "color(23)",
    "name": "color(238)",
    "badge_sim": "bold color(231) on color(25)",
    "badge_real": "bold color(231) on color(130)",
    "badge_replay": "bold color(231) on color(55)",
    "live": "bold color(28)",
    "replay": "bold color(55)",
    "stale": "bold reverse",
    "brand": "bold color(130)",
    "bar_executing": "color(28)",
    "bar_resetting": "color(25)",
    "bar_verifying": "color(30)",
    "bar_thinking": "color(55)",
    "bar_operator": "color(130)",
    "bar_held": "color(25)",
    "bar_fault": "color(160)",
    "bar_idle": "color(249)",
    "code": "color(237)",
    "code_keyword": "color(25)",
    "code_string": "color(28)",
    "code_comment": "color(245)",
    "code_number": "color(94)",
    "code_call": "color(55)",
    "code_here": "bold color(232) on color(253)",
    "ask": "bold color(231) on color(25)",
    "choice": "color(231) on color(25)",
    "choice_on": "bold color(25) on color(231)",
    "alarm": "bold color(160)",
    "note": "color(241)",
}

_PLAINER: Final = {
    "color(252)": "color(231)", "color(246)": "color(254)", "color(240)": "color(250)",
    "color(110)": "color(123)", "color(114)": "color(120)", "color(179)": "color(228)",
    "color(209)": "color(217)", "color(75)": "color(159)", "color(146)": "color(225)",
    "color(151)": "color(194)", "color(249)": "color(255)", "color(215)": "color(223)",
    "color(250)": "color(231)", "color(242)": "color(250)", "color(180)": "color(230)",
    "color(73)": "color(159)",
}  # fmt: skip
"""Colours of the dark theme and what they are where contrast counts most, at least 7:1 on black."""


def _contrasting(roles: dict[str, str]) -> dict[str, str]:
    brighter = {}
    for role, look in roles.items():
        ink, on, ground = look.partition(" on ")
        words = [_PLAINER.get(word, word) for word in ink.split()]
        brighter[role] = " ".join(words) + on + ground
    return brighter | {
        "ask": "bold color(16) on color(231)",
        "choice": "color(16) on color(231)",
        "choice_on": "bold color(231) on color(16)",
        "code_here": "bold color(16) on color(231)",
    }


_ANSI: Final[dict[str, str]] = {
    "": "default",
    "strong": "bold default",
    "dim": "default",
    "faint": "bright_black",
    "title": "bold cyan",
    "key": "bold cyan",
    "accent": "cyan",
    "ok": "green",
    "warn": "yellow",
    "bad": "bold red",
    "unsure": "yellow",
    "run": "bold green",
    "hold": "bold bright_blue",
    "stopped": "bold red",
    "unknown": "bold default",
    "agent": "magenta",
    "said": "default",
    "tool": "cyan",
    "number": "default",
    "name": "default",
    "badge_sim": "bold reverse cyan",
    "badge_real": "bold reverse default",
    "badge_replay": "bold reverse magenta",
    "live": "bold green",
    "replay": "bold magenta",
    "stale": "bold reverse",
    "brand": "bold default",
    "bar_executing": "green",
    "bar_resetting": "cyan",
    "bar_verifying": "blue",
    "bar_thinking": "magenta",
    "bar_operator": "yellow",
    "bar_held": "bright_blue",
    "bar_fault": "red",
    "bar_idle": "bright_black",
    "code": "default",
    "code_keyword": "cyan",
    "code_string": "green",
    "code_comment": "default",
    "code_number": "default",
    "code_call": "magenta",
    "code_here": "reverse",
    "ask": "bold reverse",
    "choice": "reverse",
    "choice_on": "bold",
    "alarm": "bold red",
    "note": "default",
}

_ATTRIBUTES: Final = ("bold", "reverse", "dim", "underline")


def _without_colour(roles: dict[str, str]) -> dict[str, str]:
    mono = {
        role: " ".join(word for word in look.split() if word in _ATTRIBUTES)
        for role, look in roles.items()
    }
    return mono | {"dim": "dim", "faint": "dim", "note": "dim", "hold": "bold reverse"}


_ROLES: Final[dict[str, dict[str, str]]] = {
    "dark": _DARK,
    "light": _LIGHT,
    "contrast": _contrasting(_DARK),
    "ansi": _ANSI,
    "mono": _without_colour(_ANSI),
}
_GROUND: Final = {
    "dark": "on color(234)",
    "light": "on color(255)",
    "contrast": "on color(16)",
    "ansi": "",
    "mono": "",
}
_CURSOR: Final = {
    "dark": "on color(237)",
    "light": "on color(252)",
    "contrast": "on color(239)",
    "ansi": "reverse",
    "mono": "reverse",
}


class Palette:
    """Turns roles into terminal styles for one theme."""

    def __init__(self, name: ThemeName) -> None:
        self.name = name
        self.ground = Style.parse(_GROUND[name])
        self.cursor = Style.parse(_CURSOR[name])
        self._roles = {role: self.ground + Style.parse(look) for role, look in _ROLES[name].items()}

    def style(self, role: str | Pixel) -> Style:
        """The style of a role or of a picture cell. Raises KeyError on a role that is not named."""
        if isinstance(role, Pixel):
            return _pixel(role.fg, role.bg)
        return self._roles[role]

    def under_cursor_of(self, role: str | Pixel) -> Style:
        """A role on the row of the cursor; where that is reversed, colours would make patches."""
        style = self.style(role)
        return (Style(bold=style.bold) if self.cursor.reverse else style) + self.cursor


@lru_cache(maxsize=65536)
def _pixel(fg: int, bg: int) -> Style:
    return Style.from_color(RichColor.from_ansi(fg), RichColor.from_ansi(bg))


def roles() -> frozenset[str]:
    """Every role there is."""
    return frozenset(_DARK)


_FOR_NATIVE_COLOURS: Final = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_default",
}
"""Names that Textual's own style sheets look up in a theme of the terminal's native colours."""


def textual_theme(name: ThemeName) -> Theme:
    """The same palette for what Textual draws itself: ground, borders, the text field."""
    if name in ("ansi", "mono"):
        return Theme(
            name=f"console-{name}",
            primary="ansi_cyan" if name == "ansi" else "ansi_default",
            secondary="ansi_default",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            ansi=True,
            variables={
                "edge": "ansi_bright_black" if name == "ansi" else "ansi_default",
                "edge-focus": "ansi_cyan" if name == "ansi" else "ansi_default",
                "title": "ansi_default",
                **_FOR_NATIVE_COLOURS,
            },
        )
    dark = name != "light"
    ground = "#000000" if name == "contrast" else "#1c1c1c"
    return Theme(
        name=f"console-{name}",
        primary="#87afd7" if dark else "#005faf",
        foreground="#d0d0d0" if dark else "#262626",
        background=ground if dark else "#eeeeee",
        surface=ground if dark else "#eeeeee",
        panel=ground if dark else "#eeeeee",
        dark=dark,
        ansi=True,
        variables={
            "edge": "#444444" if dark else "#bcbcbc",
            "edge-focus": "#87afd7" if dark else "#005faf",
            "title": "#949494" if dark else "#626262",
            **_FOR_NATIVE_COLOURS,
        },
    )


def choose_theme(colours: str, asked: ThemeName | None = None) -> ThemeName:
    """The theme for a terminal: mono without colour, the user's own sixteen, else what is asked."""
    if colours == "mono" or asked == "mono":
        return "mono"
    if colours == "standard":
        return "ansi"  # the others have no look in sixteen colours
    return asked or "dark"
