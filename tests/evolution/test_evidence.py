"""Which trials speak for a skill: only pairs in which both were judged and counted."""

from __future__ import annotations

import sys
from pathlib import Path

from aspire_tui.domain import Outcome, Repair
from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    SessionOpened,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.evolution.admission import _told
from aspire_tui.evolution.evidence import paired_of, proof_of
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import opening

SHIPPED = Path(__file__).parents[2] / "skills"
SKILL = next(iter(load_library((SHIPPED,)).skills))
Ran = tuple[int, Outcome | None, bool]
"""Seed, outcome, whether it is in the counts."""
WITHOUT: tuple[Ran, ...] = (
    (1, "FAIL", True), (2, "UNSURE", True), (3, "PASS", True), (4, "UNSURE", False),
    (5, "FAIL", True), (6, None, True), (7, "PASS", True),
)  # fmt: skip
WITH: tuple[Ran, ...] = (
    (1, "PASS", True), (2, "PASS", True), (3, "UNSURE", True), (4, "PASS", True),
    (5, "UNSURE", False), (6, "PASS", True), (8, "PASS", True),
)  # fmt: skip


def recorded(path: Path) -> Path:
    repair = Repair(1, 3, "goto_pose", "BLOCKED", SKILL.name, {}, False)
    events: list[SessionOpened | HypothesisOpened | TrialOpened | TrialClosed] = [
        opening(),
        HypothesisOpened(0, None, "plain", "", "", "p0", "rules"),
        HypothesisOpened(1, 0, "repaired", "", "", "p1", "rules", (repair,)),
    ]
    trial = 0
    for hypothesis, ran in ((0, WITHOUT), (1, WITH)):
        for seed, outcome, counted in ran:
            trial += 1
            events += [
                TrialOpened(trial, "t", seed, "selection", "p", hypothesis, "worker", "sim"),
                TrialClosed(trial, outcome, "returned", None, 1.0, 1.0, counted=counted),
            ]
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(events)
    return path


def test_unjudged_and_uncounted_trials_are_left_out_with_their_partner(tmp_path: Path) -> None:
    with SessionReader(recorded(tmp_path / "s.db")) as reader:
        proof = proof_of(reader, SKILL)
        (pairs,) = paired_of(reader, SKILL)
    assert proof.seeds == pairs.seeds() == (1, 2, 3)
    # UNSURE is a verdict: it speaks for neither side.
    assert (proof.rate_without.k, proof.rate_with.k, proof.rate_with.n) == (1, 2, 3)
    assert pairs.left_out == (4, 5, 6) and proof.left_out == 3
    assert "3 scenes left out, not judged or not counted" in _told(pairs)


def test_held_out_scenes_are_counted_beside_the_evidence_and_in_none_of_it(tmp_path: Path) -> None:
    path = recorded(tmp_path / "s.db")
    late: list[TrialOpened | TrialClosed] = []
    for trial, outcome in ((90, "PASS"), (91, "FAIL"), (92, None)):
        late += [
            TrialOpened(trial, "t", 4 * trial + 2, "held_out", "p", 1, "worker", "sim"),
            TrialClosed(trial, outcome, "returned", None, 1.0, 1.0),
        ]
    with Recorder.open(path, ballast_bytes=0) as recorder:
        recorder.append(late)
    with SessionReader(path) as reader:
        proof = proof_of(reader, SKILL)
        (pairs,) = paired_of(reader, SKILL)
    assert proof.held_out is not None and (proof.held_out.k, proof.held_out.n) == (1, 2)
    assert pairs.held_out == (1, 2)
    assert proof.seeds == pairs.seeds() == (1, 2, 3)


def test_what_was_promoted_speaks_before_an_earlier_one_that_was_given_up(tmp_path: Path) -> None:
    path = recorded(tmp_path / "s.db")
    repair = Repair(1, 3, "goto_pose", "BLOCKED", SKILL.name, {}, False)
    late: list[HypothesisOpened | HypothesisDecided | TrialOpened | TrialClosed] = [
        HypothesisDecided(1, "pruned", "does not help"),
        HypothesisOpened(2, 0, "another value", "", "", "p2", "rules", (repair,)),
        HypothesisDecided(2, "kept", "helps"),
        HypothesisDecided(2, "promoted", "promoted by ann"),
    ]
    for trial, seed in ((90, 1), (91, 2)):
        late += [
            TrialOpened(trial, "t", seed, "selection", "p2", 2, "worker", "sim"),
            TrialClosed(trial, "PASS", "returned", None, 1.0, 1.0),
        ]
    with Recorder.open(path, ballast_bytes=0) as recorder:
        recorder.append(late)
    with SessionReader(path) as reader:
        (pairs,) = paired_of(reader, SKILL)
        assert proof_of(reader, SKILL).seeds == pairs.seeds() == (1, 2)
    assert pairs.with_it == {1: True, 2: True}
