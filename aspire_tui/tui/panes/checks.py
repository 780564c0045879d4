"""Reset and verdict: each check with value and range, and the outcomes that are never merged.

*The program ended*, *the program claims* and *the verifier says* are three lines. The referee's
truth stands apart and steers nothing.
"""

from __future__ import annotations

from aspire_tui.domain import Check, Verdict
from aspire_tui.events import ProgramEnded, RefereeJudged, ResetReported, VerdictOverridden
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Body, Look, nothing
from aspire_tui.tui.panes.dry_run import dry_run_lines, dry_run_of
from aspire_tui.tui.panes.format import (
    OUTCOME_ROLES,
    check_range,
    outcome_mark,
    section,
)
from aspire_tui.tui.panes.judge import judge_lines
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, line, pad, spread, text_width, wrap

_RESET_ROLES = {"ok": "ok", "failed": "bad", "unsure": "unsure", "unsafe_held_object": "bad"}
_ENDED_BADLY = ("raised", "timeout", "killed", "refused")


def checks_body(moment: Moment, look: Look) -> Body:
    """Reset, program and verdict of the shown trial."""
    changed = judge_lines(moment, look)
    if changed:
        return Body("Judge changed", FixedLines(changed), foot="no trial starts until it is back")
    trial = moment.trial
    if trial is None:
        lone = moment.snapshot.dry_runs
        if not lone:
            return nothing("Reset & verdict", line(("no trial yet", "dim")))
        return Body(title="Dry run", lines=FixedLines(dry_run_lines(lone[-1], None, look)))
    facts = moment.facts
    lines: list[Line] = []
    lines += _reset(facts.resets[-1] if facts.resets else None, look)
    ended = facts.ended[-1] if facts.ended else None
    lines += _program(ended, moment, look)
    verdict = facts.verdicts[-1].verdict if facts.verdicts else None
    lines += _verdict(verdict, trial.closed_seq is not None, trial.reason, look)
    lines += _overrides(moment, look)
    dry = dry_run_of(moment.snapshot, trial.program)
    if dry is not None:
        lines += dry_run_lines(dry, verdict.outcome if verdict else None, look)
    lines += _referee(facts.referee[-1] if facts.referee else None, look)
    lines += _output(ended, look)
    return Body(
        title=f"Reset & verdict {look.glyphs.dot} trial {trial.trial}",
        lines=FixedLines(lines),
        foot="",
    )


def _reset(event: ResetReported | None, look: Look) -> list[Line]:
    head = section("reset", look.width, look.glyphs)
    if event is None:
        return [head, line(("not verified yet", "dim"))]
    verdict = event.verdict
    role = _RESET_ROLES[verdict.outcome]
    word = verdict.outcome.replace("_", " ")
    first = line(
        (f"{outcome_mark(verdict.outcome, look.glyphs)} {word} ", role),
        (f"attempt {verdict.attempt} of {verdict.of}", "dim"),
    )
    return [head, first, *_why(verdict.reason, look), *_checks(verdict.checks, look)]


def _program(ended: ProgramEnded | None, moment: Moment, look: Look) -> list[Line]:
    head = section("program", look.width, look.glyphs)
    trial = moment.trial
    if ended is None:
        state = "running" if trial and trial.calls and trial.closed_seq is None else "not run"
        if trial and trial.ended:
            state = trial.ended
        return [head, _three("ended", state, "dim")]
    at = f" at line {ended.error_line}" if ended.error_line else ""
    rows = [head, _three("ended", f"{ended.ended}{at}", _ended_role(ended))]
    rows += _why(ended.error, look)
    claim = {True: "done", False: "not done", None: "nothing"}[ended.claimed]
    rows.append(_three("claims", claim, "" if ended.claimed else "dim"))
    return rows


def _ended_role(ended: ProgramEnded) -> str:
    if ended.ended == "returned":
        return ""
    return "bad" if ended.ended in _ENDED_BADLY else "warn"


def _three(name: str, value: str, role: str) -> Line:
    return line((f"{name:<8} ", "dim"), (value, role))


def _verdict(verdict: Verdict | None, closed: bool, reason: str, look: Look) -> list[Line]:
    head = section("verdict", look.width, look.glyphs)
    if verdict is None:
        if not closed:
            return [head, line(("not judged yet", "dim"))]
        return [head, line(("nothing to judge", "dim")), *_why(reason, look)]
    role = OUTCOME_ROLES[verdict.outcome]
    first = line(
        (f"{outcome_mark(verdict.outcome, look.glyphs)} {verdict.outcome} ", f"{role}"),
        (f"by {clean_line(verdict.rule, 80)}", "dim"),
    )
    return [head, first, *_why(verdict.reason, look), *_checks(verdict.checks, look)]


def _overrides(moment: Moment, look: Look) -> list[Line]:
    """What people say of the same trial: beside the verdict, never in its place."""
    rows: list[Line] = []
    for recorded in moment.overrides:
        event = recorded.event
        if not isinstance(event, VerdictOverridden) or moment.trial is None:
            continue
        if event.trial == moment.trial.trial:
            mark = outcome_mark(event.outcome, look.glyphs)
            who = clean_line(event.who, 24)
            rows.append(line((f"{mark} {event.outcome} says {who}", OUTCOME_ROLES[event.outcome])))
            rows += _why(event.note, look)
    return [section("override, counts stay", look.width, look.glyphs), *rows] if rows else []


def _why(text: str, look: Look) -> list[Line]:
    return wrap(clean(text, 600), look.width, "", "  ", "  ")[:4] if text else []


def _checks(checks: tuple[Check, ...], look: Look) -> list[Line]:
    rows: list[Line] = []
    longest = max((text_width(check.name) for check in checks), default=0)
    name_width = min(longest, max(12, look.width - 32))
    value_width = max((text_width(_value(check)) for check in checks), default=0)
    for check in checks:
        role = OUTCOME_ROLES[check.outcome]
        told = "number" if check.outcome == "PASS" else role
        value = (pad(_value(check), value_width, right=True), told)
        bounds = check_range(check, look.glyphs)
        left = line(
            (f"  {outcome_mark(check.outcome, look.glyphs)} ", role),
            (pad(clean_line(check.name, 60), name_width) + " ", ""),
            value,
            (f"  {bounds}", "dim"),
        )
        rows.append(spread(left, line((clean_line(check.source, 16), "dim")), look.width))
        if check.why:
            rows += wrap(clean(check.why, 300), look.width, "dim", "    ", "    ")[:3]
    return rows


def _value(check: Check) -> str:
    if check.value is None:
        return "no reading"
    return f"{check.value + 0.0:.4g} {check.unit}".strip()  # + 0.0: never "-0"


def _referee(event: RefereeJudged | None, look: Look) -> list[Line]:
    if event is None:
        return []
    head = section("referee: truth of the stand-in, steers nothing", look.width, look.glyphs)
    values = ", ".join(f"{clean_line(k, 40)} {v:.4g}" for k, v in list(event.values.items())[:8])
    role = OUTCOME_ROLES[event.outcome]
    first = line((f"{outcome_mark(event.outcome, look.glyphs)} {event.outcome}", role))
    return [head, first, *wrap(values, look.width, "dim", "  ", "  ")[:3]]


def _output(ended: ProgramEnded | None, look: Look) -> list[Line]:
    if ended is None or not ended.stdout.strip():
        return []
    rows = [section("printed by the program", look.width, look.glyphs)]
    for text in clean(ended.stdout, 4_000).rstrip().split("\n")[-12:]:
        rows += wrap(text, look.width, "dim")[:2]
    if ended.cut:
        rows.append(line((f"{ended.cut} bytes more were not kept", "warn")))
    return rows
