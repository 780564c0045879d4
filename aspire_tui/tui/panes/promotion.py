"""A repair on its way into the library: what the gate found, and the SKILL.md as drafted."""

from __future__ import annotations

from aspire_tui.session.promotions import PromotionView
from aspire_tui.tui.panes.body import Body, Look, nothing
from aspire_tui.tui.panes.format import section
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, line, wrap

_ROLES = {"admitted": "ok", "provisional": "unsure", "refused": "bad", "draft": "accent"}


def promotion_body(waiting: PromotionView | None, skill_text: str, look: Look) -> Body:
    """Findings first: what is missing, what counted, what a person has to mend; then the text."""
    if waiting is None:
        return nothing("Promotion", line(("nothing is being promoted; P drafts", "dim")))
    glyphs = look.glyphs
    of = f" from H{waiting.hypothesis}" if waiting.hypothesis else ""
    rows: list[Line] = [
        line(
            (f"{clean_line(waiting.skill, 60)} ", "strong"),
            (waiting.standing, _ROLES.get(waiting.standing, "dim")),
            (f"{of}, by {clean_line(waiting.author or waiting.who, 24)}", "dim"),
        )
    ]
    if waiting.standing == "draft":
        rows.append(
            line(("the gate would say: ", "dim"), (waiting.would_be, _ROLES[waiting.would_be]))
        )
    rows += _list("still missing", waiting.missing, glyphs.bad, "bad", look)
    rows += _list("counts", waiting.shown, glyphs.ok, "ok", look)
    rows += _list("to mend by hand", waiting.leftovers, glyphs.unsure, "warn", look)
    if skill_text:
        rows.append(section("SKILL.md", look.width, glyphs))
        for text in clean(skill_text).split("\n"):
            rows += wrap(text, look.width, "title" if text.startswith("#") else "")
    if waiting.folder:
        rows.append(section("its files", look.width, glyphs))
        rows += wrap(clean_line(waiting.folder, 400), look.width, "dim")
    foot = "P offers what can be done, j k scroll, esc closes"
    return Body("Promotion", FixedLines(rows), foot=foot)


def _list(title: str, texts: tuple[str, ...], mark: str, role: str, look: Look) -> list[Line]:
    if not texts:
        return []
    rows = [section(title, look.width, look.glyphs)]
    for text in texts:
        rows += wrap(clean_line(text, 400), look.width, role, f"{mark} ", "  ")
    return rows
