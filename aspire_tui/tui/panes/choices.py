"""The launcher's list: what runs, what can be run, what can be replayed."""

from __future__ import annotations

from aspire_tui.tui.inventory import Inventory, Item
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target
from aspire_tui.tui.panes.format import section
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, fit, line, pad, text_width, wrap

_STATE_ROLES = {
    "PASS": "ok",
    "FAIL": "bad",
    "UNSURE": "unsure",
    "running": "run",
    "RUN": "run",
    "HOLD": "hold",
    "damaged": "bad",
    "broken": "bad",
    "silent": "warn",
    "PSTOP": "stopped",
    "FAULT": "stopped",
}
_DOES = {"attach": "attach", "run": "run", "replay": "replay", "cell": ""}
_WELCOME = (
    "A cell is reset and proven ready, a program runs call by call, its outcome is verified by "
    "camera; the failing call is found, repaired, and the repair proven on other seeds.",
    "No hardware is needed: press enter on a task below to watch it on the stand-in, or g for a "
    "guided first session: hold, step, fork, promote, replay. "
    "On any screen space or ctrl+c is HOLD, ? is help and q leaves.",
)


def choices_body(inventory: Inventory | None, look: Look) -> tuple[Body, dict[int, Item]]:
    """The list, and which row is what."""
    if inventory is None:
        return Body("aspire_tui", FixedLines([line(("looking …", "dim"))])), {}
    rows: list[Line] = []
    items: dict[int, Item] = {}
    if (inventory.newcomer or not inventory.sessions) and not inventory.engines:
        rows.append(section("welcome", look.width, look.glyphs))
        for text in _WELCOME:
            rows += wrap(text, look.width)
        rows.append(())
    for title, found in (
        ("running now", inventory.engines),
        ("tasks", inventory.tasks),
        ("cells", inventory.cells),
        ("sessions", inventory.sessions),
    ):
        if not found:
            continue
        rows.append(section(title, look.width, look.glyphs))
        name_width = min(max(text_width(item.name) for item in found), 2 * look.width // 5)
        state_width = max(text_width(item.state) for item in found)
        for item in found:
            items[len(rows)] = item
            rows.append(fit(_parts(item, name_width, state_width), look.width))
        rows.append(())
    targets = {row: Target(item.kind, row) for row, item in items.items()}
    first = min(items, default=None)
    body = Body(
        "aspire_tui", FixedLines(rows), ListedTargets(targets), selected=first,
        foot="tab: runs, tasks, cells, sessions" if items else "",
    )  # fmt: skip
    return body, items


def _parts(item: Item, name_width: int, state_width: int) -> Line:
    return line(
        (pad(clean_line(item.name, 80), name_width) + "  ", "strong"),
        (pad(item.state, state_width), _STATE_ROLES.get(item.state, "dim")),
        "  " if state_width else "",
        (clean_line(item.about, 300), "dim"),
    )


def does(item: Item | None) -> str:
    """What enter does to an item."""
    return _DOES[item.kind] if item is not None else ""
