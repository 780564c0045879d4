"""Keeps the hypothesis tree of a session in step with its file, event by event."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Recorded,
    TokensUsed,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.session.nouns import Spent, opened_row
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow
from aspire_tui.session.views import Score
from aspire_tui.tui.tree import GrowingTree, ListedTrial, Tree

TRIALS_LISTED: Final = 2_000
KINDS: Final = ("hypothesis", "score", "decided", "tokens", "trial_opened", "trial_closed")
FOLLOWED: Final = 4_000
"""More new events than this are not followed one by one: the tree is read anew."""


class TreeReading:
    """The tree at the moment that was asked for last. Going on costs what is new, going back all.

    Attributes:
        built: Hypotheses and trials that were put into a tree or changed so far.
    """

    def __init__(self) -> None:
        self._at = -1
        self._growing = GrowingTree()
        self._spent = Spent()
        self._tree = Tree()
        self._opened: set[int] = set()
        self.built = 0

    def at(self, reader: SessionReader, seq: int) -> Tree:
        """The tree as it stood at an event."""
        if seq < self._at or self._at < 0:
            self._read(reader, seq)
        elif seq > self._at:
            fresh = reader.events(self._at, FOLLOWED + 1, kinds=KINDS, upto_seq=seq)
            if len(fresh) > FOLLOWED:
                self._read(reader, seq)
            elif fresh:
                self._follow(reader, fresh, seq)
        self._at = seq
        return self._tree

    def _read(self, reader: SessionReader, seq: int) -> None:
        self._spent = Spent()
        self._growing = GrowingTree(reader.hypotheses(seq, self._spent))
        for seed_set, k, n, mono_s in reader.scores(seq):
            self._growing.scored(seed_set, k, n, mono_s)
        for trial in reader.trials(seq, newest=TRIALS_LISTED):
            self._growing.try_(_listed(trial))
        self._publish(len(self._growing.hypotheses))

    def _follow(self, reader: SessionReader, fresh: list[Recorded], seq: int) -> None:
        touched: set[int] = set()
        for recorded in fresh:
            self._take(recorded, touched)
        for number in touched:
            row = self._growing.known(number)
            if row is not None:
                trials, passed, minutes = reader.tried(number, seq)
                self._growing.change(
                    msgspec.structs.replace(
                        row, trials=trials, passed=passed, trial_minutes=minutes
                    )
                )
        self._growing.keep_newest(TRIALS_LISTED)
        self._publish(len(fresh))

    def _take(self, recorded: Recorded, touched: set[int]) -> None:
        growing, event = self._growing, recorded.event
        match event:
            case HypothesisOpened():
                growing.add(opened_row(recorded, event, *self._spent.until(recorded, event)))
            case TokensUsed():
                self._spent.add(event)
            case HypothesisScored():
                growing.scored(event.seed_set, event.k, event.n, recorded.mono_s)
                row = growing.known(event.hypothesis)
                if row is not None:
                    score = Score(event.k, event.n, event.lo, event.hi)
                    scores = {**row.scores, event.seed_set: score}
                    growing.change(msgspec.structs.replace(row, scores=scores))
            case HypothesisDecided():
                row = growing.known(event.hypothesis)
                if row is not None:
                    growing.change(
                        msgspec.structs.replace(
                            row, status=event.status, decided_seq=recorded.seq,
                            decided_mono_s=recorded.mono_s, decided_reason=event.reason,
                        )
                    )  # fmt: skip
            case TrialOpened():
                growing.try_(
                    ListedTrial(
                        event.trial, event.hypothesis, event.seed, event.seed_set,
                        False, None, None, "", recorded.mono_s,
                    )
                )  # fmt: skip
            case TrialClosed():
                trial = growing.tried(event.trial)
                if trial is not None:
                    growing.try_(
                        trial._replace(
                            closed=True, outcome=event.outcome, implicated=event.implicated,
                            reason=event.reason, wall_s=event.wall_s,
                        )
                    )  # fmt: skip
                    if trial.hypothesis is not None and event.outcome is not None:
                        touched.add(trial.hypothesis)

    def _publish(self, built: int) -> None:
        self.built += built
        self._tree = self._growing.tree()


def _listed(row: TrialRow) -> ListedTrial:
    return ListedTrial(
        trial=row.trial,
        hypothesis=row.hypothesis,
        seed=row.seed,
        seed_set=row.seed_set,
        closed=row.closed_seq is not None,
        outcome=row.outcome,
        implicated=row.implicated,
        reason=row.reason,
        opened_mono_s=row.opened_mono_s,
        wall_s=row.wall_s,
    )
