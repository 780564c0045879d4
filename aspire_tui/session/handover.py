"""The hand-over note: what happened in a session, for whoever comes next, as Markdown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

from aspire_tui.domain import Outcome, SeedSet
from aspire_tui.events import (
    Bookmarked,
    CellChanged,
    HandAct,
    Note,
    OperatorAct,
    Recorded,
    SkillProposed,
    VerdictOverridden,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow, TrialRow
from aspire_tui.session.snapshot import Snapshot

KINDS = ("operator", "note", "override", "bookmark", "hand_act", "skill_proposed", "cell")
SETS: tuple[SeedSet, ...] = ("dev", "selection", "held_out", "operator")
ALARMING = ("FAULT", "PSTOP", "LOST")
LISTED = 20
"""Rows of one list; a note is read, not scrolled."""


def hand_over(reader: SessionReader, since_s: float = 0.0) -> str:
    """What happened since a Unix time, from the session alone."""
    now = reader.snapshot()
    start = reader.seq_at_time(wall_s=since_s) if since_s else 0
    events = reader.events(after_seq=start, kinds=KINDS, upto_seq=now.seq)
    trials = [t for t in reader.trials(now.seq) if (t.closed_seq or t.opened_seq) > start]
    tree = reader.hypotheses(now.seq)
    lines = [
        f"# Hand-over: {reader.path.stem}",
        "",
        *_head(now, since_s),
        *_state(now),
        *_trials(trials),
        *_section("Overrides", _overrides(events)),
        *_section("Alarms and stops", _alarms(events)),
        *_section("By hand", _by_hand(events)),
        *_section("Hypotheses still open", [_hypothesis(h) for h in tree if h.status == "open"]),
        *_section(
            "Kept and promoted",
            [_hypothesis(h) for h in tree if h.status in ("kept", "promoted")],
        ),
        *_section("Skills proposed", _skills(events)),
        *_section("Written down", _written(events)),
        *_section("Who did what", _acts(events)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _head(now: Snapshot, since_s: float) -> Iterator[str]:
    view = now.session
    if view is None:
        yield "Nothing was recorded."
        return
    spec = view.spec
    began = max(view.opened_wall_s, since_s)
    yield f"{spec.verb} {', '.join(spec.tasks)} on {spec.cell}, agent {spec.agent or 'none'}  "
    yield f"from {_when(began)} to {_when(now.wall_s)}"
    if view.brands:
        yield f"**{', '.join(view.brands)}**"
    yield ""


def _state(now: Snapshot) -> Iterator[str]:
    yield "## Now"
    ended = now.ended
    if ended is not None:
        score = f" {ended.k}/{ended.n} ({ended.lo:.2f}–{ended.hi:.2f})" if ended.n else ""
        yield f"- ended {ended.outcome or 'without a verdict'}{score}, by {ended.stopped_by}"
        yield f"- {ended.reason}" if ended.reason else "- no reason was given"
    else:
        waits = f", waits for {now.phase.waits_for}" if now.phase.waits_for else ""
        yield f"- {now.phase.phase.replace('_', ' ')}: {now.phase.cause or 'goes on'}{waits}"
        yield f"- cell {now.cell.state}: {now.cell.cause} ({now.cell.who})"
    spent = now.spent
    yield (
        f"- spent: {spent.trials} trials, {spent.minutes:.1f} minutes, {spent.tokens} tokens, "
        f"{spent.cost_usd:.2f} USD"
    )
    if spent.exhausted:
        yield f"- **{spent.exhausted}**"
    yield ""


def _trials(trials: Sequence[TrialRow]) -> Iterator[str]:
    yield "## Trials"
    judged = [t for t in trials if t.closed_seq is not None]
    if not judged:
        yield "- none was closed"
    for seed_set in SETS:
        mine = Counter(t.outcome for t in judged if t.seed_set == seed_set)
        if mine:
            yield f"- {seed_set.replace('_', '-')}: {_tally(mine)}"
    reasons = Counter(t.reason for t in judged if t.outcome in ("FAIL", "UNSURE") and t.reason)
    for reason, times in reasons.most_common(5):
        yield f"  - {times}× {_inline(reason)}"
    open_ = [t for t in trials if t.closed_seq is None]
    if open_:
        yield f"- open: {', '.join(f'trial {t.trial}' for t in open_[:LISTED])}"
    yield ""


def _tally(outcomes: Counter[Outcome | None]) -> str:
    n = sum(times for outcome, times in outcomes.items() if outcome is not None)
    parts = [f"{outcomes['PASS']}/{n} PASS"]
    if outcomes["UNSURE"]:
        parts.append(f"{outcomes['UNSURE']} UNSURE")
    if outcomes[None]:
        parts.append(f"{outcomes[None]} not judged")
    return ", ".join(parts)


def _section(title: str, rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    more = [f"- and {len(rows) - LISTED} more"] if len(rows) > LISTED else []
    return [f"## {title}", *(f"- {row}" for row in rows[:LISTED]), *more, ""]


def _overrides(events: Sequence[Recorded]) -> list[str]:
    return [
        f"trial {e.trial}: {e.before or 'not judged'}, {e.outcome} says {_inline(e.who)}: "
        f"{_inline(e.note)}"
        for r in events
        if isinstance(e := r.event, VerdictOverridden)
    ]


def _alarms(events: Sequence[Recorded]) -> list[str]:
    rows = []
    for r in events:
        match r.event:
            case Note(text=text, severity="warn" | "error"):
                rows.append(f"{_time(r.wall_s)} {_inline(text)}")
            case CellChanged(state=state, cause=cause) if state in ALARMING:
                rows.append(f"{_time(r.wall_s)} cell {state}: {_inline(cause)}")
            case OperatorAct(verb="hold" | "abort" as verb, who=who, accepted=True):
                rows.append(f"{_time(r.wall_s)} {verb} by {_inline(who)}")
    return rows


def _by_hand(events: Sequence[Recorded]) -> list[str]:
    return [
        f"{_time(r.wall_s)} {e.act} by {_inline(e.who)}: {_inline(e.text)}"
        for r in events
        if isinstance(e := r.event, HandAct)
    ]


def _hypothesis(row: HypothesisRow) -> str:
    scores = ", ".join(f"{s.replace('_', '-')} {c.k}/{c.n}" for s, c in row.scores.items())
    why = f": {_inline(row.decided_reason)}" if row.decided_reason else ""
    return f"H{row.hypothesis} {_inline(row.claim)} ({scores or 'no score yet'}){why}"


def _skills(events: Sequence[Recorded]) -> list[str]:
    return [
        f"{_inline(e.name)}: {_inline(e.description)}"
        for r in events
        if isinstance(e := r.event, SkillProposed)
    ]


def _written(events: Sequence[Recorded]) -> list[str]:
    rows = []
    for r in events:
        match r.event:
            case Note(text=text, code="operator"):
                rows.append(f"{_time(r.wall_s)} {_inline(text)}")
            case Bookmarked(seq=seq, name=name, who=who):
                rows.append(f"{_time(r.wall_s)} mark at event {seq}: {_inline(name)} ({who})")
    return rows


def _acts(events: Sequence[Recorded]) -> list[str]:
    done = Counter(
        (e.who, e.verb) for r in events if isinstance(e := r.event, OperatorAct) and e.accepted
    )
    people: dict[str, list[str]] = {}
    for (who, verb), times in sorted(done.items()):
        people.setdefault(who, []).append(f"{verb} ×{times}" if times > 1 else verb)
    return [f"{_inline(who)}: {', '.join(verbs)}" for who, verbs in people.items()]


def _inline(text: str) -> str:
    """Foreign words on one line that no Markdown reader takes for markup."""
    flat = " ".join(text.split())[:300]
    return "".join(f"\\{c}" if c in "\\`*_<>[]#|" else c for c in flat if c.isprintable())


def _when(wall_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(wall_s))


def _time(wall_s: float) -> str:
    return time.strftime("%H:%M", time.localtime(wall_s))
