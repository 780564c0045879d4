"""Keeps the hypothesis tree of a session in step with its file, event by event."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Recorded,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import ListedTrial, TreeRow
from aspire_tui.session.views import Score
from aspire_tui.tui.tree import GrowingTree, Tree

TRIALS_LISTED: Final = 2_000
KINDS: Final = ("hypothesis", "score", "decided", "trial_opened", "trial_closed")
READ_AT_ONCE: Final = 300
"""Hypotheses and trials that are read anew while a key waits."""
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
        self._tree = Tree()
        self.built = 0

    @property
    def last(self) -> Tree:
        """The tree of the moment that was asked for last."""
        return self._tree

    def costs(self, seq: int) -> bool:
        """Whether reading it at an event takes longer than a key may wait."""
        anew = seq < self._at or seq > self._at + FOLLOWED
        return anew and len(self._tree.hypotheses) + self._growing.listed > READ_AT_ONCE

    def at(self, reader: SessionReader, seq: int) -> Tree:
        """The tree as it stood at an event."""
        if seq < self._at or self._at < 0:
            self._read(reader, seq)
        elif seq > self._at:
            fresh = reader.events(self._at, FOLLOWED + 1, kinds=KINDS, upto_seq=seq)
            if len(fresh) > FOLLOWED:
                self._read(reader, seq)
            elif fresh:
                self._follow(fresh)
        self._at = seq
        return self._tree

    def _read(self, reader: SessionReader, seq: int) -> None:
        self._growing = GrowingTree(reader.tree_rows(seq))
        for seed_set, k, n, mono_s in reader.scores(seq):
            self._growing.scored(seed_set, k, n, mono_s)
        for trial in reader.listed_trials(TRIALS_LISTED, seq):
            self._growing.try_(trial)
        self._publish(len(self._growing.hypotheses))

    def _follow(self, fresh: list[Recorded]) -> None:
        for recorded in fresh:
            self._take(recorded)
        self._growing.keep_newest(TRIALS_LISTED)
        self._publish(len(fresh))

    def _take(self, recorded: Recorded) -> None:
        growing, event = self._growing, recorded.event
        match event:
            case HypothesisOpened():
                growing.add(
                    TreeRow(
                        event.hypothesis, event.parent, event.claim, event.program,
                        recorded.seq, recorded.mono_s,
                    )
                )  # fmt: skip
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
                            row, status=event.status, decided_mono_s=recorded.mono_s
                        )
                    )
            case TrialOpened():
                growing.try_(
                    ListedTrial(
                        event.trial, event.hypothesis, event.seed, event.seed_set, recorded.mono_s
                    )
                )
            case TrialClosed():
                trial = growing.tried(event.trial)
                if trial is not None:
                    growing.try_(
                        msgspec.structs.replace(
                            trial, closed=True, outcome=event.outcome, reason=event.reason,
                            implicated=event.implicated, wall_s=event.wall_s,
                        )
                    )  # fmt: skip

    def _publish(self, built: int) -> None:
        self.built += built
        self._tree = self._growing.tree()
