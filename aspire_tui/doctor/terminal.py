"""Judges the terminal from what the environment says; nothing is ever sent to it."""

from __future__ import annotations

from aspire_tui.doctor.finding import finding
from aspire_tui.doctor.seen import TerminalSeen
from drivers.types import Finding

LEAST_COLUMNS, LEAST_ROWS = 80, 24


def check_terminal(seen: TerminalSeen) -> tuple[Finding, ...]:
    """The terminal, its colours and characters; what only asking it could tell is unknown."""
    env = seen.environment
    if not seen.is_tty:
        text = "output is not a terminal"
        return (finding("terminal", "info", "terminal", text, "a terminal, or --headless"),)
    name = env.get("TERM", "")
    size = f"{seen.columns}×{seen.rows}"
    inside = " in tmux" if "TMUX" in env else " in screen" if "STY" in env else ""
    usable = name not in ("", "dumb")
    big_enough = seen.columns >= LEAST_COLUMNS and seen.rows >= LEAST_ROWS
    remedies = [] if usable else ["set TERM to what your terminal is, e.g. xterm-256color"]
    if not big_enough:
        remedies.append(f"make the window at least {LEAST_COLUMNS}×{LEAST_ROWS}")
    return (
        finding(
            "terminal",
            "info" if usable and big_enough else "warn",
            "terminal",
            f"{name or 'TERM is not set'}{inside}, {size}",
            f"{LEAST_COLUMNS}×{LEAST_ROWS} or larger",
            do=tuple(remedies),
        ),
        _colours(env),
        _characters(seen.encoding),
        _pictures(env),
    )


def _colours(env: dict[str, str]) -> Finding:
    name = env.get("TERM", "")
    if env.get("NO_COLOR"):
        text = "none: NO_COLOR is set"
    elif env.get("COLORTERM", "") in ("truecolor", "24bit"):
        text = "24 bit"
    elif "256" in name or "direct" in name:
        text = "256"
    elif name in ("", "dumb"):
        text = "none"
    else:
        text = "16, as far as TERM says"
    return finding("colours", "info", "colours", text, "any; 24 bit shows pictures best")


def _characters(encoding: str) -> Finding:
    if encoding.lower().replace("-", "") == "utf8":
        return finding("characters", "info", "characters", "UTF-8", "UTF-8")
    return finding(
        "characters",
        "warn",
        "characters",
        encoding or "unknown",
        "UTF-8",
        why="lines and pictures are drawn with it",
        do=("export LANG=C.UTF-8", "or start with --ascii"),
    )


def _pictures(env: dict[str, str]) -> Finding:
    """Whether pixels could be shown: said only of terminals that name themselves."""
    if "TMUX" in env or "STY" in env:
        text = "unknown: a multiplexer stands between"
    elif "KITTY_WINDOW_ID" in env or env.get("TERM", "") == "xterm-kitty":
        text = "kitty, by its name; not asked"
    elif env.get("TERM_PROGRAM", "") in ("ghostty", "WezTerm"):
        text = f"kitty, as {env['TERM_PROGRAM']} has it; not asked"
    else:
        text = "unknown"
    return finding(
        "pixels", "info", "pixel graphics", text, "not needed: pictures are drawn in half blocks"
    )
