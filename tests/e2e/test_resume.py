from __future__ import annotations

import random

import pytest

from tests.e2e.resuming import (
    compared,
    killed_and_resumed,
    look,
    small_task,
)
from tests.e2e.test_presence import YAM


def test_a_search_that_was_killed_ends_as_if_nothing_had_happened(bench) -> None:  # type: ignore[no-untyped-def]
    assert compared(bench, kills=1, rounds=0, draw=random.Random(4)) == []
    (session,) = (bench.home / "sessions").glob("*.db")
    again = bench.run("run", "--resume", str(session), "--json")
    assert again.code == 2
    assert "this run is done" in again.err


def test_a_stopped_run_is_not_resumed_under_another_judge(bench) -> None:  # type: ignore[no-untyped-def]
    task = small_task(bench.home)
    cell = bench.home / "mine.toml"  # by path: no cell of the workspace has that name
    cell.write_text(YAM.read_text().replace('name = "yam"', 'name = "mine"', 1))
    stopped = bench.run(
        "run", task, "--cell", str(cell), "--headless", "--rounds", "0", "--max-trials", "2",
        "--json",
    )  # fmt: skip
    assert stopped.code == 4
    session = stopped.json["session"]
    path = bench.home / "small.toml"
    text = path.read_text()
    path.write_text(text.replace("dev_n = 3", "dev_n = 2"))
    refused = bench.run("run", "--resume", session, "--json")
    assert refused.code == 3
    assert "task small" in refused.err and "changed since the session began" in refused.err
    assert '"dev_n": 3' in refused.err and '"dev_n": 2' in refused.err, "the difference is shown"
    path.write_text(text)
    ended = bench.run("run", "--resume", session, "--max-trials", "50", "--json")
    assert ended.code in (0, 1), ended.err
    assert ended.json["stopped_by"] == "done"
    assert ended.json["search"]["n"] >= 3


@pytest.mark.long
def test_an_attended_run_goes_on_at_the_bench_after_a_kill(bench) -> None:  # type: ignore[no-untyped-def]
    assert killed_and_resumed(bench, True, 1, 0, random.Random(3)) == []
    (session,) = (bench.home / "sessions").glob("*.db")
    found = look(session)
    assert found.unfinished == 0 and found.problems == []
    assert max(found.trials.values()) == 1
