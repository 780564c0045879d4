"""``bench context`` as it is typed: a failure is put to a model both ways, kept, not done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.hosted import easy_task, slipped
from tests.improvement.apprentice import asks_for_another_thing
from tests.improvement.loopback import Loopback, Says, Use

GIVES_UP = Says("I give up.", (Use("finish", json.dumps({"summary": "not repaired"})),))


@pytest.mark.long
def test_a_failure_is_asked_both_ways_kept_and_nothing_is_proven(bench: Bench) -> None:
    program, kept = bench.program(slipped(asks_for_another_thing)), bench.home / "kept.json"
    with Loopback(lambda _: GIVES_UP) as loopback:
        words = ("bench", "context", easy_task(bench), "--model", "openai-chat:gpt-5.2",
                 "--base-url", loopback.url("openai-chat"), "--program", program,
                 "--failures", "1", "--into", str(kept))  # fmt: skip
        done = bench.run(*words, "--json")
        again = bench.run(*words)
    assert done.code == 0, done.err
    told = done.json
    assert told["complete"] and told["verdict"] == "nothing was repaired"
    assert (told["paired"]["n"], told["paired"]["neither"]) == (1, 1)
    assert len(loopback.asked) == 2, "the second call asks for nothing"
    shown = [asked.told[0].text for asked in loopback.asked]
    assert ["Trace of trial" in text for text in shown] == [False, True]
    spent = [told["modes"][mode]["tokens"]["total"] for mode in ("index", "whole")]
    assert 0 < spent[0] < spent[1]
    with SessionReader(Path(told["session"])) as reader:
        assert {t.seed_set for t in reader.trials()} == {"dev"}, "an experiment proves nothing"
        assert reader.snapshot().tokens.total == sum(spent)
    assert "of 1 failures both repaired 0" in again.out
    assert len(json.loads(kept.read_bytes())["so_far"]["results"]) == 2
