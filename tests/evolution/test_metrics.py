"""Metrics are what the events say: recounted here in another way, and by the page's own program."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stopped_clock import StoppedClock
from story import BLOBS, PROGRAM, intent, opening, result, story, trial_opened, verdict

from aspire_tui.domain import Tokens
from aspire_tui.events import (
    AnyEvent,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    Recorded,
    RunEnded,
    TokensUsed,
    TrialClosed,
)
from aspire_tui.evolution.comparison import compare
from aspire_tui.evolution.criterion import parse_criterion
from aspire_tui.evolution.metrics import measure, measured
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

ROOT = Path(__file__).parents[2]
(FOREIGN,) = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.DOTALL
)


def told(*events: AnyEvent, step_s: float = 6.0) -> list[Recorded]:
    return [Recorded(i + 1, 1000.0 + step_s * i, step_s * i, e) for i, e in enumerate(events)]


def closed(trial: int, outcome: str | None) -> TrialClosed:
    return TrialClosed(trial, outcome, "returned", None, 1.0, 1.0)


def one(trial: int, *outcomes: str, seed_set: str = "dev", hypothesis: int | None = None):
    """A trial with one verdict per attempt."""
    return [
        trial_opened(trial, "worker", seed_set, hypothesis),
        *(verdict(trial, o, i + 1) for i, o in enumerate(outcomes)),
        closed(trial, outcomes[-1]),
    ]


def test_the_pages_program_is_twenty_lines() -> None:
    assert len([line for line in FOREIGN.splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("which", ["stack-repaired", "lift-held", 1, 2, 3])
def test_twenty_lines_of_someone_else_find_the_same(which: str | int, tmp_path: Path) -> None:
    path = (
        ROOT / "sessions" / f"{which}.db" if isinstance(which, str) else recorded(tmp_path, which)
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", FOREIGN, str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    with SessionReader(path) as reader:
        m = measure(reader)
        sim_s = reader.snapshot().utilisation.sim.executing
    said = first.split()
    assert float(said[1]) == pytest.approx(m.mtu.per_minute["total"], abs=1e-3)
    assert float(said[-1]) == pytest.approx(sim_s, abs=2e-3)
    curves = {p.seed_set: p.curve for p in m.pass_at if p.programs == "all"}
    for line in rest[:-1]:
        seed_set, *rates = line.split()
        ours = [f"{r.passed}/{r.n}" for r in curves[seed_set]]
        assert ours[: len(rates)] == rates
    best = m.progress[0].curve[-1][1] if m.progress[0].curve else 0.0
    assert float(rest[-1].split()[-1]) == pytest.approx(best, abs=1e-4)


def recorded(folder: Path, seed: int) -> Path:
    """A told session in which nobody stopped recording, of one task."""
    clock, rng = StoppedClock(), random.Random(seed)
    path = folder / f"{seed}.db"
    with Recorder.create(path, clock=clock, ballast_bytes=0) as recorder:
        for event in story(seed, 14):
            if isinstance(event, Note) and event.code:
                continue
            clock.wind(rng.uniform(0.1, 9.0))
            recorder.append([event], BLOBS)
    return path


def test_pass_at_k_counts_within_a_trial_and_ends_at_what_was_tried() -> None:
    events = [
        opening(),
        *one(1, "FAIL", "PASS"),
        *one(2, "PASS"),
        *one(3, "FAIL", "FAIL", "UNSURE"),
    ]
    (curve,) = measured("s", told(*events)).pass_at
    assert [(r.k, r.passed, r.n) for r in curve.curve] == [(1, 1, 3), (2, 2, 3), (3, 2, 3)]
    assert curve.mean_attempts == 2.0
    assert curve.curve[0].lo < 1 / 3 < curve.curve[0].hi


def test_a_trial_without_outcome_counts_nowhere() -> None:
    events = [opening(), *one(1, "PASS"), trial_opened(2, "worker"), closed(2, None)]
    (curve,) = measured("s", told(*events)).pass_at
    assert curve.trials == 1


def test_seed_sets_are_never_pooled() -> None:
    events = [opening(), *one(1, "PASS"), *one(2, "FAIL", seed_set="held_out")]
    assert [(p.seed_set, p.trials) for p in measured("s", told(*events)).pass_at] == [
        ("dev", 1),
        ("held_out", 1),
    ]


def test_tokens_by_class_never_count_reasoning_twice() -> None:
    events = [opening(), TokensUsed(Tokens(10, 100, 40, 30, 0.1), "m"), Note("now")]
    mtu = measured("s", told(*events, step_s=30.0)).mtu
    assert mtu.minutes == 1.0
    assert mtu.per_minute == {
        "total": 150,
        "cached": 100,
        "fresh": 10,
        "output": 40,
        "reasoning": 30,
        "uncached_work": 50,
    }


def test_success_is_when_the_criterion_was_first_met_and_else_censored() -> None:
    events = [
        opening(),
        TokensUsed(Tokens(10), "m"),
        *one(1, "FAIL"),
        *one(2, "PASS"),
        TokensUsed(Tokens(1000), "m"),
        *one(3, "PASS"),
        RunEnded("FAIL", "done"),
    ]
    first = measured("s", told(*events), parse_criterion("first")).success
    assert (first.time_s, first.tokens, first.censored) == (42.0, 10, False)
    row = measured("s", told(*events), parse_criterion("row:2")).success
    assert (row.time_s, row.tokens) == (66.0, 1010)
    never = measured("s", told(*events)).success
    assert (never.time_s, never.tokens, never.censored) == (None, None, True)
    assert never.tokens_spent == 1010


def test_a_window_never_joins_two_programs() -> None:
    other = TrialClosed(2, "PASS", "returned", None, 1.0, 1.0)
    begun = trial_opened(2, "worker")
    changed = type(begun)(2, "cube_lift", 5, "dev", "0" * 64, None, "worker", "sim")
    events = [opening(), *one(1, "PASS"), changed, other]
    assert measured("s", told(*events), parse_criterion("row:2")).success.censored


def test_time_in_which_nobody_recorded_counts_nowhere() -> None:
    events = told(opening(), Note("last"))
    events.append(Recorded(3, 5000.0, 4000.0, Note("again", "warn", "session_reopened")))
    events.append(Recorded(4, 5006.0, 4006.0, Note("on")))
    assert measured("s", events).success.watched_s == pytest.approx(12.0)


def test_people_are_counted_and_their_trials_kept_apart() -> None:
    helped = result(1, 1)
    helped = type(helped)(1, 1, 1, "goto_pose", "OK", "skipped", 0.0, 1.0, skipped_by="ann")
    events = [
        opening(),
        OperatorAct("a", "hold", "ann", "operator", True),
        OperatorAct("b", "hold", "ann", "operator", False, "not now"),
        trial_opened(1),
        intent(1, 1),
        helped,
        verdict(1, "PASS"),
        closed(1, "PASS"),
        *one(2, "FAIL"),
    ]
    m = measured("s", told(*events))
    assert m.interventions.orders == {"hold": 1}
    assert (m.interventions.calls_skipped, m.interventions.total) == (1, 2)
    assert m.interventions.trials_helped == (1,)
    (curve,) = m.pass_at
    assert curve.alone is not None
    assert (curve.curve[0].passed, curve.alone.passed, curve.alone.n) == (1, 0, 1)


def scored(number: int, k: int, n: int, author: str) -> list[AnyEvent]:
    return [
        HypothesisOpened(number, None, "claim", "", "", PROGRAM, author),
        HypothesisScored(number, "dev", k, n, 0.0, 1.0),
    ]


def test_few_scenes_make_no_point_and_a_team_is_a_mean() -> None:
    events = [opening(), *scored(1, 1, 1, "a"), *scored(2, 6, 12, "a"), *scored(3, 12, 12, "b")]
    dev = measured("s", told(*events)).progress[0]
    assert dev.curve == ((24.0, 0.5), (36.0, 1.0))
    assert dev.team[-1] == (36.0, 0.75)


def test_a_metric_at_a_moment_knows_nothing_later() -> None:
    with SessionReader(ROOT / "sessions" / "stack-repaired.db") as reader:
        then, now = measure(reader, upto_seq=400), measure(reader)
    assert then.live and not now.live
    assert then.success.censored and not now.success.censored
    assert then.held_out is None and now.held_out is not None
    assert (now.held_out.passed, now.held_out.n) == (49, 50)


def test_groups_show_every_run_and_what_makes_them_hard_to_compare() -> None:
    good = measured("good", told(opening(), *scored(1, 10, 10, "a"), RunEnded("PASS", "done")))
    bad = measured("bad", told(opening(), *scored(1, 5, 10, "a")))
    c = compare({"a": [good, bad], "b": [good]})
    assert c.seed_set == "dev"
    both, alone = c.groups
    assert both.times_s == (18.0, None)
    assert (both.succeeded.passed, both.succeeded.n) == (1, 2)
    assert both.time_averaged is not None and both.time_averaged.sem is not None
    assert alone.time_averaged is not None and alone.time_averaged.sem is None
    assert "b: one run, so nothing is known of its spread" in c.notes
    assert "bad is still running" in c.notes
