"""A saving counts only with as many repairs, on enough failures."""

from __future__ import annotations

from aspire_tui.domain import Tokens
from aspire_tui.evolution.context_economy import as_json, figures_of, pairs_of, verdict_on
from aspire_tui.improvement.llm.context_trial import Mode, Repaired


def results(mode: Mode, n: int, k: int, each: int) -> list[Repaired]:
    return [Repaired(i, i, mode, i < k, Tokens(input=each), 3) for i in range(n)]


def test_tokens_per_repair_count_what_the_failed_ones_cost_too() -> None:
    index, _ = figures_of(results("index", 4, 2, 100) + results("whole", 4, 2, 400))
    assert (index.repaired.k, index.repaired.n) == (2, 4)
    assert index.per_repair == 200.0 and index.per_failure == 100


def test_a_saving_counts_with_equal_repairs_on_thirty_failures() -> None:
    saved, words = verdict_on(results("index", 30, 20, 100) + results("whole", 30, 20, 400))
    assert saved == 0.75 and words.startswith("counts")
    _, words = verdict_on(results("index", 30, 19, 100) + results("whole", 30, 20, 400))
    assert words == "does not count: fewer repairs with the index"
    _, words = verdict_on(results("index", 29, 20, 100) + results("whole", 29, 20, 400))
    assert "at least 30" in words
    assert verdict_on(results("index", 30, 0, 1) + results("whole", 30, 5, 1))[0] is None
    assert as_json([])["verdict"] == "nothing was repaired"


def test_the_same_failures_are_compared_one_by_one() -> None:
    ran = results("index", 10, 7, 1) + results("whole", 10, 5, 1)
    pairs = pairs_of(ran[::-1])
    assert (pairs.n, pairs.both, pairs.only_index, pairs.only_whole) == (10, 5, 2, 0)
    assert pairs.neither == 3 and pairs.p_fewer == 1.0
    fewer = pairs_of(results("index", 10, 0, 1) + results("whole", 10, 8, 1))
    assert fewer.only_whole == 8 and fewer.p_fewer < 0.01


def test_cached_tokens_are_told_apart_from_fresh_ones() -> None:
    ran = [Repaired(1, 1, "index", True, Tokens(100, 900, 50, cost_usd=0.5), 3)]
    index = figures_of(ran)[0]
    assert (index.per_repair, index.fresh_per_repair, index.usd_per_repair) == (1050, 150, 0.5)
