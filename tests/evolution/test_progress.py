"""Best so far, its time average and the spread of runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.errors import ConfigError
from aspire_tui.evolution.criterion import parse_criterion
from aspire_tui.evolution.progress import (
    best_so_far,
    spread,
    team_average,
    time_average,
    value_at,
)

SCORES = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=12).map(sorted)


@settings(deadline=None)
@given(SCORES, st.floats(0, 120))
def test_best_so_far_is_the_highest_score_until_then(scores, at_s: float) -> None:
    known = [score for t, score in scores if t <= at_s]
    assert value_at(best_so_far(scores), at_s) == max(known, default=0.0)


@settings(deadline=None)
@given(SCORES, st.floats(1, 200))
def test_the_time_average_is_the_integral(scores, until_s: float) -> None:
    curve = best_so_far(scores)
    n = 4000
    rough = sum(value_at(curve, until_s * (i + 0.5) / n) for i in range(n)) / n
    assert time_average(curve, until_s) == pytest.approx(rough, abs=12 / n)


@settings(deadline=None)
@given(st.lists(SCORES, min_size=1, max_size=5), st.floats(0, 120))
def test_a_team_is_the_mean_of_its_agents(team, at_s: float) -> None:
    curves = [best_so_far(s) for s in team]
    mean = sum(value_at(c, at_s) for c in curves) / len(curves)
    assert value_at(team_average(curves), at_s) == pytest.approx(mean)


@settings(deadline=None)
@given(st.lists(SCORES, min_size=1, max_size=5))
def test_one_curve_has_no_spread_and_a_band_holds_its_mean(runs) -> None:
    for band in spread([best_so_far(r) for r in runs], 100.0, points=11):
        assert band.lowest - 1e-9 <= band.mean <= band.highest + 1e-9
        assert (band.sem is None) == (len(runs) == 1)


def test_two_runs_have_the_standard_error_of_two() -> None:
    low, high = ((0.0, 0.2),), ((0.0, 0.6),)
    assert spread([low, high], 10.0)[-1].sem == pytest.approx(0.2)


def test_a_window_must_be_full_and_of_one_program() -> None:
    window = parse_criterion("3/4")
    assert not window.met([True, True, True])
    assert window.met([False, True, True, False, True])
    assert not window.met([True, True, True, False, False])
    assert parse_criterion("row:2").met([False, True, True])
    assert parse_criterion("first").met([True])


@pytest.mark.parametrize("text", ["5/4", "0/0", "row:0", "soon", "1/2/3", ""])
def test_another_criterion_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match="say run, first"):
        parse_criterion(text)
