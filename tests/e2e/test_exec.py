from __future__ import annotations

from pathlib import Path

import pytest

from aspire_tui.events import Note
from aspire_tui.session.reader import SessionReader

LIFT = """
grasp, turned = sample_grasp_pose("red cube")
open_gripper()
goto_pose(grasp, turned, z_approach=0.1)
close_gripper()
goto_pose(grasp + np.array([0.0, 0.0, 0.12]), turned)
RESULT = True
"""


def test_a_program_is_run_judged_and_kept(bench) -> None:  # type: ignore[no-untyped-def]
    answer = bench.run(
        "exec", bench.program(LIFT), "--task", "cube_lift", "--seed", "3", "--noise-off", "--json"
    )
    said = answer.json
    assert answer.code == 0
    assert said["program"] == {"ended": "returned", "error": ""}
    assert (said["claimed"], said["verdict"]["outcome"], said["referee"]) == (True, "PASS", "PASS")
    assert [c["primitive"] for c in said["calls"]][-2:] == ["close_gripper", "goto_pose"]
    assert all(c["status"] == "OK" for c in said["calls"])
    with SessionReader(said["session"]) as reader:
        assert reader.verify() == []
        snapshot = reader.snapshot()
        assert "noise-off" in snapshot.session.brands
        assert snapshot.session.sandbox.level in ("A", "A-", "B")
        moved = [c for c in reader.calls(1) if c.primitive == "goto_pose"]
        detail = reader.call(1, moved[0].call)
        assert detail.result.evidence.path.q_rad
        assert detail.result.evidence.before.q_rad != detail.result.evidence.after.q_rad
        samples = reader.samples(1)
        rows = sum(s.rows for s in samples)
        seconds = sum(s.t1_s - s.t0_s for s in samples)
        assert rows / seconds >= 50
        looked = reader.keyframes(1, 1)
        assert reader.blob(looked[0].keyframe.rgb.sha256)[:4] == b"\x89PNG"


BAD = {
    "forbidden import": ("import socket\n", 3, "refused", "socket"),
    "nan": ("goto_pose([float('nan'), 0, 0.1], [0, 0, 1, 0])\n", 1, "raised", "NaN"),
    "memory": ("x = bytearray(10 << 30)\n", 1, "raised", "MemoryError"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_program_is_a_recorded_trial_with_one_line(bench, name: str) -> None:  # type: ignore[no-untyped-def]
    text, code, ended, said = BAD[name]
    answer = bench.run("exec", bench.program(text), "--task", "cube_lift", "--seed", "1", "--json")
    program = answer.json["program"]
    assert answer.code == code
    assert program["ended"] == ended
    assert said in program["error"]
    assert "\n" not in program["error"]
    if name == "nan":
        assert [c["status"] for c in answer.json["calls"]] == ["INVALID"]
    assert "Traceback" not in answer.err


def test_an_endless_program_ends_and_the_next_trial_runs(bench) -> None:  # type: ignore[no-untyped-def]
    task = bench.home / "quick.toml"
    text = (bench_tasks() / "cube_lift.toml").read_text()
    task.write_text(text.replace("cube_lift", "quick") + "\n[limits]\nwall_s = 2.0\n")
    program = "get_observation()\nx = 1\nwhile x:\n    x += 1\n"
    answer = bench.run(
        "exec", bench.program(program), "--task", str(task), "--trials", "2", "--json"
    )
    said = answer.json
    assert answer.code == 1
    assert said["trials"]["n"] + said["trials"]["unjudged"] == 2
    assert said["program"]["ended"] == "timeout"


def bench_tasks():  # type: ignore[no-untyped-def]
    from aspire_tui.environment.task_file import SHIPPED

    return SHIPPED


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("exec", "none.py", "--task", "cube_lift"), 2, "none.py"),
        (("exec", "PROGRAM", "--task", "cube_lif"), 2, "did you mean cube_lift"),
        (("exec", "PROGRAM", "--task", "cube_lift", "--cell", "yan"), 2, "yam"),
        (("run", "cube_stack", "--agent", "llm"), 2, "--model"),
        (("replay", "nothing-here"), 2, "nothing-here"),
        (("attach",), 2, "aspire-tui run"),
        (("skills", "show", "look-closer"), 2, "look-closer-before-grasp"),
        (("primitives", "goto_pos"), 2, "goto_pose"),
    ],
)
def test_bad_usage_is_one_line_that_says_how_to_mend(bench, args, code, said) -> None:  # type: ignore[no-untyped-def]
    program = bench.program("RESULT = True\n")
    answer = bench.run(*(program if a == "PROGRAM" else a for a in args))
    assert answer.code == code
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_files_that_are_no_sessions_are_named_errors(bench) -> None:  # type: ignore[no-untyped-def]
    path = bench.home / "broken.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\x07" * 4000)
    answer = bench.run("trace", str(path))
    assert answer.code == 2
    assert "broken.db" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.long
def test_several_trials_give_a_rate_and_group_the_failures(bench) -> None:  # type: ignore[no-untyped-def]
    answer = bench.run(
        "exec",
        bench.program("import time\ntime.sleep(0)\ngoto_pose([0.3, 0.0, 0.2], [0, 0, 1, 0])\n"),
        "--task", "cube_lift", "--trials", "3", "--json",
    )  # fmt: skip
    said = answer.json
    assert (said["trials"]["k"], said["trials"]["n"]) == (0, 3)
    assert said["failures"][0]["count"] == 3
    assert said["failures"][0]["check"]
    with SessionReader(said["session"]) as reader:
        advice = [r.event for r in reader.events() if isinstance(r.event, Note)]
    assert [(n.code, n.text.partition(":")[0]) for n in advice] == [("policy", "line 2")]


SHIPPED = ("exec", "--from", "stack-repaired")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("exec", "--from", "nothing-here", "--trial", "1"), "no session is called nothing-here"),
        ((*SHIPPED, "--trial", "999"), "has no trial 999; it has"),
        (SHIPPED, "trials; name one with --trial N"),
        ((*SHIPPED, "--trial", "1", "--task", "cube_lift"), "leave --task away"),
        (("exec", "PROGRAM", "--from", "stack-repaired"), "not both"),
        (("exec", "PROGRAM", "--task", "cube_lift", "--trial", "1"), "--trial goes with --from"),
        ((*SHIPPED, "--trial", "SELECTION"), "ran on a selection seed"),
        ((*SHIPPED, "--trial", "HELD_OUT"), "ran on a held_out seed; those are run once"),
    ],
)
def test_a_recorded_program_that_cannot_be_run_again_is_one_line(bench, args, said) -> None:  # type: ignore[no-untyped-def]
    session = Path(__file__).parents[2] / "sessions" / "stack-repaired.db"
    with SessionReader(session) as reader:
        first = {t.seed_set.upper(): str(t.trial) for t in reversed(reader.trials())}
    program = bench.program("RESULT = True\n")
    answer = bench.run(*(program if a == "PROGRAM" else first.get(a, a) for a in args))
    assert answer.code == 2, answer.err
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not list((bench.home / "sessions").glob("*.db"))


RETRIED = """
print(ATTEMPT, [f["primitive"] + " " + f["status"] for f in EARLIER_FAILURES])
if ATTEMPT < 3:
    close_gripper()
else:
""" + "".join(f"    {line}\n" for line in LIFT.strip().splitlines())


def test_each_attempt_of_a_trial_is_told_the_failures_before_it(bench) -> None:  # type: ignore[no-untyped-def]
    program = bench.program(RETRIED)
    answer = bench.run(
        "exec", program, "--task", "cube_lift", "--retries", "8", "--noise-off", "--json"
    )
    assert answer.code == 0, answer.err
    with SessionReader(answer.json["session"]) as reader:
        assert reader.verify() == []
        attempts = reader.attempts(1)
        assert [a.attempt for a in attempts] == [1, 2, 3]  # no fourth: the third passed
        assert reader.trial(1).outcome == "PASS"
        said = [e.event.stdout.strip() for e in reader.events(kinds=("program_ended",))]
        assert said[0] == "1 []"
        assert said[2] == "3 ['close_gripper EMPTY_GRASP', 'close_gripper EMPTY_GRASP']"
        calls = reader.calls(1)
        assert [c.call for c in calls] == list(range(1, len(calls) + 1))
    told = bench.run("metrics", answer.json["session"], "--json").json
    curve = told["sessions"][0]["pass_at"][0]
    assert [p["passed"] for p in curve["curve"]] == [0, 0, 1, 1, 1, 1, 1, 1]
    assert curve["mean_attempts"] == 3
