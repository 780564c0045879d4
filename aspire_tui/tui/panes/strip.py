"""The strip: two rows that stand at the top of every screen and are never covered.

First the badge, whether this is live, the cell's state with cause and since when, the emergency
stop's own state; below it the trial's phase and what it waits for, sandbox, agent and budget.
Narrow terminals lose fields in a fixed order; badge, state and emergency stop are never lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aspire_tui.domain import NO_SANDBOX, Budget, SandboxReport
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.views import SpentView
from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.panes.format import clock, count
from aspire_tui.tui.people import UNTOLD, PeopleSeen
from aspire_tui.tui.ports import Mode, SeenState, is_stale
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, Span, clip, fit, line, width

_STATE_ROLES = {
    "RUN": "run",
    "HOLD": "hold",
    "PSTOP": "stopped",
    "FAULT": "stopped",
    "LOST": "stopped",
    "HAND_GUIDE": "warn",
    "STOW": "warn",
    "LIMP": "warn",
    "CHECK": "accent",
    "OFFLINE": "dim",
}
_PHASE_ROLES = {
    "executing": "run",
    "held": "hold",
    "needs_operator": "alarm",
    "fault": "stopped",
    "resetting": "accent",
    "verifying_reset": "accent",
    "verifying": "accent",
}


@dataclass(frozen=True)
class Live:
    """What is known of the running cell and engine, besides the session.

    Attributes:
        state: The driver's newest state; None when there is no stream (yet).
        expected: There ought to be a stream: without one the state is unknown, not assumed.
        engine_gone: The engine did not answer when it was last asked.
        now_s: Unix time.
        state_since_s: Unix time at which this state was first seen here.
        pulse: Turns over every second.
        hold: What became of the last HOLD key.
        people: Presence and control, as the engine last told.
    """

    state: SeenState | None = None
    expected: bool = False
    engine_gone: str = ""
    now_s: float = 0.0
    state_since_s: float = 0.0
    pulse: bool = False
    hold: str = ""
    people: PeopleSeen = UNTOLD

    @property
    def held(self) -> bool:
        """The cell says that somebody holds it."""
        return self.state is not None and not self.stale and self.state.status.held

    @property
    def stale(self) -> bool:
        return self.expected and (self.state is None or is_stale(self.state))


@dataclass(frozen=True)
class Field:
    """One field: lower ``rank`` stays longer. ``shrinks`` may be clipped to what is left."""

    rank: int
    content: Line
    shrinks: int = 0
    """Cells it can shrink to; 0 when it goes whole or not at all."""
    must: str = ""
    """What must be seen at every size: where the strip has no room for it, beside the tabs."""


def strip_rows(
    snapshot: Snapshot, live: Live, mode: Mode, columns: int, glyphs: Glyphs
) -> tuple[Line, Line]:
    """Both rows, exactly ``columns`` wide or less."""
    beat = line((glyphs.pulse if live.pulse else glyphs.pulse_off, "dim"))
    first = packed(_cell_fields(snapshot, live, mode, glyphs), columns - width(beat) - 1)
    gap = " " * max(1, columns - width(first) - width(beat))
    second = packed(_trial_fields(snapshot, live, mode, glyphs), columns)
    return (*first, Span(gap), *beat), second


def overflow(
    snapshot: Snapshot, live: Live, mode: Mode, columns: int, glyphs: Glyphs, room: int
) -> Line:
    """What must be seen and had no room in a strip of so many columns."""
    missing: list[Field] = []
    rows = (_cell_fields, columns - 2), (_trial_fields, columns)
    for fields_of, cells in rows:
        fields = fields_of(snapshot, live, mode, glyphs)
        seen = {field.must for field in _kept(fields, cells)}
        missing += [f for f in fields if f.must and f.content and f.must not in seen]
    return fit(packed([replace(f, shrinks=min(f.shrinks, 12)) for f in missing], room), room)


def packed(fields: list[Field], columns: int) -> Line:
    """As many fields as fit, in order, by rank; a field that shrinks gives way first."""
    spans: list[Span] = []
    for index, field in enumerate(_kept(fields, columns)):
        spans.extend((Span("  "), *field.content) if index else field.content)
    return tuple(spans)


def _kept(fields: list[Field], columns: int) -> list[Field]:
    kept = [field for field in fields if field.content]
    wanted = list(kept)
    while len(kept) > 1:
        excess = sum(width(f.content) for f in kept) + 2 * (len(kept) - 1) - columns
        if excess <= 0:
            break
        give = max(kept, key=lambda f: (f.rank, f.shrinks))
        if give.shrinks and width(give.content) > give.shrinks:
            room = max(give.shrinks, width(give.content) - excess)
            clipped = Field(give.rank, _clipped(give.content, room), must=give.must)
            kept[kept.index(give)] = wanted[wanted.index(give)] = clipped
        elif give.rank == 0:
            break
        else:
            kept.remove(give)
    return _refilled(kept, wanted, columns)


def _refilled(kept: list[Field], wanted: list[Field], columns: int) -> list[Field]:
    """What had to go before something longer went, and fits now, is taken back by rank."""
    for field in sorted(wanted, key=lambda f: f.rank):
        more = [f for f in wanted if f in kept or f is field]
        if sum(width(f.content) for f in more) + 2 * (len(more) - 1) <= columns:
            kept = more
    return kept


def _clipped(content: Line, room: int) -> Line:
    last = content[-1]
    before = sum(width((span,)) for span in content[:-1])
    return (*content[:-1], Span(clip(last.text, max(1, room - before)), last.role))


def _cell_fields(snapshot: Snapshot, live: Live, mode: Mode, glyphs: Glyphs) -> list[Field]:
    info = _cell_info(snapshot)
    kind = "REAL" if info.get("kind") == "hardware" else "SIM"
    name = clean_line(str(info.get("name", "no session")), 24)
    if mode == "replay":
        badge = line((" REPLAY ", "badge_replay"), " ", (f"{kind} {name}", ""))
        link = line(("recorded", "replay"))
    else:
        badge = line((f" {kind} ", "badge_real" if kind == "REAL" else "badge_sim"), " ", name)
        link = _link(live, over=snapshot.ended is not None)
    state, cause, who, since_s, estop, speed, _ = _state(snapshot, live, mode, info)
    untrue = live.stale and mode == "live" and snapshot.ended is None
    role = "stale" if untrue else _STATE_ROLES.get(state.split(" ")[0], "unknown")
    mark = _state_glyph(state, glyphs)
    why = " ".join(
        part for part in (clean_line(cause, 80), f"({clean_line(who, 24)})" if who else "") if part
    )
    return [
        Field(0, badge, 6),
        Field(1, link),
        Field(0, line((f"{mark} {state}", role))),
        Field(4, line((why, "dim")), 8),
        Field(3, line((f"since {clock(since_s)}", "dim"))) if since_s else Field(9, ()),
        Field(1, line(("e-stop ", "dim"), (estop, _estop_role(estop)))),
        Field(2, line(("speed ", "dim"), speed), must="speed") if speed else Field(9, ()),
        _presence_field(live, mode),
    ]


def _presence_field(live: Live, mode: Mode) -> Field:
    """How long ago somebody pressed a key; where that matters it stays longer on a narrow strip."""
    people = live.people
    if mode != "live" or not people.policy:
        return Field(9, ())
    rank = 3 if people.policy == "hold" else 8
    if people.grant_until_s is not None:
        return Field(rank, line((f"UNATTENDED until {clock(people.grant_until_s)}", "brand")))
    if not people.present:
        return Field(rank, line(("NOBODY PRESENT", "alarm" if people.policy == "hold" else "dim")))
    age = f"{people.age_s:.0f} s" if people.age_s is not None else "unknown"
    return Field(rank, line(("presence ", "dim"), age))


def _link(live: Live, over: bool) -> Line:
    if over and (live.engine_gone or live.stale):
        return line(("ended", "replay"))  # engine and host go when a run is over
    if live.engine_gone:
        return line((" ENGINE GONE ", "stale"))
    if live.stale:
        age = f" {live.state.age_s:.0f} s" if live.state else ""
        return line((f" STALE{age} ", "stale"))
    return line(("LIVE", "live"))


def _estop_role(estop: str) -> str:
    return {"PRESSED": "stale", "UNKNOWN": "stale"}.get(estop, "dim")


def _state_glyph(state: str, glyphs: Glyphs) -> str:
    match state.split(" ")[0]:
        case "RUN" | "HAND_GUIDE":
            return glyphs.run
        case "HOLD" | "STOW":
            return glyphs.hold
        case "PSTOP":
            return glyphs.stopped
        case "FAULT" | "LOST":
            return glyphs.fault
        case "LIMP":
            return glyphs.limp
        case "CHECK":
            return glyphs.waiting
        case "OFFLINE":
            return glyphs.gone
    return glyphs.unknown


def _cell_info(snapshot: Snapshot) -> dict[str, Any]:
    cell = snapshot.session.cell if snapshot.session else None
    return cell if isinstance(cell, dict) else {}


def _state(
    snapshot: Snapshot, live: Live, mode: Mode, info: dict[str, Any]
) -> tuple[str, str, str, float, str, str, str]:
    """State word, cause, who, since (Unix time), emergency stop, speed, who holds control."""
    over = snapshot.ended is not None and live.stale
    if mode == "live" and live.state is not None and not over:
        status = live.state.status
        same = snapshot.cell.state == status.state
        since_s = snapshot.cell.since_wall_s if same else live.state_since_s
        word = f"{status.state} {status.mode}" if status.mode else status.state
        speed = f"{100 * status.speed:.0f} %"
        return (
            word,
            status.cause,
            status.who,
            since_s,
            status.estop,
            speed,
            _control(live, status.lease),
        )
    cell = snapshot.cell
    estop = str(info.get("estop", "UNKNOWN"))
    if mode == "live" and live.expected and not over:
        return "UNKNOWN", "no state from the cell host", "", 0.0, "UNKNOWN", "", ""
    word = f"{cell.state} {cell.mode}" if cell.mode else cell.state
    return word, cell.cause, cell.who, cell.since_wall_s, estop, "", ""


def _control(live: Live, lease: str | None) -> str:
    """The person with control of the engine; where no engine said, who has the cell."""
    if live.people.policy:
        return f"{live.people.control or 'nobody'}{' (you)' if live.people.mine else ''}"
    return lease or "none"


def _trial_fields(snapshot: Snapshot, live: Live, mode: Mode, glyphs: Glyphs) -> list[Field]:
    phase = (Span(" "), *_phase(snapshot))
    if mode == "live" and live.held and snapshot.phase.phase != "held" and snapshot.ended is None:
        phase = line(" ", ("HELD", "hold"), (", R resumes  ", "warn"), *_phase(snapshot)[:1])
    fields = [Field(0, phase, 10), Field(2, _waits(snapshot), 12)]
    trial = snapshot.trial
    if trial is not None:
        where = "" if trial.where == "bench" else " worker"
        which = trial.seed_set.replace("_", "-")
        what = f"{clean_line(trial.task, 32)} {which}{where} seed {trial.seed}"
        least = len(f"trial {trial.trial} ") + 4
        fields.append(Field(3, line((f"trial {trial.trial} ", ""), (what, "dim")), least))
    session = snapshot.session
    if session is not None:
        fields += _sandbox(session.sandbox)
        fields.append(Field(4, _agent(snapshot, session.spec.agent)))
    if snapshot.breakpoints:
        fields.append(Field(2, line((f"breaks {len(snapshot.breakpoints)}", "warn"))))
    fields.append(Field(2, _spent(snapshot.spent), 20, must="budget"))
    control = _state(snapshot, live, mode, _cell_info(snapshot))[-1]
    if control:
        fields.append(Field(2, line(("control ", "dim"), control), must="control"))
    if session is not None:
        said = NO_SANDBOX if session.sandbox.level == "D" else ""
        brands = " ".join(brand for brand in session.brands if brand != said)
        if brands:
            fields.append(Field(1, line((brands, "brand")), 8))
    if mode == "live" and live.hold:
        fields.insert(1, Field(0, line((live.hold, "hold"))))
    return fields


def _sandbox(report: SandboxReport) -> list[Field]:
    """The level, and apart from it what it means, which goes first when there is no room."""
    if report.level == "D":
        return [Field(1, line((NO_SANDBOX, "bad")))]
    level = Field(2, line(("sandbox ", "dim"), (report.level, "")), must="sandbox")
    return [level, Field(6, line((report.in_words(), "dim")))]


def _phase(snapshot: Snapshot) -> Line:
    if snapshot.ended is not None:
        end = snapshot.ended
        role = {"PASS": "ok", "FAIL": "bad", "UNSURE": "unsure"}.get(end.outcome or "", "dim")
        return line(
            ("run ended ", "dim"),
            (end.outcome or "nothing to judge", role),
            (f" by {end.stopped_by} {clock(end.wall_s)}", "dim"),
        )
    phase = snapshot.phase
    trial = snapshot.trial
    if trial is not None and trial.where == "worker" and trial.open:
        return line(("in workers", "run"), (f" since {clock(trial.opened_wall_s)}", "dim"))
    word = phase.phase.replace("_", " ")
    since = f" since {clock(phase.since_wall_s)}" if phase.since_wall_s else ""
    return line((word, _PHASE_ROLES.get(phase.phase, "")), (since, "dim"))


def _waits(snapshot: Snapshot) -> Line:
    """What the phase waits for; on a narrow strip it gives way, the bar and the footer say it."""
    waits = clean_line(snapshot.phase.waits_for, 60)
    return line((f"waits for {waits}", "warn")) if waits and snapshot.ended is None else ()


def _agent(snapshot: Snapshot, agent: str) -> Line:
    if snapshot.mode.agent_paused:
        doing, role = "paused", "warn"
    elif snapshot.agent.thinking:
        doing, role = "thinking", "agent"
    else:
        doing, role = "", ""
    stepping = " stepping" if snapshot.mode.stepping else ""
    return line(
        ("agent ", "dim"),
        clean_line(agent or "none", 20),
        (f" {doing}" if doing else "", role),
        (stepping, "warn"),
    )


def _spent(spent: SpentView) -> Line:
    parts = [text for text in _budget_parts(spent, spent.budget) if text]
    role = "alarm" if spent.exhausted else "dim"
    return line(("budget ", "dim"), (" ".join(parts), role)) if parts else ()


def _budget_parts(spent: SpentView, budget: Budget) -> list[str]:
    return [
        f"{spent.trials}/{budget.max_trials} trials" if budget.max_trials else "",
        f"{spent.minutes:.1f}/{budget.max_minutes:g} min" if budget.max_minutes else "",
        f"{count(spent.tokens)}/{count(budget.max_tokens)} tok" if budget.max_tokens else "",
        f"${spent.cost_usd:.2f}/{budget.max_cost_usd:g}" if budget.max_cost_usd else "",
        f"{spent.model_calls}/{budget.max_model_calls} asks" if budget.max_model_calls else "",
    ]
