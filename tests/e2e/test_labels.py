"""A verifier that is proven on what a session recorded: from the trial to the table."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Bench

LIFT = """
p, q = sample_grasp_pose("red cube")
open_gripper()
goto_pose(p, q, z_approach=0.1)
close_gripper()
goto_pose(p + np.array([0, 0, 0.12]), q)
"""


@pytest.mark.long
def test_the_end_of_a_recorded_trial_is_labelled_and_judged_again(bench: Bench) -> None:
    made = bench.run(
        *("tasks", "new", "lift_it", "Lift the red cube", "--verifier", "template"),
        *("--reset", "stand-in"),
    )
    assert made.code == 0, made.err
    ran = bench.run("exec", bench.program(LIFT), "--task", "lift_it", "--seed", "5", "--json")
    verdict = ran.json["verdict"]
    assert verdict["outcome"] == "UNSURE" and "it would say PASS" in verdict["reason"], ran.err
    session = ran.json["session"]
    labelled = bench.run("tasks", "label", "lift_it", session, "1", "good", "--json")
    assert labelled.code == 0, labelled.err
    answer = json.loads(labelled.out)
    assert answer["ends"][0]["verifier"] == "PASS" and answer["labelled"]["good_pass"] == 1
    again = bench.run("tasks", "label", "lift_it", session, "1", "bad")
    assert again.code == 2 and "counts once" in again.err and len(again.err.splitlines()) == 1
    table = bench.run("tasks", "table", "lift_it")
    assert table.code == 0 and "1 good and 0 bad" in table.out
