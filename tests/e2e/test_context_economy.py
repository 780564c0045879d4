"""``bench context`` as it is typed: a failure repaired both ways, kept, and not done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.hosted import easy_task, slipped
from tests.improvement.apprentice import asks_for_another_thing
from tests.improvement.loopback import Loopback
from tests.improvement.repairer import Repairer

pytestmark = pytest.mark.slow


def test_a_failure_is_repaired_both_ways_and_nothing_is_proven(bench: Bench) -> None:
    program, kept = bench.program(slipped(asks_for_another_thing)), bench.home / "kept.json"
    with Loopback(Repairer(), caches=True) as loopback:
        words = ("bench", "context", easy_task(bench), "--model", "openai-chat:gpt-5.2",
                 "--base-url", loopback.url("openai-chat"), "--program", program,
                 "--failures", "1", "--into", str(kept))  # fmt: skip
        done = bench.run(*words, "--json")
        asked = len(loopback.asked)
        again = bench.run(*words)
    assert done.code == 0, done.err
    told = done.json
    assert told["complete"] and told["paired"] == {
        "n": 1, "both": 1, "only_index": 0, "only_whole": 0, "neither": 0, "p_fewer": 1.0,
    }  # fmt: skip
    assert told["verdict"] == "does not count: 1 failures, at least 30"
    spent = [told["modes"][mode]["tokens"]["total"] for mode in ("index", "whole")]
    with SessionReader(Path(told["session"])) as reader:
        assert {t.seed_set for t in reader.trials()} == {"dev"}, "an experiment proves nothing"
        assert reader.snapshot().tokens.total == sum(spent) > 0
    assert asked > 0 and len(loopback.asked) == asked, "the second call asks for nothing"
    assert "of 1 failures both repaired 1" in again.out
    assert len(json.loads(kept.read_bytes())["so_far"]["results"]) == 2
