"""One call in full: what was asked, what came of it, what robot and cameras were like."""

from __future__ import annotations

from aspire_tui.domain import Evidence, RobotState
from aspire_tui.events import CallIntent, CallResult
from aspire_tui.session.rows import CallDetail
from aspire_tui.tui.moment import Moment, pictures_of
from aspire_tui.tui.panes.body import Body, Look, nothing
from aspire_tui.tui.panes.format import (
    degrees,
    field,
    rotation,
    rounded,
    seconds,
    section,
    status_mark,
    value_text,
    vector,
)
from aspire_tui.tui.panes.from_above import map_lines
from aspire_tui.tui.panes.picture import picture_lines
from aspire_tui.tui.panes.source_code import listing
from aspire_tui.tui.panes.standing import standing_lines
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, line, plain, spread, wrap

SOURCE_AROUND = 3
GRASPS_LISTED = 6
SAID_ABOVE = ("status", "detail", "duration_s")
"""Fields of a result that the head of the pane says already."""


def inspector_body(moment: Moment, look: Look) -> Body:
    """The call that is selected, or the newest."""
    detail = moment.call
    if detail is None:
        return nothing("Call", line(("no call yet", "dim")))
    intent, result = detail.intent, detail.result
    lines = [
        *_head(detail, moment, look),
        *_stands(intent, moment, look),
        *picture_lines(moment, look),
        *_asked(intent, look),
        *_edited(result, look),
        *_answered(result, look),
        *_program(intent, moment, look),
    ]
    if result is not None:
        lines += _evidence(result.evidence, look)
        lines += map_lines(intent, result, look)
    return Body(
        title=f"Call {intent.call} {look.glyphs.dot} {clean_line(intent.primitive, 60)}",
        lines=FixedLines(lines),
        foot=_foot(moment),
    )


def program_body(moment: Moment, look: Look) -> Body:
    """The whole program of the shown trial, the shown call's line marked."""
    program = moment.program
    if program is None:
        return nothing("Program", line(("no program yet", "dim")))
    here = moment.call.intent.line if moment.call else 0
    lines = listing(program.text, here, look.width, look.glyphs)
    selected = here - 1 if 0 < here <= len(lines) else None
    title = f"Program {program.program[:8]} by {clean_line(program.author, 24)}"
    return Body(title=title, lines=FixedLines(lines), selected=selected, foot=f"line {here}")


def _head(detail: CallDetail, moment: Moment, look: Look) -> list[Line]:
    intent, result = detail.intent, detail.result
    open_ = bool(moment.trial and moment.trial.closed_seq is None and not moment.snapshot.ended)
    mark, word, role = status_mark(result.status if result else None, open_, look.glyphs)
    times = ""
    if result is not None:
        times = seconds(result.duration_s)
        times += f"  thought {seconds(result.think_s)}" if result.think_s >= 0.001 else ""
        times += f"  held {seconds(result.held_s)}" if result.held_s >= 0.001 else ""
    attempt = f"attempt {intent.attempt} " if intent.attempt > 1 else ""
    right = line((attempt, "dim"), (times, "dim"))
    lines = [spread(line((f"{mark} {word}", role)), right, look.width)]
    if result is not None and result.operator:
        who = clean_line(result.skipped_by or result.edited_by or "the operator", 24)
        lines.append(line((f"{result.operator} by {who}", "warn")))
    if result is not None and result.summary:
        lines += wrap(clean_line(result.summary), look.width, "strong" if role == "bad" else "")
    return lines


def _asked(intent: CallIntent, look: Look) -> list[Line]:
    lines = [section("in", look.width, look.glyphs)]
    if not intent.args:
        return [*lines, line(("no arguments", "dim"))]
    return lines + _named({name: value_text(v) for name, v in intent.args.items()}, look)


def _stands(intent: CallIntent, moment: Moment, look: Look) -> list[Line]:
    stood = moment.snapshot.standing
    here = stood is not None and (stood.trial, stood.call) == (intent.trial, intent.call)
    return standing_lines(stood, look) if stood is not None and here else []


def _edited(result: CallResult | None, look: Look) -> list[Line]:
    """What was run instead of the program's own arguments."""
    if result is None or not result.edited_args:
        return []
    who = clean_line(result.edited_by, 24)
    head = section(f"run with, edited by {who}", look.width, look.glyphs)
    values = {name: value_text(v) for name, v in result.edited_args.items()}
    return [head, *_named(values, look)]


def _named(values: dict[str, str], look: Look) -> list[Line]:
    names = {clean_line(name, 40): value for name, value in values.items()}
    name_width = min(18, max(len(name) for name in names))
    lines: list[Line] = []
    for name, value in names.items():
        rows = wrap(value, look.width, "", " " * (name_width + 1), " " * (name_width + 1))
        head = line((f"{name:<{name_width}} ", "dim"), plain(rows[0])[name_width + 1 :])
        lines += [head, *rows[1:3]]
    return lines


def _answered(result: CallResult | None, look: Look) -> list[Line]:
    lines = [section("out", look.width, look.glyphs)]
    if result is None:
        return [*lines, line(("nothing yet", "dim"))]
    if isinstance(result.value, dict) and result.value:
        shown = {str(k): value_text(v) for k, v in result.value.items() if k not in SAID_ABOVE}
        return lines + _named(shown, look) if shown else []
    return lines + wrap(value_text(result.value), look.width)[:4]


def _program(intent: CallIntent, moment: Moment, look: Look) -> list[Line]:
    if moment.program is None or not intent.line:
        return []
    head = section(f"program line {intent.line}", look.width, look.glyphs)
    rows = listing(moment.program.text, intent.line, look.width, look.glyphs, SOURCE_AROUND)
    return [head, *rows]


def _evidence(evidence: Evidence, look: Look) -> list[Line]:
    return [
        *_notes(evidence, look),
        *_robot(evidence.before, evidence.after, look),
        *_path(evidence, look),
        *_grasps(evidence, look),
    ]


def _notes(evidence: Evidence, look: Look) -> list[Line]:
    if not evidence.notes:
        return []
    rows = [section("notes", look.width, look.glyphs)]
    for note in evidence.notes[:8]:
        rows += wrap(clean(note, 600), look.width, "", f"{look.glyphs.star} ", "  ")
    return rows


def _robot(before: RobotState | None, after: RobotState | None, look: Look) -> list[Line]:
    if before is None and after is None:
        return []
    rows = [section(f"robot before {look.glyphs.arrow} after", look.width, look.glyphs)]
    pairs = [
        ("tool m", [vector(s.xyz_m) if s else "?" for s in (before, after)]),
        ("wxyz", [rotation(s.wxyz) if s else "?" for s in (before, after)]),
        ("grip mm", [f"{1e3 * s.width_m:.1f}" if s else "?" for s in (before, after)]),
        ("force N", [f"{rounded(s.grip_force_N, 1):.1f}" if s else "?" for s in (before, after)]),
        (f"joints{look.glyphs.degree}", [degrees(s.q_rad) if s else "?" for s in (before, after)]),
    ]
    for name, (was, now) in pairs:
        if was == now:
            rows.append(field(name, f"{now}  (unchanged)" if len(now) < 24 else now, "dim", 8))
            continue
        joined = f"{was} {look.glyphs.arrow} {now}"
        if len(joined) + 9 <= look.width:
            rows.append(field(name, joined, "", 8))
        else:
            rows.append(field(name, was, "dim", 8))
            rows.append(field("", f"{look.glyphs.arrow} {now}", "", 8))
    return rows


def _path(evidence: Evidence, look: Look) -> list[Line]:
    path = evidence.path
    if path is None:
        return []
    rows = [section("planned path", look.width, look.glyphs)]
    said = f"{clean_line(path.planner, 40)}: {clean_line(path.planner_status, 120)}"
    rows += wrap(f"{said}, {seconds(path.duration_s)}, {len(path.q_rad)} knots", look.width)
    if path.tool_xyz_m:
        lowest = min(point[2] for point in path.tool_xyz_m)
        ends = f"{vector(path.tool_xyz_m[0])} {look.glyphs.arrow} {vector(path.tool_xyz_m[-1])}"
        rows.append(field("tool m", ends, "", 8))
        rows.append(field("lowest", f"z {lowest:+.3f} m", "dim", 8))
    return rows


def _grasps(evidence: Evidence, look: Look) -> list[Line]:
    if not evidence.grasps:
        return []
    rows = [section(f"grasps {len(evidence.grasps)}", look.width, look.glyphs)]
    for grasp in evidence.grasps[:GRASPS_LISTED]:
        mark, role = (look.glyphs.bad, "dim") if grasp.rejected else (look.glyphs.ok, "")
        text = f"{mark} {grasp.score:.2f}  {vector(grasp.xyz_m)}  {1e3 * grasp.width_m:.0f} mm"
        why = f"  {clean_line(grasp.rejected, 80)}" if grasp.rejected else ""
        rows.append(line((text, role), (why, "warn")))
    if len(evidence.grasps) > GRASPS_LISTED:
        rows.append(line((f"and {len(evidence.grasps) - GRASPS_LISTED} more", "dim")))
    return rows


def _foot(moment: Moment) -> str:
    choices = len(pictures_of(moment.keyframes))
    if not choices:
        return ""
    if moment.picture is None:
        return f"o shows {choices} picture{'s' if choices > 1 else ''}"
    return f"picture {moment.picture.ordinal + 1} of {choices}, o next"
