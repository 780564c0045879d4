"""Two programs side by side, two trials at the call where they part, failures by their kind."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from aspire_tui.session.failures import FailureGroup
from aspire_tui.session.rows import CallDetail, CallRow, TrialRow
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target, nothing
from aspire_tui.tui.panes.format import (
    OUTCOME_ROLES,
    outcome_mark,
    ratio,
    seconds,
    section,
    some,
    status_mark,
    value_text,
)
from aspire_tui.tui.panes.inspector import SAID_ABOVE
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, Span, fit, line, pad, width, wrap

SIDE_BY_SIDE: int = 110
"""Cells from which two columns of code are readable."""


@dataclass(frozen=True)
class Sided:
    """One of two trials with its calls, and the call at which they part."""

    trial: TrialRow
    calls: tuple[CallRow, ...]
    at: CallDetail | None = None


# -- programs ------------------------------------------------------------------------------------


def diff_body(left: tuple[str, str], right: tuple[str, str], look: Look) -> Body:
    """Two programs, each with its name; in two columns where there is room."""
    a, b = clean(left[1]).split("\n"), clean(right[1]).split("\n")
    rows = _columns(a, b, look) if look.width >= SIDE_BY_SIDE else _unified(a, b, look)
    added = sum(1 for r in difflib.ndiff(a, b) if r.startswith("+ "))
    gone = sum(1 for r in difflib.ndiff(a, b) if r.startswith("- "))
    title = f"{left[0]} {look.glyphs.arrow} {right[0]}"
    if not added and not gone:
        return nothing(title, line(("the same program", "dim")))
    return Body(title, FixedLines(rows), foot=f"+{added} -{gone} lines, esc closes")


def _unified(a: Sequence[str], b: Sequence[str], look: Look) -> list[Line]:
    roles = {"+": "ok", "-": "bad"}
    return [
        fit(line((text[:2], roles.get(text[0], "faint")), (text[2:], roles.get(text[0], "code"))),
            look.width)
        for text in difflib.ndiff(a, b)
        if not text.startswith("?")
    ]  # fmt: skip


def _columns(a: Sequence[str], b: Sequence[str], look: Look) -> list[Line]:
    half = (look.width - 3) // 2
    rows: list[Line] = []
    for tag, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        old = [(n + 1, a[n]) for n in range(a0, a1)]
        new = [(n + 1, b[n]) for n in range(b0, b1)]
        for index in range(max(len(old), len(new))):
            left = _half(old, index, "code" if tag == "equal" else "bad", half)
            right = _half(new, index, "code" if tag == "equal" else "ok", half)
            mark = " " if tag == "equal" else "|"
            rows.append((*left, Span(f" {mark} ", "faint"), *right))
    return rows


def _half(rows: Sequence[tuple[int, str]], index: int, role: str, cells: int) -> Line:
    if index >= len(rows):
        return (Span(" " * cells),)
    number, text = rows[index]
    return line((f"{number:>3} ", "dim"), (pad(text, cells - 4), role))


# -- trials --------------------------------------------------------------------------------------


def first_difference(a: Sequence[CallRow], b: Sequence[CallRow]) -> int | None:
    """The index of the first call that is another one or ended otherwise; None when none is."""
    for index, (one, other) in enumerate(zip(a, b, strict=False)):
        if (one.primitive, one.status) != (other.primitive, other.status):
            return index
    return min(len(a), len(b)) if len(a) != len(b) else None


def trials_body(left: Sided, right: Sided, look: Look) -> Body:
    """Both timelines, then both calls in full at the first that parts them."""
    parts = first_difference(left.calls, right.calls)
    half = (look.width - 3) // 2
    rows: list[Line] = [_both(_trial(left.trial, look), _trial(right.trial, look), half)]
    for index in range(max(len(left.calls), len(right.calls))):
        one = _call(left, index, look)
        other = _call(right, index, look)
        rows.append(_both(one, other, half, look.glyphs.here if index == parts else "|"))
    if parts is None:
        why = "every call ended alike: the difference is in where things went, see the checks"
        rows += wrap(why, look.width, "warn")
    rows += _details(left.at, right.at, look)
    title = f"Trial {left.trial.trial} beside trial {right.trial.trial}"
    return Body(
        title, FixedLines(rows), selected=None if parts is None else parts + 1,
        foot="the marked row is where they part, esc closes",
    )  # fmt: skip


def _trial(row: TrialRow, look: Look) -> Line:
    mark = outcome_mark(row.outcome, look.glyphs)
    return line(
        (f"{mark} {row.outcome or 'not judged'} ", OUTCOME_ROLES[row.outcome]),
        (f"trial {row.trial} seed {row.seed} ", ""),
        (clean_line(row.reason, 120), "dim"),
    )


def _call(side: Sided, index: int, look: Look) -> Line:
    if index >= len(side.calls):
        return ()
    row = side.calls[index]
    mark, word, role = status_mark(row.status, False, look.glyphs)
    implicated = look.glyphs.here if row.call == side.trial.implicated else ""
    return line(
        (f"{mark} ", role), (f"{row.call:>3} ", "dim"), f"{clean_line(row.primitive, 40)} ",
        (f"{word} " if row.status != "OK" else "", role),
        (f"{seconds(row.duration_s)} ", "dim"), (clean_line(row.summary, 120), "dim"),
        (implicated, "bad"),
    )  # fmt: skip


def _both(left: Line, right: Line, half: int, between: str = "|") -> Line:
    left = fit(left, half)
    gap = " " * (half - width(left))
    role = "faint" if between == "|" else "bad"
    return (*left, Span(gap), Span(f" {between} ", role), *fit(right, half))


def _details(left: CallDetail | None, right: CallDetail | None, look: Look) -> list[Line]:
    if left is None and right is None:
        return []
    half = (look.width - 3) // 2
    rows = [section("where they part", look.width, look.glyphs)]
    sides = [_facts(detail) for detail in (left, right)]
    names = list(dict.fromkeys(name for side in sides for name in side))
    for name in names:
        texts = [side.get(name, "") for side in sides]
        differs = texts[0] != texts[1]
        role = "strong" if differs else "dim"
        columns = [wrap(f"{name}: {text}" if text else "", half, role) for text in texts]
        for index in range(min(6, max(map(len, columns)))):
            halves = [c[index] if index < len(c) else () for c in columns]
            rows.append(_both(halves[0], halves[1], half))
    return rows


def _facts(detail: CallDetail | None) -> dict[str, str]:
    if detail is None:
        return {}
    facts = {f"in {k}": value_text(v) for k, v in detail.intent.args.items()}
    result = detail.result
    if result is None:
        return facts | {"status": "no result"}
    facts |= {"status": result.status, "summary": clean_line(result.summary)}
    if isinstance(result.value, dict):
        told = {k: v for k, v in result.value.items() if k not in SAID_ABOVE}
        facts |= {f"out {k}": value_text(v) for k, v in told.items()}
    after = result.evidence.after
    if after is not None:
        facts["tool after m"] = " ".join(f"{v:+.4f}" for v in after.xyz_m)
        facts["grip after"] = f"{1000 * after.width_m:.1f} mm, {after.grip_force_N:.1f} N"
    facts |= {f"note {n}": clean_line(t, 200) for n, t in enumerate(result.evidence.notes, 1)}
    return facts


# -- many trials of one program --------------------------------------------------------------------


def clusters_body(
    program: str, rows: Sequence[TrialRow], groups: Sequence[FailureGroup], look: Look
) -> Body:
    """How often one program passed, and what its failures have in common."""
    judged = [r for r in rows if r.closed_seq is not None and r.outcome is not None]
    passed = sum(1 for r in judged if r.outcome == "PASS")
    title = f"Program {program[:8]}: {ratio(passed, len(judged))} PASS"
    if not judged:
        return nothing(title, line(("none of its trials is judged yet", "dim")))
    lines: list[Line] = []
    for seed_set in dict.fromkeys(r.seed_set for r in judged):
        mine = [r for r in judged if r.seed_set == seed_set]
        k = sum(1 for r in mine if r.outcome == "PASS")
        cells = max(1, round(k / len(mine) * (look.width - 30)))
        lines.append(
            line(
                (f"{seed_set.replace('_', '-'):<10} ", "dim"),
                (f"{ratio(k, len(mine)):>7} ", "number"),
                (look.glyphs.bar * (cells if k else 0), "bar_executing"),
            )
        )
    targets: dict[int, Target] = {}
    if groups:
        lines.append(section("failures, the commonest first", look.width, look.glyphs))
    for group in groups:
        targets[len(lines)] = Target("trial", group.trials[0])
        where = f"{group.primitive or 'no call'} {group.status or ''}".strip()
        shown = ", ".join(str(n) for n in group.trials[:12])
        more = f" and {len(group.trials) - 12} more" if len(group.trials) > 12 else ""
        lines.append(
            fit(
                line(
                    (f"{group.count:>4} × ", "bad"),
                    (f"{clean_line(where, 60)}  ", "strong"),
                    (clean_line(group.check, 60), ""),
                    (f"  program {group.ended}" if group.ended != "returned" else "", "warn"),
                    (f"  {some(len(group.trials), 'trial')[2:].strip()} {shown}{more}", "dim"),
                ),
                look.width,
            )
        )
    return Body(
        title, FixedLines(lines), ListedTargets(targets), selected=min(targets, default=None),
        foot="enter opens the first trial of a group, esc closes",
    )  # fmt: skip
