"""The calls of the shown trial as a timeline: what was asked, how it ended, how long it took."""

from __future__ import annotations

from dataclasses import dataclass

from aspire_tui.session.rows import CallRow, TrialRow
from aspire_tui.tui.calls_reading import Calls
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Body, Look, Target, nothing
from aspire_tui.tui.panes.format import clock, seconds, some, status_mark
from aspire_tui.tui.screen.lines import MadeLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line, pad, spread, text_width

SLOW_S = 10.0
HUNG_S = 30.0


@dataclass(frozen=True)
class CallRows:
    """The rows of the pane: calls, and where another attempt begins. Also its targets.

    Looking one up costs what the attempts of a trial cost: there are a few.
    """

    calls: Calls

    def __len__(self) -> int:
        return bool(self.calls.earlier) + len(self.calls.rows) + len(self.calls.begins)

    def call(self, row: int) -> CallRow | int | None:
        """A call, the attempt that begins here, or None for the row of what is not listed."""
        place = row - bool(self.calls.earlier)
        if place < 0:
            return None
        for number, begins in enumerate(self.calls.begins):
            at = begins.place + number
            if place == at:
                return begins.attempt
            if place < at:
                return self.calls.rows[place - number]
        return self.calls.rows[place - len(self.calls.begins)]

    def at(self, row: int) -> Target | None:
        found = self.call(row) if 0 <= row < len(self) else None
        return Target("call", found.call) if isinstance(found, CallRow) else None

    def row_of(self, target: Target) -> int | None:
        place = self.calls.place_of(target.number) if target.kind == "call" else None
        if place is None:
            return None
        begun = sum(1 for begins in self.calls.begins if begins.place <= place)
        return bool(self.calls.earlier) + place + begun

    def step(self, row: int | None, by: int) -> int | None:
        last = len(self) - 1
        if not self.calls.rows:
            return None
        if row is None:
            return self._onto(0, 1) if by > 0 else self._onto(last, -1)
        beyond = min(max(row + by, 0), last)
        onto = self._onto(beyond, 1 if by > 0 else -1)
        return onto if onto != row else None

    def _onto(self, row: int, way: int) -> int:
        """The nearest row that is a call, that way first."""
        for direction in (way, -way):
            here = row
            while 0 <= here < len(self):
                if self.at(here) is not None:
                    return here
                here += direction
        return row


def calls_body(moment: Moment, look: Look) -> Body:
    """One row per call; a failing call says why in the row."""
    trial = moment.trial
    if trial is None:
        return nothing("Calls", line(("no trial yet", "dim")))
    rows = CallRows(moment.calls)
    shown = moment.call.intent.call if moment.call else None
    open_ = trial.closed_seq is None and moment.snapshot.ended is None
    names = max(map(text_width, moment.calls.primitives), default=0)

    def make(index: int) -> Line:
        row = rows.call(index)
        if row is None:
            return line(
                (f"{moment.calls.earlier:,} earlier calls: seek back, or @ goes there", "dim")
            )
        if isinstance(row, int):
            return line((f"attempt {row}", "dim"))
        return call_row(row, trial, look, open_ and index == len(rows) - 1, moment, names)

    return Body(
        title=_title(trial, look),
        lines=MadeLines(len(rows), make),
        targets=rows,
        selected=rows.row_of(Target("call", shown)) if shown is not None else None,
        foot=_foot(moment, trial, look),
        tail=moment.asked.call is None and moment.asked.at_seq is None,
        mark="pinned, esc follows" if moment.asked.trial else "",
    )


def call_row(
    row: CallRow, trial: TrialRow, look: Look, open_: bool, moment: Moment, names: int
) -> Line:
    """One call on one row; ``names`` is the width of the longest name beside it."""
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
    name_width = min(22, max(10, 3 * look.width // 10), names)
    shown_word = (word,) if row.status != "OK" else ()
    left = line(
        (f"{mark} ", role),
        (f"{row.call:>3} ", "dim"),
        (pad(clean_line(row.primitive, 60), name_width) + " ", "strong" if role == "bad" else ""),
        *(((f"{w} ", role)) for w in shown_word),
        (summary, "dim"),
    )
    return spread(left, right, look.width)


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


def _title(trial: TrialRow, look: Look) -> str:
    which = trial.seed_set.replace("_", "-")
    seed = f"seed {trial.seed} {which}"
    return f"Calls {look.glyphs.dot} trial {trial.trial} {trial.task} {seed}"


def _foot(moment: Moment, trial: TrialRow, look: Look) -> str:
    failed = moment.calls.failed
    parts = [some(moment.calls.total, "call")]
    if failed:
        parts.append(f"{failed} not OK")
    if trial.implicated is not None:
        parts.append(f"{look.glyphs.here} explains the failure")
    return f" {look.glyphs.dot} ".join(parts)
