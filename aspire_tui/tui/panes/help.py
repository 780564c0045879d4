"""Help and the list of acts: made from the one registry."""

from __future__ import annotations

from typing import Final

from aspire_tui.tui.actions import ACTIONS, Group, Situation, find, keys_word
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target
from aspire_tui.tui.panes.format import section
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.text import Line, line, pad, spread, wrap

_GROUPS: tuple[tuple[Group, str], ...] = (
    ("cell", "the robot"),
    ("agent", "the agent"),
    ("session", "the session"),
    ("replay", "replay"),
    ("look", "looking around"),
    ("console", "the console"),
)

_PANES: Final[dict[str, tuple[str, ...]]] = {
    "calls": (
        "The calls of the shown trial, each with how it ended and how long it took. The mark on "
        "the right is on the call that explains a failure. j and k choose, enter shows one whole.",
        "o shows its picture, u asks it otherwise, C lays this trial beside one that ended "
        "differently, O groups all failures of its program.",
    ),
    "call": (
        "One call in full: what was asked and answered, robot before and after, the line it comes "
        "from, and from above where it went. c shows the whole program, o pictures.",
        "While a program stands here: l runs the call, S skips it, e edits it, a offers all of it.",
    ),
    "checks": (
        "Reset, program and verdict apart: what ended, what it claims, what the verifier measured. "
        "Truth of the stand-in stands by itself and steers nothing.",
        "V overrides the verdict with a note; the verifier's own stays. v verifies by hand.",
    ),
    "agent": (
        "What the agent thinks, says and does, newest at the end; scrolling up stops following.",
        "i writes to it, w answers what it asks, m and M allow and deny, p pauses it, t has it try "
        "again from the shown trial.",
    ),
    "search": (
        "Hypotheses with their claim and scores, each seed set by itself; enter unfolds trials, "
        "enter on a trial shows it.",
        "f forks, F edits and forks, + borrows, x gives up, d compares with the parent, "
        "P promotes.",
    ),
    "time": (
        "Where the time went, on the clock it names; the best score so far; tokens; what was "
        "judged. Wall and simulated time are never pooled, and neither are seed sets.",
    ),
}

_ABOUT_HOLD = (
    "HOLD decelerates and holds with drives powered. It is not an emergency stop and never "
    "replaces the red button; the strip shows the real one's own state.",
    "The key goes from the terminal's input straight to the cell host, past the engine and past "
    "drawing. It needs the link: on a dead SSH connection it never arrives, and then the cell's "
    "own watchdog and the operator's red button are what is left.",
    "In tmux's copy mode keys go to tmux: leave it with q first. Keep a second pane with "
    "`aspire-tui cell hold`, or put that on a foot pedal.",
    "Keep-alive for SSH: ServerAliveInterval 2, ServerAliveCountMax 3, Compression yes.",
)


def help_body(now: Situation, look: Look) -> Body:
    """Every key by group, each with its reason when it does nothing now."""
    rows: list[Line] = []
    if now.pane in _PANES:
        rows.append(section(f"this pane: {now.pane}", look.width, look.glyphs))
        for text in _PANES[now.pane]:
            rows += wrap(text, look.width, "", f"{look.glyphs.star} ", "  ")
    groups = sorted(_GROUPS, key=lambda g: g[0] != "replay") if now.mode == "replay" else _GROUPS
    for group, title in groups:
        rows.append(section(title, look.width, look.glyphs))
        for action in ACTIONS:
            if action.group == group:
                rows += _help_rows(action.id, now, look)
    rows.append(section("what HOLD is, and what it needs", look.width, look.glyphs))
    for text in _ABOUT_HOLD:
        rows += wrap(text, look.width, "", f"{look.glyphs.star} ", "  ")
    return Body("Help", FixedLines(rows), foot="esc closes, j k scroll")


def _help_rows(action_id: str, now: Situation, look: Look) -> list[Line]:
    action = next(a for a in ACTIONS if a.id == action_id)
    why = action.why_disabled(now)
    key_width = 14
    text = action.what + (" It asks first." if action.confirm(now) is not None else "")
    rows = wrap(text, look.width - key_width, "dim" if why else "")
    head = line((pad(keys_word(action, now.keys), key_width), "dim" if why else "key"))
    first = (*head, *rows[0])
    rest = [(*line(" " * key_width), *row) for row in rows[1:]]
    reason = [line(" " * key_width, (f"not now: {why}", "warn"))] if why else []
    return [first, *rest, *reason]


def palette_body(query: str, now: Situation, look: Look) -> Body:
    """Acts that match what was typed, with key and reason."""
    found = find(query)
    rows = []
    for action in found:
        why = action.why_disabled(now)
        left = line((pad(action.title, 16), "dim" if why else "strong"), (action.what, "dim"))
        right = line((f"{why} " if why else "", "warn"), (keys_word(action, now.keys), "key"))
        rows.append(spread(left, right, look.width))
    targets = {index: Target(action.id, index) for index, action in enumerate(found)}
    if not found:
        rows = [line(("no act has these words", "dim"))]
    return Body(
        "Acts", FixedLines(rows), ListedTargets(targets), selected=0 if found else None,
        foot="type to find, enter does it, esc closes",
    )  # fmt: skip
