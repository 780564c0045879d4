"""What a session says of itself as figures, from its events alone, live or after the end.

Every definition is in ``docs/metrics.md`` with a program of twenty lines that finds the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aspire_tui.domain import SeedSet, Tokens
from aspire_tui.events import (
    AgentAnswered,
    ApprovalGiven,
    CallResult,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    OperatorTold,
    Recorded,
    RunEnded,
    SessionOpened,
    TokensUsed,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.evolution.criterion import RUN, Criterion
from aspire_tui.evolution.figures import (
    Interventions,
    Metrics,
    Mru,
    Mtu,
    PassCurve,
    Progress,
    RateAt,
    Success,
)
from aspire_tui.evolution.progress import best_so_far, team_average, time_average
from aspire_tui.evolution.statistics import rate
from aspire_tui.session.pass_at_k import mean_attempts
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.utilisation import REOPENED, Utilisation, observe

MOST_ATTEMPTS = 8
LEAST_SCENES = 10
"""A score on fewer scenes says too little to be a point of the progress curve."""
MRU_RULE = (
    "executing / (executing + resetting + verifying + thinking + operator + held + fault + idle)"
)
WATCHING = frozenset({"hello", "subscribe", "status"})


@dataclass
class _Trial:
    opened: TrialOpened
    attempts: dict[int, bool] = field(default_factory=dict)
    closed: TrialClosed | None = None


@dataclass
class _Account:
    """One pass over the events."""

    criterion: Criterion
    opened: SessionOpened | None = None
    ended: RunEnded | None = None
    use: Utilisation = field(default_factory=Utilisation)
    lost_s: float = 0.0
    """Time in which nobody recorded."""
    first_s: float | None = None
    last_s: float = 0.0
    spent: Tokens = Tokens()
    trials: dict[int, _Trial] = field(default_factory=dict)
    outcomes: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    scores: list[tuple[float, HypothesisScored]] = field(default_factory=list)
    authors: dict[int, str] = field(default_factory=dict)
    success: tuple[float, int] | None = None
    orders: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    helped: set[int] = field(default_factory=set)

    @property
    def watched_s(self) -> float:
        return self.last_s - (self.first_s or 0.0) - self.lost_s

    def take(self, at: Recorded) -> None:
        self.use = observe(self.use, at)
        if self.ended is not None and not _reopens(at):
            return
        if self.first_s is None:
            self.first_s = at.mono_s
        elif _reopens(at):
            self.lost_s += at.mono_s - self.last_s
            self.ended = None
        self.last_s = at.mono_s
        self._event(at)

    def _event(self, at: Recorded) -> None:
        match at.event:
            case SessionOpened() as opened:
                self.opened = opened
            case TokensUsed(tokens=t):
                self.spent = plus(self.spent, t)
            case TrialOpened(trial=trial) as opened_trial:
                self.trials[trial] = _Trial(opened_trial)
            case VerdictGiven(trial=trial, attempt=attempt, verdict=verdict):
                if trial in self.trials:
                    self.trials[trial].attempts[attempt] = verdict.outcome == "PASS"
            case TrialClosed() as closed:
                self._closed(closed)
            case HypothesisOpened(hypothesis=number, author=author):
                self.authors[number] = author
            case HypothesisScored() as score:
                self.scores.append((self.watched_s, score))
            case RunEnded() as ended:
                self.ended = ended
                if self.criterion == RUN and ended.outcome == "PASS":
                    self._succeeded()
            case _:
                self._person(at)

    def _person(self, at: Recorded) -> None:
        match at.event:
            case OperatorAct(verb=verb, role="operator", accepted=True) if verb not in WATCHING:
                self.orders[verb] += 1
            case CallResult(trial=trial) as result:
                skipped = bool(result.skipped_by) or result.operator == "skipped"
                edited = bool(result.edited_by) or result.operator == "edited"
                self.told["skipped"] += skipped
                self.told["edited"] += edited
                if skipped or edited:
                    self.helped.add(trial)
            case OperatorTold():
                self.told["messages"] += 1
            case AgentAnswered(status="OK"):
                self.told["answers"] += 1
            case ApprovalGiven():
                self.told["approvals"] += 1

    def _closed(self, closed: TrialClosed) -> None:
        trial = self.trials.get(closed.trial)
        if trial is None:
            return
        trial.closed = closed
        if closed.outcome is None:
            return
        so_far = self.outcomes[trial.opened.program]
        so_far.append(closed.outcome == "PASS")
        if self.criterion.met(so_far):
            self._succeeded()

    def _succeeded(self) -> None:
        if self.success is None:
            self.success = (self.watched_s, total(self.spent))


def measure(
    reader: SessionReader,
    criterion: Criterion = RUN,
    least_scenes: int = LEAST_SCENES,
    upto_seq: int | None = None,
) -> Metrics:
    """All figures of one session at a moment (the newest unless named)."""
    return measured(reader.path.stem, reader.events(upto_seq=upto_seq), criterion, least_scenes)


def measured(
    name: str,
    events: Iterable[Recorded],
    criterion: Criterion = RUN,
    least_scenes: int = LEAST_SCENES,
) -> Metrics:
    """The figures of a list of events. Pure."""
    account = _Account(criterion)
    for event in events:
        account.take(event)
    use = account.use.at(account.last_s)
    spec = account.opened.spec if account.opened else None
    progress = tuple(_progress(account, s, least_scenes) for s in _sets("dev", "selection"))
    best = account.ended.best if account.ended else None
    finals = [p.curve[-1][1] for p in progress if p.curve]
    return Metrics(
        session=name,
        task=", ".join(spec.tasks) if spec else "",
        agent=spec.agent if spec else "",
        model=spec.agent_options.get("model", "") if spec else "",
        skills=spec.skills if spec else "",
        brands=account.opened.brands if account.opened else (),
        live=account.ended is None,
        mru=_mru(use),
        mtu=_mtu(account),
        success=_success(account, finals[-1] if finals else None),
        pass_at=tuple(_pass_curves(account, best, spec.retries if spec else 1)),
        interventions=_interventions(account),
        progress=progress,
        outcome=account.ended.outcome if account.ended else None,
        held_out=_held_out(account, best),
    )


def total(tokens: Tokens) -> int:
    """Fresh input, cached input and output, which includes reasoning."""
    return tokens.input + tokens.cached + tokens.output


def plus(a: Tokens, b: Tokens) -> Tokens:
    return Tokens(
        input=a.input + b.input,
        cached=a.cached + b.cached,
        output=a.output + b.output,
        reasoning=a.reasoning + b.reasoning,
        cost_usd=a.cost_usd + b.cost_usd,
    )


def _mru(use: Utilisation) -> Mru:
    split = use.split()
    return Mru(split.mru, use.clock, MRU_RULE, split.seconds(), split.shares())


def _mtu(account: _Account) -> Mtu:
    minutes, t = account.watched_s / 60.0, account.spent
    by_class = {
        "total": total(t),
        "cached": t.cached,
        "fresh": t.input,
        "output": t.output,
        "reasoning": t.reasoning,
        "uncached_work": t.input + t.output,
    }
    each = {k: n / minutes for k, n in by_class.items()} if minutes > 0 else {}
    return Mtu(minutes, t, each)


def _success(account: _Account, best: float | None) -> Success:
    met = account.success
    return Success(
        criterion=account.criterion.in_words(),
        censored=met is None,
        time_s=met[0] if met else None,
        tokens=met[1] if met else None,
        watched_s=account.watched_s,
        tokens_spent=total(account.spent),
        best=best,
    )


def _pass_curves(account: _Account, best: int | None, allowed: int) -> Iterable[PassCurve]:
    groups: dict[tuple[str, SeedSet], list[_Trial]] = defaultdict(list)
    for t in account.trials.values():
        if t.closed is not None and t.closed.outcome is not None:
            groups[t.opened.task, t.opened.seed_set].append(t)
    for (task, seed_set), trials in sorted(groups.items()):
        yield _pass_curve(account, task, seed_set, "all", trials, allowed)
        own = [t for t in trials if best is not None and t.opened.hypothesis == best]
        if own and len(own) < len(trials):
            yield _pass_curve(account, task, seed_set, "best", own, allowed)


def _pass_curve(
    account: _Account, task: str, seed_set: SeedSet, which: str, trials: list[_Trial], allowed: int
) -> PassCurve:
    tries = [_attempts(t) for t in trials]
    most = max([allowed, *map(len, tries)])
    curve = [_rate_at(k, tries) for k in range(1, min(most, MOST_ATTEMPTS) + 1)]
    alone = [a for t, a in zip(trials, tries, strict=True) if t.opened.trial not in account.helped]
    return PassCurve(
        task=task,
        seed_set=seed_set,
        programs=which,
        trials=len(trials),
        mean_attempts=mean_attempts(tries),
        curve=tuple(curve),
        alone=_rate_at(1, alone) if alone else None,
    )


def _attempts(trial: _Trial) -> list[bool]:
    """PASS per attempt in order; a judged trial without a verdict of its own made one attempt."""
    judged = [passed for _, passed in sorted(trial.attempts.items())]
    if judged:
        return judged
    return [trial.closed is not None and trial.closed.outcome == "PASS"]


def _rate_at(k: int, tries: Sequence[Sequence[bool]]) -> RateAt:
    passed = sum(any(t[:k]) for t in tries)
    r = rate(passed, len(tries))
    return RateAt(k, passed, len(tries), r.lo, r.hi)


def _held_out(account: _Account, best: int | None) -> RateAt | None:
    outcomes = [
        t.closed.outcome == "PASS"
        for t in account.trials.values()
        if t.opened.seed_set == "held_out"
        and t.opened.hypothesis == best
        and t.closed is not None
        and t.closed.outcome is not None
    ]
    return _rate_at(1, [[o] for o in outcomes]) if outcomes else None


def _interventions(account: _Account) -> Interventions:
    return Interventions(
        orders=dict(sorted(account.orders.items())),
        calls_skipped=account.told["skipped"],
        calls_edited=account.told["edited"],
        messages=account.told["messages"],
        answers=account.told["answers"],
        approvals=account.told["approvals"],
        trials_helped=tuple(sorted(account.helped)),
    )


def _progress(account: _Account, seed_set: SeedSet, least: int) -> Progress:
    by_author: dict[str, list[tuple[float, float]]] = {}
    points: list[tuple[float, float]] = []
    for at_s, score in account.scores:
        if score.seed_set != seed_set or score.n < max(1, least):
            continue
        point = (at_s, score.k / score.n)
        points.append(point)
        by_author.setdefault(account.authors.get(score.hypothesis, ""), []).append(point)
    curve = best_so_far(points)
    each = {author: best_so_far(p) for author, p in sorted(by_author.items())}
    team = team_average(list(each.values()))
    until = account.watched_s
    return Progress(
        seed_set=seed_set,
        least_scenes=least,
        curve=curve,
        time_averaged=time_average(curve, until),
        by_author=each,
        team=team,
        team_time_averaged=time_average(team, until),
    )


def _reopens(at: Recorded) -> bool:
    return isinstance(at.event, Note) and at.event.code == REOPENED


def _sets(*names: SeedSet) -> tuple[SeedSet, ...]:
    return names
