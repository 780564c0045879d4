"""Intervals and the sign test are scipy's, which an engine in its loop has no second to import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scipy.stats import binomtest

from aspire_tui.evolution.statistics import paired, rate
from aspire_tui.session.interval import interval


def test_the_interval_is_scipys_wilson() -> None:
    for n in (1, 2, 7, 50, 1000):
        for k in {0, 1, n // 3, n // 2, n - 1, n}:
            ci = binomtest(k, n).proportion_ci(0.95, method="wilson")
            assert interval(k, n) == pytest.approx((ci.low, ci.high), abs=1e-14)
            assert rate(k, n)[2:] == interval(k, n)
    assert interval(0, 0) == (0.0, 1.0) and rate(0, 0) == (0, 0, 0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        interval(3, 2)


def test_the_sign_test_is_scipys_exact_one() -> None:
    for fixed, broken in ((1, 0), (5, 2), (11, 0), (3, 9), (60, 41)):
        before = [False] * fixed + [True] * broken + [True, False]
        after = [True] * fixed + [False] * broken + [True, False]
        p = binomtest(fixed, fixed + broken, alternative="greater").pvalue
        assert paired(before, after) == (fixed, broken, pytest.approx(p, rel=1e-12))


def test_an_engine_judges_without_scipy() -> None:
    code = (
        "import sys, aspire_tui.engine.main\n"
        "from aspire_tui.evolution.statistics import paired, rate\n"
        "rate(3, 5), paired([True], [False])\n"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
