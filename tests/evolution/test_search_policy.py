"""The search's pure parts: how different programs are, who races on, when it ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_merge import BASE, LOOKS, PROGRAMS, REGRASPS

from aspire_tui.domain import Budget
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.criterion import parse_criterion
from aspire_tui.evolution.diversity import choose, distance
from aspire_tui.evolution.halving import cost, cut, plan
from aspire_tui.evolution.statistics import rate
from aspire_tui.evolution.stopping import Rules, SoFar, plateaued, stop

# diversity


@settings(deadline=None, max_examples=50)
@given(PROGRAMS, PROGRAMS)
def test_distance_is_a_symmetric_share(one: str, other: str) -> None:
    d = distance(one, other)
    assert 0.0 <= d <= 1.0 and d == pytest.approx(distance(other, one))
    assert distance(one, one) == 0.0
    assert (d > 0) == (one != other)


def test_layout_is_no_difference_a_number_a_small_one_a_call_a_large_one() -> None:
    wrapped = "# another comment\n" + BASE.replace("grasp, turned, z_", "grasp,\n    turned, z_")
    number = BASE.replace("z_approach=0.1", "z_approach=0.15")
    assert distance(BASE, wrapped) == 0.0
    assert 0.0 < distance(BASE, number) < distance(BASE, LOOKS) < distance(LOOKS, REGRASPS) < 1.0


def test_the_baseline_stays_and_the_rest_is_as_different_as_can_be() -> None:
    number = BASE.replace("z_approach=0.1", "z_approach=0.15")
    chosen = choose([BASE, number, LOOKS, REGRASPS, LOOKS + "# same\n"], 3)
    assert chosen.taken == (0, 2, 3)
    assert set(chosen.left) == {1, 4}
    assert "as good as one that was taken" in chosen.left[4]


def test_what_was_eliminated_does_not_come_back_in_another_layout() -> None:
    chosen = choose([BASE, LOOKS, REGRASPS], 3, eliminated=["# x\n" + LOOKS])
    assert chosen.taken == (0, 2) and "eliminated before" in chosen.left[1]


@settings(deadline=None, max_examples=50)
@given(st.lists(PROGRAMS, max_size=8), st.integers(0, 8), st.floats(0.0, 0.5))
def test_chosen_programs_keep_their_distance_and_nobody_is_lost(
    programs: list[str], k: int, least: float
) -> None:
    chosen = choose(programs, k, least=max(least, 1e-6))
    assert len(chosen.taken) <= k
    assert sorted([*chosen.taken, *chosen.left]) == list(range(len(programs)))
    assert not programs or k == 0 or chosen.taken[0] == 0
    for i in chosen.taken:
        for j in chosen.taken:
            assert i == j or distance(programs[i], programs[j]) >= max(least, 1e-6)


# racing


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 16), st.integers(1, 60))
def test_a_plan_runs_every_scene_once_and_halves(k: int, scenes: int) -> None:
    rungs = plan(k, scenes)
    assert rungs[0].alive == k and rungs[0].start == 0 and rungs[-1].stop == scenes
    assert all(a.stop == b.start and b.alive <= a.alive for a, b in pairwise(rungs))
    assert cost(rungs) <= k * scenes


def test_more_candidates_than_the_budget_carries_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"8 candidates need 32 trials .* has 20: --candidates 5"):
        plan(8, 24, trials_left=20)
    with pytest.raises(ConfigError, match="raise it"):
        plan(8, 24, trials_left=3)


SCORES = st.integers(1, 24).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=8).map(
        lambda rows: dict(enumerate(rows))
    )
)


@settings(deadline=None, max_examples=50)
@given(SCORES, st.integers(0, 8))
def test_the_leader_and_the_baseline_are_never_stopped(scores, keep: int) -> None:
    result = cut(scores, keep, baseline=0)
    best = max(sum(o) for o in scores.values())
    assert 0 in result.alive
    assert sorted([*result.alive, *result.stopped]) == sorted(scores)
    if keep >= 2 or sum(scores[0]) == best:
        assert any(sum(scores[c]) == best for c in result.alive)
    assert len(result.alive) <= max(1, keep) or len(scores) <= keep


def test_the_obviously_worse_goes_first_and_says_why() -> None:
    result = cut({0: [False] * 12, 1: [True] * 12, 2: [False] * 12, 3: [True] * 11 + [False]}, 4, 0)
    assert result.alive == (1, 3, 0)
    assert result.stopped[2].startswith("obviously worse: 0/12, at most")
    assert rate(0, 12).hi < rate(12, 12).lo


def test_an_unclear_difference_stops_nobody_before_the_halving() -> None:
    close = {0: [True, False, True, False], 1: [True] * 4, 2: [True, True, True, False]}
    assert cut(close, 3, 0).stopped == {}
    assert "halved: 3/4" in cut(close, 2, 0).stopped[2]


def test_different_scenes_cannot_be_raced() -> None:
    with pytest.raises(ValueError, match="same scenes"):
        cut({0: [True], 1: [True, False]}, 1, 0)


# ending


def test_success_comes_before_budget_and_budget_before_plateau() -> None:
    rules = Rules(parse_criterion("row:3"), plateau=1)
    budget = Budget(max_trials=10)
    flat = SoFar((False, True, True), (0.5, 0.5), trials=9)
    assert (found := stop(rules, budget, flat)) and found.why == "plateau"
    spent = SoFar((False, True, True), (0.5, 0.5), trials=10)
    assert (found := stop(rules, budget, spent)) and found.text == "10 trials are used up"
    done = SoFar((True, True, True), (0.5, 0.5), trials=10)
    assert (found := stop(rules, budget, done)) and found.why == "success"
    assert stop(rules, budget, SoFar((True, True), (0.5,), trials=2)) is None


def test_rounds_are_a_budget_too() -> None:
    found = stop(Rules(rounds=2), Budget(), SoFar(best_by_round=(0.1, 0.9)))
    assert found is not None and found.why == "budget"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=10), st.integers(1, 5))
def test_a_plateau_is_rounds_without_a_new_best(scores: list[float], rounds: int) -> None:
    flat = len(scores) > rounds and max(scores[-rounds:]) <= max(scores[:-rounds])
    assert plateaued(scores, rounds, 0.0) == flat
