"""Going on with a stopped run: what its session file says was done is not done again.

An agent that always does the same on the same answers (``rules``) is asked from the beginning and
answered from the record: a tree it has built, trials that have ended, words it has said. Where the
record ends, the search goes on, exactly where it was. Every other agent finds the tree as it stood
and goes on from there.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aspire_tui.domain import RunSpec, SeedSet, Tokens
from aspire_tui.errors import ConfigError
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    AgentTurn,
    AnyEvent,
    Attached,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    OperatorAct,
    ProgramStored,
    RoundBegan,
    RoundEnded,
    SkillMatched,
    TrialClosed,
    encode,
)
from aspire_tui.evolution.growing import ForkAsked, Idea
from aspire_tui.evolution.tree import Tree
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow

REPEATS_ITSELF: Final = ("rules",)
"""Agents that always do the same on the same answers."""
REPEATED: Final = (
    AgentSaid,
    AgentTool,
    Attached,
    HypothesisOpened,
    HypothesisScored,
    HypothesisDecided,
    RoundBegan,
    RoundEnded,
    SkillMatched,
)
"""Events that follow from what the agent asks: asked again, they are in the file already."""
_KINDS: Final = tuple(str(kind.__struct_config__.tag) for kind in REPEATED)


def repeats_itself(spec: RunSpec) -> bool:
    """Whether its agent, asked again from the beginning, does what it did: one alone does, several
    get their answers in another order."""
    return spec.agent in REPEATS_ITSELF and spec.team == 1


UNFINISHED: Final = "unfinished when its engine ended; not counted, it is run again"


class TrialKey(NamedTuple):
    """What makes two trials the same trial."""

    program: str
    """sha256 of its text."""
    seed: int
    seed_set: SeedSet
    where: str


@dataclass
class FinishedTrials:
    """Trials that ended, each to be handed out once instead of being run again."""

    by_key: dict[TrialKey, deque[TrialClosed]] = field(default_factory=dict)

    def take(self, key: TrialKey) -> TrialClosed | None:
        """The oldest one not handed out yet."""
        queue = self.by_key.get(key)
        return queue.popleft() if queue else None

    def __len__(self) -> int:
        return sum(len(q) for q in self.by_key.values())


class Replay:
    """Holds back what is in the file already, until the agent does something that is not.

    Pure: events in, those that must be written out.
    """

    def __init__(self, recorded: Iterable[AnyEvent] = ()) -> None:
        self._ahead = [encode(event) for event in recorded]
        self._at = 0
        self.live = not self._ahead

    def went_live(self) -> None:
        """Something new happens: a trial nobody has run."""
        self.live = True

    def fresh(self, events: Iterable[AnyEvent]) -> tuple[AnyEvent, ...]:
        """The events that are not in the file yet. Turns of an agent that only repeats are none."""
        return tuple(e for e in events if self.live or self._is_new(e))

    def _is_new(self, event: AnyEvent) -> bool:
        if isinstance(event, AgentTurn):
            return False
        if not isinstance(event, REPEATED):
            return True
        try:
            self._at = self._ahead.index(encode(event), self._at) + 1
        except ValueError:
            self.live = True
            return True
        return False


@dataclass(frozen=True)
class Past:
    """A stopped run, as its file tells it."""

    spec: RunSpec
    hashes: dict[str, str]
    finished: FinishedTrials
    replay: Replay
    programs: frozenset[str]
    unfinished: tuple[int, ...]
    unknown: tuple[str, ...]
    trials: int
    """Finished trials: what of the budget is used."""
    last_trial: int
    last_hypothesis: int
    minutes: float
    tokens: Tokens
    model_calls: int
    last_seq: int


def read_past(reader: SessionReader) -> Past:
    """What was done, from a session file.

    Raises:
        ConfigError: It is no run, or has nothing left to do.
    """
    snapshot = reader.snapshot()
    if snapshot.session is None:
        raise ConfigError(f"{reader.path}: holds no run that could be resumed")
    if snapshot.session.spec.verb != "run":
        raise ConfigError(f"{reader.path.stem}: an exec is not resumed; run the program again")
    if snapshot.ended is not None and snapshot.ended.stopped_by == "done":
        raise ConfigError(f"{reader.path.stem}: this run is done; replay it, or start a new one")
    rows = reader.trials(snapshot.seq)
    finished, done = FinishedTrials(defaultdict(deque)), 0
    for row in rows:
        closed = reader.event(row.closed_seq) if row.closed_seq is not None else None
        if closed is not None and isinstance(closed.event, TrialClosed) and is_finished(row):
            key = TrialKey(row.program, row.seed, row.seed_set, row.where)
            finished.by_key[key].append(closed.event)
            done += 1
    return Past(
        spec=snapshot.session.spec,
        hashes=snapshot.session.hashes,
        finished=finished,
        replay=_replay(reader, snapshot.session.spec),
        programs=frozenset(
            e.event.program
            for e in reader.events(kinds=("program",))
            if isinstance(e.event, ProgramStored)
        ),
        unfinished=tuple(r.trial for r in rows if r.closed_seq is None),
        unknown=_unknown_calls(reader, rows),
        trials=done,
        last_trial=max((r.trial for r in rows), default=0),
        last_hypothesis=max((h.hypothesis for h in reader.hypotheses(snapshot.seq)), default=0),
        minutes=snapshot.spent.minutes,
        tokens=snapshot.tokens,
        model_calls=sum(1 for _ in reader.events(kinds=("tokens",))),
        last_seq=snapshot.seq,
    )


def _replay(reader: SessionReader, spec: RunSpec) -> Replay:
    if not repeats_itself(spec):
        return Replay()
    return Replay(e.event for e in reader.events(kinds=_KINDS) if _repeats(e.event))


def grown(reader: SessionReader, leave_out: Collection[str] = ()) -> Tree:
    """The tree as the file tells it, for an agent that goes on from it instead of repeating.

    Args:
        leave_out: Authors who put their own ideas in again by themselves.
    """
    tree = Tree()
    for row in reader.hypotheses():
        kept = reader.program(row.program)
        if kept is None or row.author in leave_out:
            continue
        tree.put(
            Idea(
                number=row.hypothesis,
                parent=row.parent,
                program=kept.text,
                claim=row.claim,
                author=row.author,
                difference=row.difference,
                if_wrong=row.if_wrong,
                borrowed_from=row.borrowed_from,
                repairs=row.repairs,
                status=row.status,
                reason=row.decided_reason,
            )
        )
    for trial in reader.trials():
        number = trial.hypothesis
        if number is None or number not in tree.nodes or trial.outcome is None:
            continue
        if trial.seed_set in ("dev", "selection"):
            tree.ran(number, trial.seed_set, {trial.seed: trial.outcome == "PASS"})
    return tree


def forks_asked(reader: SessionReader) -> list[ForkAsked]:
    """Wishes for a new line that no later hypothesis has taken up."""
    children = {h.parent: h.opened_seq for h in reader.hypotheses()}
    return [
        ForkAsked(int(act.args["hypothesis"]), str(act.args["note"]), act.who)
        for at in reader.events(kinds=("operator",))
        if isinstance(act := at.event, OperatorAct)
        and act.verb == "fork"
        and act.accepted
        and not act.args.get("program")
        and children.get(act.args["hypothesis"], 0) < at.seq
    ]


def is_finished(row: TrialRow) -> bool:
    """Whether a trial came to its end: judged, or its reset did not succeed. Pure.

    One that was aborted, or lost its cell, says nothing of its program.
    """
    if row.closed_seq is None:
        return False
    return row.outcome is not None or row.reset not in (None, "ok")


def _repeats(event: AnyEvent) -> bool:
    return not isinstance(event, Attached) or event.role == "skill"


def _unknown_calls(reader: SessionReader, rows: Iterable[TrialRow]) -> tuple[str, ...]:
    """Calls whose intent is in the file and whose result is not."""
    return tuple(
        f"call {c.call} ({c.primitive}) of trial {row.trial}"
        for row in rows
        if row.closed_seq is None
        for c in reader.calls(row.trial)
        if c.status is None
    )


def closings(past: Past) -> tuple[TrialClosed, ...]:
    """The ends of trials that never ended: no outcome, so no count takes them in."""
    return tuple(
        TrialClosed(trial=n, outcome=None, ended=None, implicated=None, cell_s=0.0, wall_s=0.0,
                    reason=UNFINISHED)
        for n in past.unfinished
    )  # fmt: skip
