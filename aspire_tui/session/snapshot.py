"""Everything a screen needs of one moment, as a pure fold over the events up to it.

``fold(state, recorded)`` takes one more event in; a snapshot at any moment is the fold of all
events up to it, and a stored checkpoint plus the events after it gives the same. Memory is bounded:
lists that grow with the session (calls, trials, agent lines, the tree) are queries of the reader.

Operator verbs that change the modes, when accepted: ``step`` turns single-stepping on, ``resume``
and ``run_call`` turn it off; ``pause_agent`` sets ``agent_paused`` to its argument ``on``, or
toggles without it; ``stop`` says the run is to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from aspire_tui.domain import Breakpoint, QueuedTrial, SeedSet, SourceChange, Struct, Tokens
from aspire_tui.events import (
    AgentAnswered,
    AgentAsked,
    AgentSaid,
    AgentTool,
    AgentTurn,
    BenchQueue,
    BreakpointsChanged,
    BudgetSpent,
    CallIntent,
    CallResult,
    CallStood,
    CanaryReported,
    CellChanged,
    DryRunReported,
    EvaluationChanged,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    OperatorTold,
    PhaseChanged,
    ProgramEnded,
    Recorded,
    RefereeJudged,
    ResetReported,
    RoundBegan,
    RoundEnded,
    RunEnded,
    SessionOpened,
    SessionResumed,
    SkillDrafted,
    SkillRuled,
    TokensUsed,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.session import trials
from aspire_tui.session.dry_runs import DryRunView, with_dry_run
from aspire_tui.session.hypotheses import add_hypothesis, best_of, decide, round_of, score
from aspire_tui.session.people import PEOPLE_EVENTS, PeopleEvent, changed
from aspire_tui.session.promotions import (
    CanaryView,
    PromotionView,
    with_canary,
    with_draft,
    with_ruling,
)
from aspire_tui.session.utilisation import REOPENED, Utilisation, observe
from aspire_tui.session.views import (
    ActView,
    AgentView,
    CallView,
    CellView,
    Count,
    EndView,
    HypothesisView,
    ModeView,
    NoteView,
    PeopleView,
    PhaseView,
    RoundView,
    SessionView,
    SpentView,
    StandingView,
    TrialView,
)

LAST_NOTES: Final = 20
LAST_ACTS: Final = 20
SAID_CHARACTERS: Final = 400

replace = msgspec.structs.replace


class Snapshot(Struct, frozen=True):
    """The session at one moment."""

    seq: int = 0
    wall_s: float = 0.0
    mono_s: float = 0.0
    session: SessionView | None = None
    cell: CellView = CellView()
    phase: PhaseView = PhaseView()
    mode: ModeView = ModeView()
    open_trials: tuple[TrialView, ...] = ()
    last_bench: TrialView | None = None
    """The bench trial that was closed last."""
    last_worker: TrialView | None = None
    """The worker trial that was closed last."""
    trials_opened: int = 0
    trials_closed: int = 0
    counts: dict[SeedSet, Count] = msgspec.field(default_factory=dict)
    live_hypotheses: tuple[HypothesisView, ...] = ()
    hypotheses_opened: int = 0
    agent: AgentView = AgentView()
    spent: SpentView = SpentView()
    tokens: Tokens = Tokens()
    utilisation: Utilisation = Utilisation()
    notes: tuple[NoteView, ...] = ()
    acts: tuple[ActView, ...] = ()
    ended: EndView | None = None
    standing: StandingView | None = None
    breakpoints: tuple[Breakpoint, ...] = ()
    dry_runs: tuple[DryRunView, ...] = ()
    people: PeopleView = PeopleView()
    promotion: PromotionView | None = None
    """The skill that was drafted or ruled on last, with what it lacks."""
    canary: CanaryView | None = None
    """The last look at whether the world is still the same; None: there was none."""
    evaluation: tuple[SourceChange, ...] = ()
    """What judges was not what the session began with: the last refusal, as it was found."""

    bench_queue: tuple[QueuedTrial, ...] = ()
    """Trials that wait for the bench."""
    round: RoundView | None = None
    """Where the search stands: the newest round, of the member that spoke last in a team."""

    @property
    def bench(self) -> TrialView | None:
        """The trial at the bench: the open one, else the last that was there."""
        return self._open_at("bench") or self.last_bench

    @property
    def worker(self) -> TrialView | None:
        """The newest trial in a worker: an open one, else the one closed last."""
        return self._open_at("worker") or self.last_worker

    @property
    def trial(self) -> TrialView | None:
        """The trial to show: an open one at the bench before all, else the newest anywhere."""
        bench, worker = self.bench, self.worker
        if bench is None or worker is None or bench.open:
            return bench or worker
        return max(bench, worker, key=lambda trial: trial.opened_seq)

    @property
    def in_flight(self) -> CallView | None:
        """The call of the shown trial whose result is not there (yet)."""
        return self.trial.in_flight if self.trial else None

    @property
    def last_call(self) -> CallView | None:
        """The newest call of the shown trial, in flight or done."""
        return (self.in_flight or self.trial.last_call) if self.trial else None

    @property
    def best(self) -> HypothesisView | None:
        """The hypothesis the run stands by: promoted before kept before open, then by score."""
        return best_of(self.live_hypotheses)

    def count(self, seed_set: SeedSet) -> Count:
        return self.counts.get(seed_set, Count())

    def _open_at(self, where: str) -> TrialView | None:
        return next((t for t in reversed(self.open_trials) if t.where == where), None)


EMPTY: Final = Snapshot()


def fold(state: Snapshot, recorded: Recorded) -> Snapshot:
    """The moment after one more event. Pure: equal inputs give equal snapshots."""
    handler = _HANDLERS.get(type(recorded.event))
    changes = handler(state, recorded, recorded.event) if handler else {}
    account = observe(state.utilisation, recorded)
    return replace(
        state,
        seq=recorded.seq,
        wall_s=recorded.wall_s,
        mono_s=recorded.mono_s,
        utilisation=account,
        **changes,
    )


def fold_all(state: Snapshot, events: Iterable[Recorded]) -> Snapshot:
    for recorded in events:
        state = fold(state, recorded)
    return state


Changes = dict[str, Any]


def _opened(state: Snapshot, at: Recorded, event: SessionOpened) -> Changes:
    view = SessionView(
        spec=event.spec,
        sandbox=event.sandbox,
        versions=event.versions,
        cell=event.cell,
        hashes=event.hashes,
        brands=event.brands,
        opened_wall_s=at.wall_s,
    )
    return {"session": view, "spent": replace(state.spent, budget=event.spec.budget)}


def _cell(state: Snapshot, at: Recorded, event: CellChanged) -> Changes:
    same = event.state == state.cell.state
    view = CellView(
        state=event.state,
        mode=event.mode,
        cause=event.cause,
        who=event.who,
        since_mono_s=state.cell.since_mono_s if same else at.mono_s,
        since_wall_s=state.cell.since_wall_s if same else at.wall_s,
        since_cell_s=state.cell.since_cell_s if same else event.cell_s,
    )
    return {"cell": view}


def _stood(_: Snapshot, at: Recorded, event: CallStood) -> Changes:
    view = StandingView(
        trial=event.trial,
        call=event.call,
        primitive=event.primitive,
        line=event.line,
        why=event.why,
        args=event.args,
        preview=replace(event.preview, path=None),
        edited=event.edited,
        edited_by=event.edited_by,
        seq=at.seq,
    )
    return {"standing": view}


def _breakpoints(_: Snapshot, __: Recorded, event: BreakpointsChanged) -> Changes:
    return {"breakpoints": event.breakpoints}


def _dry_run(state: Snapshot, at: Recorded, event: DryRunReported) -> Changes:
    return {"dry_runs": with_dry_run(state.dry_runs, at, event)}


def _phase(state: Snapshot, at: Recorded, event: PhaseChanged) -> Changes:
    view = PhaseView(
        phase=event.phase,
        trial=event.trial,
        cause=event.cause,
        waits_for=event.waits_for,
        since_mono_s=at.mono_s,
        since_wall_s=at.wall_s,
        since_cell_s=event.cell_s,
    )
    return {"phase": view, "standing": state.standing if event.phase == "held" else None}


def _trial_opened(state: Snapshot, at: Recorded, event: TrialOpened) -> Changes:
    return {
        "open_trials": trials.opened(state.open_trials, at, event),
        "trials_opened": state.trials_opened + 1,
    }


def _in_trial(state: Snapshot, at: Recorded, event: trials.TrialEvent) -> Changes:
    return {"open_trials": trials.took_in(state.open_trials, at, event)}


def _call_ended(state: Snapshot, at: Recorded, event: CallResult) -> Changes:
    stood = state.standing
    over = stood is not None and (stood.trial, stood.call) == (event.trial, event.call)
    changes = _in_trial(state, at, event)
    return {**changes, "standing": None} if over else changes


def _trial_closed(state: Snapshot, at: Recorded, event: TrialClosed) -> Changes:
    changes: Changes = {"trials_closed": state.trials_closed + 1}
    rest, closed = trials.closed(state.open_trials, at, event)
    if closed is None:
        return changes
    changes["open_trials"] = rest
    changes["last_bench" if closed.where == "bench" else "last_worker"] = closed
    after = trials.counted(state.count(closed.seed_set), closed.outcome)
    changes["counts"] = {**state.counts, closed.seed_set: after}
    return changes


def _agent_turn(state: Snapshot, at: Recorded, event: AgentTurn) -> Changes:
    view = replace(
        state.agent, thinking=event.open, since_mono_s=at.mono_s, note=event.note[:SAID_CHARACTERS]
    )
    return {"agent": view}


def _agent_said(state: Snapshot, at: Recorded, event: AgentSaid) -> Changes:
    goes_on = event.stream != 0 and event.stream == state.agent.stream
    text = (state.agent.said if goes_on else "") + event.text
    view = replace(
        state.agent,
        said=text[:SAID_CHARACTERS],
        said_seq=at.seq,
        stream=0 if event.done else event.stream,
    )
    return {"agent": view}


def _agent_tool(state: Snapshot, at: Recorded, event: AgentTool) -> Changes:
    text = f"{event.tool}: {event.answer}"[:SAID_CHARACTERS]
    unread = 0 if event.tool == "told" else state.agent.unread
    return {"agent": replace(state.agent, said=text, said_seq=at.seq, unread=unread)}


def _told(state: Snapshot, _: Recorded, __: OperatorTold) -> Changes:
    return {"agent": replace(state.agent, unread=state.agent.unread + 1)}


def _asked(state: Snapshot, _: Recorded, event: AgentAsked) -> Changes:
    text = event.text[:SAID_CHARACTERS]
    agent = replace(
        state.agent, asked=event.question, question=text, asks_permission=event.permission
    )
    return {"agent": agent}


def _answered(state: Snapshot, _: Recorded, event: AgentAnswered) -> Changes:
    if event.question != state.agent.asked:
        return {}
    return {"agent": replace(state.agent, asked=None, question="", asks_permission=False)}


def _tokens(state: Snapshot, _: Recorded, event: TokensUsed) -> Changes:
    return {"tokens": state.tokens + event.tokens}


def _hypothesis(state: Snapshot, _: Recorded, event: HypothesisOpened) -> Changes:
    return {
        "live_hypotheses": add_hypothesis(state.live_hypotheses, event),
        "hypotheses_opened": state.hypotheses_opened + 1,
    }


def _score(state: Snapshot, _: Recorded, event: HypothesisScored) -> Changes:
    return {"live_hypotheses": score(state.live_hypotheses, event)}


def _decided(state: Snapshot, _: Recorded, event: HypothesisDecided) -> Changes:
    return {"live_hypotheses": decide(state.live_hypotheses, event)}


def _budget(_: Snapshot, __: Recorded, event: BudgetSpent) -> Changes:
    view = SpentView(
        budget=event.budget,
        trials=event.trials,
        minutes=event.minutes,
        tokens=event.tokens,
        cost_usd=event.cost_usd,
        exhausted=event.exhausted,
        model_calls=event.model_calls,
    )
    return {"spent": view}


def _operator(state: Snapshot, at: Recorded, event: OperatorAct) -> Changes:
    view = ActView(
        seq=at.seq,
        wall_s=at.wall_s,
        verb=event.verb,
        who=event.who,
        role=event.role,
        accepted=event.accepted,
        reason=event.reason,
    )
    changes: Changes = {"acts": (*state.acts, view)[-LAST_ACTS:]}
    if event.accepted:
        changes["mode"] = _switched(state.mode, event)
    return changes


def _switched(mode: ModeView, act: OperatorAct) -> ModeView:
    match act.verb:
        case "step":
            return replace(mode, stepping=True)
        case "resume" | "run_call":
            return replace(mode, stepping=False)
        case "pause_agent":
            return replace(mode, agent_paused=bool(act.args.get("on", not mode.agent_paused)))
        case "stop":
            return replace(mode, stopping=True)
    return mode


def _note(state: Snapshot, at: Recorded, event: Note) -> Changes:
    view = NoteView(at.seq, at.wall_s, event.severity, event.code, event.text)
    changes: Changes = {"notes": (*state.notes, view)[-LAST_NOTES:]}
    if event.code == REOPENED:
        # Who held a switch or thought aloud died with the engine; what the cell did is unknown.
        changes["mode"] = ModeView()
        changes["agent"] = replace(state.agent, thinking=False, since_mono_s=at.mono_s, stream=0)
        changes["phase"] = PhaseView(
            cause="reopened", since_mono_s=at.mono_s, since_wall_s=at.wall_s
        )
        changes["ended"] = changes["standing"] = None
        changes["breakpoints"] = changes["bench_queue"] = ()
    return changes


def _people(state: Snapshot, _: Recorded, event: PeopleEvent) -> Changes:
    changes: Changes = {"people": changed(state.people, event)}
    if isinstance(event, SessionResumed):
        changes |= {"evaluation": (), "ended": None}
    return changes


def _evaluation(_: Snapshot, __: Recorded, event: EvaluationChanged) -> Changes:
    return {"evaluation": event.changes}


def _drafted(_: Snapshot, __: Recorded, event: SkillDrafted) -> Changes:
    return {"promotion": with_draft(event)}


def _ruled(state: Snapshot, _: Recorded, event: SkillRuled) -> Changes:
    return {"promotion": with_ruling(state.promotion, event)}


def _canary(state: Snapshot, at: Recorded, event: CanaryReported) -> Changes:
    return {"canary": with_canary(state.canary, at, event)}


def _run_ended(_: Snapshot, at: Recorded, event: RunEnded) -> Changes:
    view = EndView(
        outcome=event.outcome,
        stopped_by=event.stopped_by,
        best=event.best,
        k=event.k,
        n=event.n,
        lo=event.lo,
        hi=event.hi,
        reason=event.reason,
        seq=at.seq,
        wall_s=at.wall_s,
    )
    return {"ended": view, "standing": None}


_HANDLERS: Final[dict[type, Callable[[Snapshot, Recorded, Any], Changes]]] = {
    SessionOpened: _opened,
    CellChanged: _cell,
    PhaseChanged: _phase,
    TrialOpened: _trial_opened,
    ResetReported: _in_trial,
    CallIntent: _in_trial,
    CallResult: _call_ended,
    CallStood: _stood,
    BreakpointsChanged: _breakpoints,
    DryRunReported: _dry_run,
    SkillDrafted: _drafted,
    SkillRuled: _ruled,
    CanaryReported: _canary,
    ProgramEnded: _in_trial,
    VerdictGiven: _in_trial,
    RefereeJudged: _in_trial,
    TrialClosed: _trial_closed,
    AgentTurn: _agent_turn,
    AgentSaid: _agent_said,
    AgentTool: _agent_tool,
    OperatorTold: _told,
    AgentAsked: _asked,
    AgentAnswered: _answered,
    TokensUsed: _tokens,
    HypothesisOpened: _hypothesis,
    HypothesisScored: _score,
    HypothesisDecided: _decided,
    BudgetSpent: _budget,
    OperatorAct: _operator,
    BenchQueue: lambda _, __, e: {"bench_queue": e.waiting},
    **dict.fromkeys((RoundBegan, RoundEnded), lambda _, __, e: {"round": round_of(e)}),
    Note: _note,
    EvaluationChanged: _evaluation,
    RunEnded: _run_ended,
    **dict.fromkeys(PEOPLE_EVENTS, _people),
}
