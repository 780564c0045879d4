"""The calls of the shown trial as a timeline: what was asked, how it ended, how long it took."""

from __future__ import annotations

from aspire_tui.session.rows import CallRow, TrialRow
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target, nothing
from aspire_tui.tui.panes.format import clock, seconds, some, status_mark
from aspire_tui.tui.screen.lines import MadeLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line, pad, spread, text_width

SLOW_S = 10.0
HUNG_S = 30.0

Row = CallRow | int
"""A call, or the number of the attempt that begins here."""


def calls_body(moment: Moment, look: Look) -> Body:
    """One row per call; a failing call says why in the row."""
    trial = moment.trial
    if trial is None:
        return nothing("Calls", line(("no trial yet", "dim")))
    rows = _rows(moment.calls)
    targets = {i: Target("call", r.call) for i, r in enumerate(rows) if isinstance(r, CallRow)}
    shown = moment.call.intent.call if moment.call else None
    selected = next((i for i, t in targets.items() if t.number == shown), None)
    open_ = trial.closed_seq is None and moment.snapshot.ended is None

    def make(index: int) -> Line:
        row = rows[index]
        if isinstance(row, int):
            return line((f"attempt {row}", "dim"))
        return call_row(row, trial, look, open_ and index == len(rows) - 1, moment)

    return Body(
        title=_title(trial, look),
        lines=MadeLines(len(rows), make),
        targets=ListedTargets(targets),
        selected=selected,
        foot=_foot(moment, trial, look),
        tail=moment.asked.call is None and moment.asked.at_seq is None,
        mark="pinned, esc follows" if moment.asked.trial else "",
    )


def call_row(row: CallRow, trial: TrialRow, look: Look, open_: bool, moment: Moment) -> Line:
    """One call on one row."""
    mark, word, role = status_mark(row.status, open_, look.glyphs)
    summary = clean_line(row.summary, 300)
    duration = seconds(row.duration_s) if row.status is not None else ""
    if row.status is None and open_:
        summary, role = _in_flight(row, look, moment)
    implicated = row.call == trial.implicated
    right = line(
        (f"{row.operator} " if row.operator else "", "warn"),
        (pad(duration, 7, right=True), "dim"),
        (f" {look.glyphs.here}" if implicated else " " * (1 + len(look.glyphs.here)), "bad"),
    )
    name_width = min(22, max(10, 3 * look.width // 10), _longest(moment.calls))
    shown_word = (word,) if row.status != "OK" else ()
    left = line(
        (f"{mark} ", role),
        (f"{row.call:>3} ", "dim"),
        (pad(clean_line(row.primitive, 60), name_width) + " ", "strong" if role == "bad" else ""),
        *(((f"{w} ", role)) for w in shown_word),
        (summary, "dim"),
    )
    return spread(left, right, look.width)


def _longest(calls: tuple[CallRow, ...]) -> int:
    return max((text_width(call.primitive) for call in calls), default=0)


def _in_flight(row: CallRow, look: Look, moment: Moment) -> tuple[str, str]:
    stood = moment.snapshot.standing
    if stood is not None and (stood.trial, stood.call) == (row.trial, row.call):
        return f"stands: {clean_line(stood.why, 80)}", "hold"
    since = moment.wall_s(row.start_mono_s)
    age_s = (look.now_s - since) if look.now_s is not None else 0.0
    text = f"since {clock(since)}"
    if age_s > HUNG_S:
        return f"{text}, over {HUNG_S:.0f} s: hung?", "bad"
    if age_s > SLOW_S:
        return f"{text}, over {SLOW_S:.0f} s", "warn"
    return text, "accent"


def _rows(calls: tuple[CallRow, ...]) -> list[Row]:
    rows: list[Row] = []
    attempt = calls[0].attempt if calls else 1
    for call in calls:
        if call.attempt != attempt:
            attempt = call.attempt
            rows.append(attempt)
        rows.append(call)
    return rows


def _title(trial: TrialRow, look: Look) -> str:
    seed = f"seed {trial.seed} {trial.seed_set}"
    return f"Calls {look.glyphs.dot} trial {trial.trial} {trial.task} {seed}"


def _foot(moment: Moment, trial: TrialRow, look: Look) -> str:
    failed = sum(1 for c in moment.calls if c.status not in (None, "OK"))
    parts = [some(len(moment.calls), "call")]
    if failed:
        parts.append(f"{failed} not OK")
    if trial.implicated is not None:
        parts.append(f"{look.glyphs.here} explains the failure")
    return f" {look.glyphs.dot} ".join(parts)
