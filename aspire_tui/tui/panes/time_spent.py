"""Where the time went: MRU and MTU, each naming its clock, beside what was judged so far."""

from __future__ import annotations

from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.utilisation import CLASSES, Split, tokens_per_minute
from aspire_tui.tui.account import budget_end
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.agent import tokens_text
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.panes.format import count, percent, ratio, seconds, section
from aspire_tui.tui.panes.progress import progress_lines
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.text import Line, line

_WORDS = {
    "executing": "executing",
    "resetting": "resetting",
    "verifying": "verifying",
    "thinking": "agent thinks",
    "operator": "for operator",
    "held": "held",
    "fault": "fault",
    "idle": "idle",
}
_CLOCKS = {"wall": "wall clock at the bench", "sim": "simulated time in workers"}


def time_body(moment: Moment, look: Look) -> Body:
    """The split of the clock that MRU is told on; the other clock apart, never pooled."""
    account = moment.snapshot.utilisation
    lines = _split(account.split(), account.clock, look)
    other = "sim" if account.clock == "wall" else "wall"
    apart = account.sim if other == "sim" else account.wall
    if apart.mru is not None and apart.executing > 0:
        text = f"apart, in {_CLOCKS[other]}: MRU {percent(apart.mru)} of {seconds(apart.total_s)}"
        lines.append(line((text, "dim")))
    lines += progress_lines(moment.tree.progress, moment.snapshot.mono_s, look)
    lines += _agent(moment.snapshot, look)
    lines += _success(moment, look)
    lines += _judged(moment.snapshot, look)
    mru = account.split().mru
    shown = "MRU –" if mru is None else f"MRU {percent(mru)}"
    return Body(
        title=f"Time {look.glyphs.dot} {shown} {look.glyphs.dot} {_CLOCKS[account.clock]}",
        lines=FixedLines(lines),
    )


def _split(split: Split, clock: str, look: Look) -> list[Line]:
    total_s = split.total_s
    if split.mru is None:
        return [line(("no time has passed yet", "dim"))]
    head = line(
        ("MRU ", "dim"),
        (percent(split.mru), "strong"),
        (f" of {seconds(total_s)} {_CLOCKS[clock]}", "dim"),
    )
    rows = [head]
    room = max(8, look.width - 32)
    for name in CLASSES:
        spent_s = split.seconds()[name]
        if spent_s <= 0:
            continue
        share = spent_s / total_s
        cells = max(1, round(share * room))
        rows.append(
            line(
                (f"{_WORDS[name]:<13}", "" if name == "executing" else "dim"),
                (f"{seconds(spent_s):>8} {100 * share:>4.0f} % ", "number"),
                (look.glyphs.bar * cells, f"bar_{name}"),
            )
        )
    return rows


def _agent(snapshot: Snapshot, look: Look) -> list[Line]:
    text = tokens_text(snapshot.tokens)
    if not text:
        return []
    mtu = tokens_per_minute(snapshot.tokens, snapshot.mono_s / 60)
    rate = "–" if mtu is None else count(mtu)
    return [
        section("agent", look.width, look.glyphs),
        line(("MTU ", "dim"), (rate, "strong"), (" tokens per minute, wall clock", "dim")),
        line((text, "dim")),
    ]


def _success(moment: Moment, look: Look) -> list[Line]:
    """The first PASS, pass@k as retries in context, and when the budget will be gone."""
    rows: list[Line] = []
    first = moment.account.first_pass
    if first is not None:
        tokens = f", {count(first.tokens)} tokens" if first.tokens else ", no tokens"
        text = f"after {seconds(first.mono_s)}{tokens} (trial {first.trial})"
        rows.append(line(("first PASS   ", "dim"), (text, "number")))
    spec = moment.snapshot.session.spec if moment.snapshot.session else None
    allowed = spec.retries if spec else 1
    for seed_set, tried in moment.account.attempts.items():
        upto = max(allowed, len(tried.passed))
        passed = (*tried.passed, *([tried.passed[-1]] * (upto - len(tried.passed))))
        shown = {k: passed[k - 1] for k in range(1, upto + 1) if k in (1, 2, 4, upto)}
        words = "  ".join(f"@{k} {ratio(n, tried.trials)}" for k, n in shown.items())
        name = f"pass@k {seed_set.replace('_', '-')}"
        rows.append(line((f"{name:<17} ", "dim"), (words, "number")))
    end = budget_end(moment.snapshot)
    if end is not None:
        rows.append(
            line(("budget lasts ", "dim"), (f"about {seconds(end.in_s)}", "number"),
                 (f" more, by its {end.limit}", "dim"))
        )  # fmt: skip
    return [section("so far", look.width, look.glyphs), *rows] if rows else []


def _judged(snapshot: Snapshot, look: Look) -> list[Line]:
    rows: list[Line] = []
    for seed_set in ("dev", "selection", "held_out", "operator"):
        counted = snapshot.counts.get(seed_set)
        if counted is None:
            continue
        unsure = f", {counted.unsure} UNSURE" if counted.unsure else ""
        unjudged = f", {counted.unjudged} not judged" if counted.unjudged else ""
        rows.append(
            line(
                (f"{seed_set.replace('_', '-'):<13}", "dim"),
                (f"{ratio(counted.k, counted.n)} PASS", "number"),
                (f"{unsure}{unjudged}", "dim"),
            )
        )
    end = snapshot.ended
    if end is not None and end.n:
        text = f"{ratio(end.k, end.n)}  95 % interval {end.lo:.2f}..{end.hi:.2f}"
        rows.append(line(("run result   ", "dim"), (text, "number")))
    return [section("trials", look.width, look.glyphs), *rows] if rows else []
