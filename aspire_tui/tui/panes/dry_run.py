"""A dry run beside the trial of the same program: what was seen, how it went, if they agree."""

from __future__ import annotations

from aspire_tui.domain import Outcome
from aspire_tui.session.dry_runs import DryRunView
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import OUTCOME_ROLES, clock, outcome_mark, section, vector
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, line, pad, wrap

THINGS_LISTED = 8


def dry_run_of(snapshot: Snapshot, program: str) -> DryRunView | None:
    """The newest dry run of a program text."""
    return next((d for d in reversed(snapshot.dry_runs) if d.program == program), None)


def dry_run_words(dry: DryRunView) -> tuple[str, str]:
    """How it went on one line, and the role to say it in."""
    why = clean_line(dry.error or dry.reason, 160)
    role = "ok" if dry.outcome == "PASS" else "warn"
    return f"dry run {dry.outcome or 'without a verdict'}: {why} (pane 3)", role


def dry_run_lines(dry: DryRunView, real: Outcome | None, look: Look) -> list[Line]:
    """Both verdicts on one row each, then what the dry run started from."""
    rows = [section("dry run in the stand-in", look.width, look.glyphs)]
    rows.append(
        _verdict("dry", dry.outcome, f"{clock(dry.wall_s)} by {clean_line(dry.who, 24)}", look)
    )
    rows.append(_verdict("cell", real, "" if real else "not judged", look))
    if real is not None and dry.outcome is not None and real != dry.outcome:
        rows.append(line(("they differ", "warn")))
    why = dry.error or dry.reason
    rows += wrap(clean(why, 400), look.width, "", "  ", "  ")[:3] if why else []
    for number, primitive, status in dry.failed[:3]:
        name = clean_line(primitive, 40)
        rows.append(line((f"  call {number} {name} ", ""), (status, "warn")))
    if not dry.looked:
        return rows
    for text in dry.absent:
        rows += wrap(f"absent: {clean_line(text, 200)}", look.width, "warn", "  ", "    ")[:2]
    rows.append(line(("from what the cell's cameras saw:", "dim")))
    names = max((len(t.name) for t in dry.things), default=0)
    for thing in dry.things[:THINGS_LISTED]:
        name = pad(clean_line(thing.name, 40), min(names, 24))
        sure = (f"±{1000 * thing.sigma_m:.0f} mm", "dim")
        rows.append(line((f"  {name} ", ""), f"{vector(thing.xyz_m)} m ", sure))
    return rows


def _verdict(name: str, outcome: Outcome | None, told: str, look: Look) -> Line:
    word = outcome or "no verdict"
    role = OUTCOME_ROLES[outcome] if outcome else "dim"
    mark = outcome_mark(outcome, look.glyphs) if outcome else " "
    return line((f"{name:<5} ", "dim"), (f"{mark} {word} ", role), (told, "dim"))
