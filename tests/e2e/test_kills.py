from __future__ import annotations

from tests.e2e.kills import kill_inside_a_moving_call
from tests.stress.stress_engine_kills import kill_headless


def test_a_killed_console_leaves_the_engine_running(bench) -> None:  # type: ignore[no-untyped-def]
    found = kill_inside_a_moving_call(bench, "console", 0.2)
    assert found.engine_lives
    assert found.kept > found.acknowledged
    assert found.problems == []


def test_a_killed_engine_loses_nothing_and_the_cell_holds(bench) -> None:  # type: ignore[no-untyped-def]
    found = kill_inside_a_moving_call(bench, "engine", 0.35)
    assert found.kept >= found.acknowledged
    assert found.problems == []
    assert found.cell_state == "HOLD"
    assert not found.still_moving
    assert found.left == ()


def test_a_killed_cell_host_ends_the_run_by_name(bench) -> None:  # type: ignore[no-untyped-def]
    found = kill_inside_a_moving_call(bench, "cell host", 0.1)
    assert found.ended == "fault"
    assert found.kept > found.acknowledged
    assert found.problems == []
    assert found.left == ()


def test_an_engine_killed_while_its_workers_start_leaves_none_of_them(bench) -> None:  # type: ignore[no-untyped-def]
    found, kept = kill_headless(bench, 0.4)
    assert found == ""
    assert kept > 0
