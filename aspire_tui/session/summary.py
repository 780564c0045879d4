"""What ``exec`` and ``run`` answer with ``--json``, from the session file alone."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aspire_tui.domain import JSON, SeedSet, Tokens, sha256_hex
from aspire_tui.events import DryRunReported, ProgramEnded, SessionOpened, VerdictGiven
from aspire_tui.session.failures import failure_groups
from aspire_tui.session.interval import interval
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow, TrialRow
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.token_account import account
from aspire_tui.session.utilisation import Utilisation, tokens_per_minute
from aspire_tui.session.views import Count, SessionView


def exec_summary(
    reader: SessionReader,
    trial: int | None = None,
    *,
    only: Sequence[int] | None = None,
    program: str = "",
) -> dict[str, JSON]:
    """One trial (the newest unless named). With several trials ``trials`` and ``failures`` join:
    k of n with its interval, and what the failures have in common.

    Args:
        only: The trials that are meant, in a session that has others.
        program: Whose dry run is told beside the verdict.
    """
    snapshot = reader.snapshot()
    rows = [r for r in reader.trials(snapshot.seq) if only is None or r.trial in only]
    wanted = rows[-1].trial if rows and trial is None else trial
    row = next((r for r in rows if r.trial == wanted), None)
    answer = _trial(reader, row) | {"session": str(reader.path)} | _held_in(snapshot.session)
    dry = _dry_run(reader, program)
    if dry is not None:
        answer["dry_run"] = dry
    if len(rows) > 1:
        count = _tally(rows)
        answer["trials"] = {
            "n": count.n,
            "k": count.k,
            "unsure": count.unsure,
            "unjudged": count.unjudged,
            "interval": list(interval(count.k, count.n)),
        }
        answer["failures"] = msgspec.to_builtins(failure_groups(reader, rows))
    return answer


def run_summary(reader: SessionReader) -> dict[str, JSON]:
    """A whole run. Before its end, ``outcome`` is null and ``stopped_by`` empty."""
    snapshot = reader.snapshot()
    session, ended = snapshot.session, snapshot.ended
    tree = {row.hypothesis: row for row in reader.hypotheses(snapshot.seq)}
    best = _best(snapshot, tree)
    return {
        "session": str(reader.path),
        "task": ", ".join(session.spec.tasks) if session else "",
        "agent": session.spec.agent if session else "",
        "outcome": ended.outcome if ended else None,
        "stopped_by": ended.stopped_by if ended else "",
        "search": _search(snapshot),
        "held_out": _held_out(snapshot),
        "best": {"hypothesis": best.hypothesis, "claim": best.claim} if best else None,
        "repairs": _repairs(best, tree),
        "tokens": _tokens(snapshot.tokens) | _spent_on(reader, snapshot.seq),
        "utilisation": _utilisation(snapshot.utilisation.at(snapshot.mono_s))
        | {"mtu": tokens_per_minute(snapshot.tokens, snapshot.mono_s / 60.0)},
        "minutes": round(snapshot.mono_s / 60.0, 3),
        **_held_in(session),
    }


def _held_in(session: SessionView | None) -> dict[str, JSON]:
    """What held the programs in, layer by layer, and what makes the results incomparable."""
    if session is None:
        return {"sandbox": None, "brands": []}
    report = session.sandbox
    return {
        "sandbox": {
            "level": report.level,
            "kernel": report.kernel,
            "denied": list(report.denied),
            "leaks": list(report.leaks),
            "missing": dict(report.missing()),
            "waived": session.spec.sandbox_waived,
        },
        "brands": list(session.brands),
    }


def _trial(reader: SessionReader, row: TrialRow | None) -> dict[str, JSON]:
    if row is None:
        return _nothing_ran(reader)
    ended, judged = _ended(reader, row.trial), _judged(reader, row.trial)
    return {
        "trial": row.trial,
        "task": row.task,
        "seed": row.seed,
        "program": {"ended": row.ended, "error": ended.error if ended else ""},
        "claimed": row.claimed,
        "verdict": _verdict(judged) if judged else None,
        "referee": row.referee,
        "calls": [
            {
                "n": call.call,
                "primitive": call.primitive,
                "status": call.status,
                "duration_s": call.duration_s,
                "summary": call.summary,
            }
            for call in reader.calls(row.trial)
        ],
        "stdout": ended.stdout if ended else "",
    }


def _dry_run(reader: SessionReader, program: str) -> dict[str, JSON] | None:
    """The newest dry run of a program text: what was seen, and how it went from there."""
    name = sha256_hex(program.encode())
    told = [r.event for r in reader.events(kinds=("dry_run",))]
    mine = [e for e in told if isinstance(e, DryRunReported) and e.program == name]
    if not mine:
        return None
    dry = mine[-1]
    seen = None if dry.seen is None else msgspec.structs.replace(dry.seen, keyframes=())
    return {
        "ended": dry.ended,
        "error": dry.error,
        "verdict": None
        if dry.verdict is None
        else {
            "outcome": dry.verdict.outcome,
            "checks": msgspec.to_builtins(dry.verdict.checks),
            "reason": dry.verdict.reason,
        },
        "calls": msgspec.to_builtins(dry.calls),
        "seen": None if seen is None else msgspec.to_builtins(seen),
    }


def _nothing_ran(reader: SessionReader) -> dict[str, JSON]:
    first = reader.event(1)
    opened = first.event if first and isinstance(first.event, SessionOpened) else None
    return {
        "trial": None,
        "task": ", ".join(opened.spec.tasks) if opened else "",
        "seed": opened.spec.seed if opened else None,
        "program": {"ended": None, "error": ""},
        "claimed": None,
        "verdict": None,
        "referee": None,
        "calls": [],
        "stdout": "",
    }


def _verdict(judged: VerdictGiven) -> dict[str, JSON]:
    verdict = judged.verdict
    return {
        "outcome": verdict.outcome,
        "checks": msgspec.to_builtins(verdict.checks),
        "reason": verdict.reason,
    }


def _ended(reader: SessionReader, trial: int) -> ProgramEnded | None:
    found = reader.events(trial=trial, kinds=("program_ended",))
    last = found[-1].event if found else None
    return last if isinstance(last, ProgramEnded) else None


def _judged(reader: SessionReader, trial: int) -> VerdictGiven | None:
    found = reader.events(trial=trial, kinds=("verdict",))
    last = found[-1].event if found else None
    return last if isinstance(last, VerdictGiven) else None


def _tally(rows: list[TrialRow]) -> Count:
    """The closed trials, counted as a snapshot counts them."""
    outcomes = [row.outcome for row in rows if row.closed_seq is not None]
    return Count(
        passed=outcomes.count("PASS"),
        failed=outcomes.count("FAIL"),
        unsure=outcomes.count("UNSURE"),
        unjudged=outcomes.count(None),
    )


def _search(snapshot: Snapshot) -> dict[str, JSON]:
    """Trials on the seeds that may decide: dev and selection."""
    sets: tuple[SeedSet, ...] = ("dev", "selection")
    counts = [snapshot.count(name) for name in sets]
    return {"n": sum(c.n for c in counts), "k": sum(c.k for c in counts)}


def _held_out(snapshot: Snapshot) -> dict[str, JSON]:
    ended, count = snapshot.ended, snapshot.count("held_out")
    if ended is not None and ended.n > 0:
        return {"n": ended.n, "k": ended.k, "interval": [ended.lo, ended.hi]}
    return {"n": count.n, "k": count.k, "interval": list(interval(count.k, count.n))}


def _best(snapshot: Snapshot, tree: dict[int, HypothesisRow]) -> HypothesisRow | None:
    if snapshot.ended is not None and snapshot.ended.best is not None:
        return tree.get(snapshot.ended.best)
    return tree.get(snapshot.best.hypothesis) if snapshot.best else None


def _repairs(best: HypothesisRow | None, tree: dict[int, HypothesisRow]) -> list[JSON]:
    """The repairs on the way from the root to the best, each with the proof of where it came in."""
    listed: dict[tuple[int, int, str], JSON] = {}
    for row in _lineage(best, tree):
        proof = row.scores.get("selection")
        for repair in row.repairs:
            listed.setdefault(
                (repair.trial, repair.call, repair.skill),
                {
                    "call": repair.call,
                    "primitive": repair.primitive,
                    "status": repair.status,
                    "skill": repair.skill,
                    "proof": {"n": proof.n, "k": proof.k} if proof else {"n": 0, "k": 0},
                    "trial": repair.trial,
                    "same_task_evidence": repair.same_task_evidence,
                },
            )
    return list(listed.values())


def _lineage(best: HypothesisRow | None, tree: dict[int, HypothesisRow]) -> list[HypothesisRow]:
    """From the root down; a broken or circular parent ends the way up."""
    line: list[HypothesisRow] = []
    row = best
    while row is not None and row not in line:
        line.append(row)
        row = tree.get(row.parent) if row.parent is not None else None
    return line[::-1]


def _tokens(tokens: Tokens) -> dict[str, JSON]:
    return {
        "input": tokens.input,
        "cached": tokens.cached,
        "output": tokens.output,
        "reasoning": tokens.reasoning,
        "cost": tokens.cost_usd,
    }


def _spent_on(reader: SessionReader, upto_seq: int) -> dict[str, JSON]:
    """The same tokens by hypothesis and by dev trial, exact; ``rest`` led to no hypothesis.

    Nothing where no model was asked.
    """
    kinds = ("tokens", "hypothesis", "trial_opened")
    spent = account(r.event for r in reader.events(kinds=kinds, upto_seq=upto_seq))
    if spent.total == Tokens():
        return {}
    return {
        "by_hypothesis": {str(n): _tokens(t) for n, t in spent.by_hypothesis.items()},
        "rest": _tokens(spent.hypothesis_rest),
        "by_trial": {str(n): _tokens(t) for n, t in spent.by_trial.items()},
        "trial_rest": _tokens(spent.trial_rest),
    }


def _utilisation(account: Utilisation) -> dict[str, JSON]:
    """MRU with the clock it is told on; bench and worker time are never pooled."""
    split = account.split()
    return {
        "mru": split.mru,
        "clock": account.clock,
        "split": {name: round(share, 4) for name, share in split.shares().items()},
        "seconds": round(split.total_s, 3),
    }
