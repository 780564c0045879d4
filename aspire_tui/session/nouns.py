"""Questions to the tables of trials, hypotheses and pictures, over a function that runs a query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from aspire_tui.domain import Keyframe, SeedSet
from aspire_tui.events import (
    CallResult,
    HypothesisOpened,
    Recorded,
    ResetReported,
    Samples,
    TokensUsed,
    VerdictGiven,
)
from aspire_tui.session.call_rows import Rows
from aspire_tui.session.rows import (
    AttemptRow,
    HypothesisRow,
    KeyframeRow,
    ListedTrial,
    TreeRow,
    TrialRow,
)
from aspire_tui.session.views import Score

_TRIALS = """
SELECT trial, task, seed, seed_set, program, hypothesis, place, clock, opened_seq, opened_mono_s,
       closed_seq, outcome, ended, implicated, reason, cell_s, wall_s,
       (SELECT call FROM calls WHERE calls.trial=trials.trial AND intent_seq<=:upto
        ORDER BY call DESC LIMIT 1)
FROM trials WHERE opened_seq<=:upto
"""


def trials(
    rows: Rows,
    upto: int,
    hypothesis: int | None,
    newest: int | None,
    only: int | None = None,
) -> list[TrialRow]:
    where = ""
    if hypothesis is not None:
        where += " AND hypothesis=:hypothesis"
    if only is not None:
        where += " AND trial=:only"
    found = list(
        rows(
            f"{_TRIALS}{where} ORDER BY trial DESC LIMIT :newest",
            _named(
                upto=upto,
                hypothesis=hypothesis,
                only=only,
                newest=-1 if newest is None else newest,
            ),
        )
    )
    found.reverse()
    if not found:
        return []
    ended = _attempts_of(rows, found[0][0], found[-1][0], upto)
    judged = _verdicts_of(rows, found[0][0], found[-1][0], upto)
    return [_trial_row(row, upto, ended[row[0]], judged[row[0]]) for row in found]


def _named(**bindings: object) -> Any:
    return bindings


def _attempts_of(rows: Rows, low: int, high: int, upto: int) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows(
        "SELECT trial, attempt, ended, error, error_line, claimed, calls, ended_seq FROM attempts "
        "WHERE trial BETWEEN ? AND ? AND ended_seq<=? ORDER BY trial, attempt",
        (low, high, upto),
    ):
        found[row[0]].append(row)
    return found


def _verdicts_of(
    rows: Rows, low: int, high: int, upto: int
) -> dict[int, dict[str, tuple[Any, ...]]]:
    """Per trial the last word of each judge: (attempt, outcome, reason, seq)."""
    found: dict[int, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for trial, judge, *rest in rows(
        "SELECT trial, judge, attempt, outcome, reason, seq FROM verdicts "
        "WHERE trial BETWEEN ? AND ? AND seq<=? ORDER BY seq",
        (low, high, upto),
    ):
        found[trial][judge] = tuple(rest)
    return found


def _trial_row(
    row: tuple[Any, ...],
    upto: int,
    ended: list[tuple[Any, ...]],
    judged: dict[str, tuple[Any, ...]],
) -> TrialRow:
    closed_seq = row[10] if row[10] is not None and row[10] <= upto else None
    last = ended[-1] if ended else None
    verdict, referee, reset = (judged.get(j) for j in ("verifier", "referee", "reset"))
    begun = TrialRow(
        trial=row[0],
        task=row[1],
        seed=row[2],
        seed_set=row[3],
        program=row[4],
        hypothesis=row[5],
        where=row[6],
        clock=row[7],
        opened_seq=row[8],
        opened_mono_s=row[9],
        reset=reset[1] if reset else None,
        attempts=len(ended),
        calls=row[17] or 0,
        ended=last[2] if last else None,
        error=last[3] if last else "",
        claimed=None if last is None or last[5] is None else bool(last[5]),
        verdict=verdict[1] if verdict else None,
        verdict_reason=verdict[2] if verdict else "",
        referee=referee[1] if referee else None,
    )
    if closed_seq is None:
        return begun
    return _closed(begun, row)


def _closed(begun: TrialRow, row: tuple[Any, ...]) -> TrialRow:
    return msgspec.structs.replace(
        begun,
        closed_seq=row[10],
        outcome=row[11],
        ended=row[12] if row[12] is not None else begun.ended,
        implicated=row[13],
        reason=row[14],
        cell_s=row[15],
        wall_s=row[16],
    )


def attempts(rows: Rows, trial: int, upto: int) -> list[AttemptRow]:
    judged: dict[tuple[int, str], tuple[str, int]] = {}
    for attempt, judge, outcome, seq in rows(
        "SELECT attempt, judge, outcome, seq FROM verdicts WHERE trial=? AND seq<=? ORDER BY seq",
        (trial, upto),
    ):
        judged[attempt, judge] = (outcome, seq)
    answer = []
    for row in _attempts_of(rows, trial, trial, upto)[trial]:
        verdict = judged.get((row[1], "verifier"), (None, None))
        referee = judged.get((row[1], "referee"), (None, None))
        answer.append(
            AttemptRow(
                trial=trial,
                attempt=row[1],
                ended=row[2],
                error=row[3],
                error_line=row[4],
                claimed=None if row[5] is None else bool(row[5]),
                calls=row[6],
                ended_seq=row[7],
                verdict=verdict[0],  # type: ignore[arg-type]
                verdict_seq=verdict[1],
                referee=referee[0],  # type: ignore[arg-type]
                referee_seq=referee[1],
            )
        )
    return answer


def hypotheses(rows: Rows, story: Iterable[Recorded], upto: int) -> list[HypothesisRow]:
    """``story``: the events that open hypotheses or use tokens, in order."""
    scores: dict[int, dict[SeedSet, Score]] = defaultdict(dict)
    for hypothesis, seed_set, *score in rows(
        "SELECT hypothesis, seed_set, k, n, lo, hi FROM scores WHERE seq<=? ORDER BY seq", (upto,)
    ):
        scores[hypothesis][seed_set] = Score(*score)
    decided: dict[int, tuple[Any, ...]] = {}
    for hypothesis, *decision in rows(
        "SELECT hypothesis, status, seq, reason, mono_s FROM decisions JOIN events USING (seq) "
        "WHERE seq<=? ORDER BY seq",
        (upto,),
    ):
        decided[hypothesis] = tuple(decision)
    ran = {
        hypothesis: (trials, passed, wall_s / 60.0)
        for hypothesis, trials, passed, wall_s in rows(
            "SELECT hypothesis, count(*), sum(outcome='PASS'), sum(wall_s) FROM trials "
            "WHERE hypothesis IS NOT NULL AND closed_seq<=? AND outcome IS NOT NULL "
            "GROUP BY hypothesis",
            (upto,),
        )
    }
    answer, undecided, spent = [], ("open", None, "", None), _Spent()
    for recorded in story:
        event = recorded.event
        if isinstance(event, TokensUsed):
            spent.add(event)
        if not isinstance(event, HypothesisOpened):
            continue
        trials, passed, trial_minutes = ran.get(event.hypothesis, (0, 0, 0.0))
        status, decided_seq, reason, mono_s = decided.get(event.hypothesis, undecided)
        answer.append(
            msgspec.structs.replace(
                _opened(recorded, event, *spent.until(recorded, event)),
                status=status,
                decided_seq=decided_seq,
                decided_reason=reason,
                decided_mono_s=mono_s,
                scores=dict(scores[event.hypothesis]),
                trials=trials,
                passed=passed,
                trial_minutes=trial_minutes,
            )
        )
    return answer


def _opened(
    recorded: Recorded, event: HypothesisOpened, tokens: int, minutes: float
) -> HypothesisRow:
    """A node as it stands when it is opened."""
    return HypothesisRow(
        hypothesis=event.hypothesis,
        parent=event.parent,
        claim=event.claim,
        difference=event.difference,
        if_wrong=event.if_wrong,
        program=event.program,
        author=event.author,
        repairs=event.repairs,
        opened_seq=recorded.seq,
        opened_mono_s=recorded.mono_s,
        borrowed_from=event.borrowed_from,
        tokens=tokens,
        minutes=minutes,
    )


def tree_rows(rows: Rows, upto: int) -> list[TreeRow]:
    """Every node as it stood, oldest first, from the tables alone."""
    scores: dict[int, dict[SeedSet, Score]] = defaultdict(dict)
    for hypothesis, seed_set, *score in rows(
        "SELECT hypothesis, seed_set, k, n, lo, hi FROM scores WHERE seq<=? ORDER BY seq", (upto,)
    ):
        scores[hypothesis][seed_set] = Score(*score)
    decided = {
        hypothesis: (status, mono_s)
        for hypothesis, status, mono_s in rows(
            "SELECT hypothesis, status, mono_s FROM decisions JOIN events USING (seq) "
            "WHERE seq<=? ORDER BY seq",
            (upto,),
        )
    }
    return [
        TreeRow(
            hypothesis, parent, claim, program, seq, mono_s,
            *decided.get(hypothesis, ("open", None)), scores.get(hypothesis, {}),
        )
        for hypothesis, parent, claim, program, seq, mono_s in rows(
            "SELECT hypothesis, parent, claim, program, opened_seq, mono_s FROM hypotheses "
            "JOIN events ON events.seq=opened_seq WHERE opened_seq<=? ORDER BY opened_seq",
            (upto,),
        )
    ]  # fmt: skip


def listed_trials(rows: Rows, upto: int, newest: int) -> list[ListedTrial]:
    """The newest trials in order of number, as they stood."""
    found = rows(
        "SELECT trial, hypothesis, seed, seed_set, opened_mono_s, closed_seq, outcome, implicated, "
        "reason, wall_s FROM trials WHERE opened_seq<=? ORDER BY trial DESC LIMIT ?",
        (upto, newest),
    )
    listed = []
    for number, hypothesis, seed, seed_set, opened_s, closed_seq, *closing in found:
        over = closed_seq is not None and closed_seq <= upto
        closed = (True, *closing) if over else ()
        listed.append(ListedTrial(number, hypothesis, seed, seed_set, opened_s, *closed))
    return listed[::-1]


def judged_attempts(rows: Rows, upto: int, newest: int) -> list[tuple[SeedSet, tuple[bool, ...]]]:
    """Per judged trial its attempts in order, True for PASS by the verifier.

    A judged trial without a verdict of its own made one attempt.
    """
    last = next(iter(rows("SELECT coalesce(max(trial), 0) FROM trials", ())))[0]
    found: dict[int, tuple[SeedSet, list[bool]]] = {}
    for trial, seed_set, outcome, attempt, judged in rows(
        "SELECT t.trial, t.seed_set, t.outcome, v.attempt, v.outcome FROM trials t LEFT JOIN "
        "verdicts v ON v.trial=t.trial AND v.judge='verifier' AND v.seq<=? "
        "WHERE t.trial>? AND t.closed_seq<=? AND t.outcome IS NOT NULL ORDER BY t.trial, v.attempt",
        (upto, last - newest, upto),
    ):
        passed = (outcome if attempt is None else judged) == "PASS"
        found.setdefault(trial, (seed_set, []))[1].append(passed)
    return [(seed_set, tuple(attempts)) for seed_set, attempts in found.values()]


def first_pass(rows: Rows, upto: int) -> tuple[int, int, float] | None:
    """The first trial that closed with PASS: its number, the event that closed it, and when."""
    found = rows(
        "SELECT trials.trial, closed_seq, mono_s FROM trials JOIN events ON events.seq=closed_seq "
        "WHERE outcome='PASS' AND closed_seq<=? ORDER BY closed_seq LIMIT 1",
        (upto,),
    )
    return next(iter(found), None)


class _Spent:
    """Tokens and time between one hypothesis and the next of the same author."""

    def __init__(self) -> None:
        self._used: dict[str, int] = defaultdict(int)
        self._since_s: dict[str, float] = {}

    def add(self, event: TokensUsed) -> None:
        self._used[event.by] += event.tokens.total

    def until(self, recorded: Recorded, opened: HypothesisOpened) -> tuple[int, float]:
        """Tokens and minutes since the one before."""
        author = opened.author
        used = self._used.pop(author, 0) + self._used.pop("", 0)
        minutes = (recorded.mono_s - self._since_s.get(author, 0.0)) / 60.0
        self._since_s[author] = recorded.mono_s
        return used, max(0.0, minutes)


def samples(rows: Rows, trial: int, t0_s: float, t1_s: float) -> list[Samples]:
    return [
        Samples(number, call, arm, start_s, end_s, count, tuple(names.split(",")), bytes(data))
        for number, call, arm, start_s, end_s, count, names, data in rows(
            "SELECT trial, call, arm, t0_s, t1_s, rows, columns, data FROM samples "
            "WHERE trial=? AND t0_s<=? AND t1_s>=? ORDER BY t0_s, id",
            (trial, t1_s, t0_s),
        )
    ]


def keyframes(
    rows: Rows,
    event_at: Callable[[int], Recorded | None],
    trial: int,
    call: int | None,
    upto: int,
) -> list[KeyframeRow]:
    where, bindings = "trial=? AND seq<=?", [trial, upto]
    if call is not None:
        where, bindings = where + " AND call=?", [*bindings, call]
    listed = list(
        rows(
            f"SELECT seq, trial, call, ordinal, source FROM keyframes WHERE {where} "
            "ORDER BY seq, ordinal",
            bindings,
        )
    )
    pictures = {seq: _pictures(event_at(seq)) for seq in {row[0] for row in listed}}
    return [
        KeyframeRow(seq, number, of_call, ordinal, source, pictures[seq][ordinal])
        for seq, number, of_call, ordinal, source in listed
    ]


def _pictures(recorded: Recorded | None) -> tuple[Keyframe, ...]:
    match recorded.event if recorded else None:
        case CallResult(evidence=evidence):
            return evidence.keyframes
        case ResetReported(verdict=reset):
            return reset.keyframes
        case VerdictGiven(verdict=verdict):
            return verdict.keyframes
    return ()
