"""A call that stands, in words: the plan of it, its edits, and the breakpoints there are."""

from __future__ import annotations

import math

from aspire_tui.domain import Breakpoint, CallPreview
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.views import StandingView
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target, nothing
from aspire_tui.tui.panes.format import field, section, value_text, vector
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line, pad, wrap


def plan_words(plan: CallPreview) -> str:
    """What the call would do, on one line."""
    if plan.status != "OK":
        return f"would end {plan.status}: {clean_line(plan.detail, 200)}"
    if not plan.moves:
        return clean_line(plan.detail, 120) or "moves nothing"
    if plan.target_xyz_m is None:
        return f"would move: {clean_line(plan.detail, 120)}"
    turn = f", {plan.joint} {math.degrees(plan.turn_rad):.0f}°" if plan.joint else ""
    return f"would go to {vector(plan.target_xyz_m)} m in {plan.duration_s:.1f} s{turn}"


def stands_words(standing: StandingView) -> str:
    """The standing call on one line, for the bar above the footer."""
    edited = " edited" if standing.edited else ""
    name = clean_line(standing.primitive, 40)
    where = f"(call {standing.call}, line {standing.line})"
    return f"{name} {where}{edited} {plan_words(standing.preview)}"


def standing_lines(standing: StandingView, look: Look) -> list[Line]:
    """The standing call for the pane of the call."""
    plan = standing.preview
    bad = plan.status != "OK"
    rows = [section("stands, nothing has run", look.width, look.glyphs)]
    rows += wrap(clean_line(standing.why, 200), look.width, "hold")
    rows += wrap(plan_words(plan), look.width, "bad" if bad else "strong")
    if plan.target_xyz_m is not None:
        rows.append(field("target", f"{vector(plan.target_xyz_m)} m", "", 8))
        if plan.target_wxyz is not None:
            rows.append(field("wxyz", vector(plan.target_wxyz, 2), "", 8))
        if plan.reach_m is not None:
            rows.append(field("reach", f"{plan.reach_m:.3f} m from the base", "", 8))
        rows.append(field("way", clean_line(plan.detail, 120), "", 8))
        turn = f"{plan.joint} {math.degrees(plan.turn_rad):.1f}°" if plan.joint else "none"
        rows.append(field("turn", f"{turn}, the most of any joint", "", 8))
    for name in standing.edited:
        value = value_text(standing.args.get(name))
        who = clean_line(standing.edited_by, 24)
        rows += wrap(f"{clean_line(name, 40)} = {value}  edited by {who}", look.width, "warn")
    return rows


def breakpoint_words(point: Breakpoint) -> str:
    match point.kind:
        case "primitive":
            return f"before {clean_line(point.primitive, 60)}"
        case "line":
            of = f" of program {point.program[:8]}" if point.program else " of any program"
            return f"line {point.line}{of}"
        case "status":
            return f"after a call that ends {point.status}"


def breakpoints_body(snapshot: Snapshot, look: Look) -> Body:
    """All breakpoints; enter removes the one under the cursor."""
    points = snapshot.breakpoints
    if not points:
        none = line(("none; b sets one: before a primitive, at a line, after a status", "dim"))
        return nothing("Breakpoints", none)
    rows = [
        line((f"{p.number:>3} ", "dim"), (pad(p.kind, 10), "dim"), breakpoint_words(p))
        for p in points
    ]
    rows.append(line(("they hold programs at the bench; trials in workers run through", "dim")))
    targets = {i: Target("breakpoint", p.number) for i, p in enumerate(points)}
    return Body(
        "Breakpoints",
        FixedLines(rows),
        ListedTargets(targets),
        selected=0,
        foot="enter removes, esc closes",
    )
