"""What a program lives in, and every way it can end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aspire_tui.rollout.sandbox import supervisor
from aspire_tui.rollout.sandbox.api import Answer, Namespace, ProgramLimits
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.sandbox.places import find_places

CONTROL = """
import dataclasses, itertools, json, random, statistics, colorsys, csv, tomllib
from collections import Counter
from scipy.spatial.transform import Rotation
from scipy.optimize import minimize
from scipy.ndimage import label
import scipy.interpolate

@dataclasses.dataclass
class Step:
    xyz: tuple = (0.0, 0.0, 0.0)

R = Rotation.from_euler("xyz", [0.1, 0.2, 0.3]).as_matrix()
assert np.allclose(R @ R.T, np.eye(3))
u, s, vt = np.linalg.svd(np.random.rand(20, 20))
assert minimize(lambda x: float((x[0] - 2) ** 2), [0.0]).x[0] > 1.99
assert label(np.eye(3))[1] == 3
total = sum(echo(i) for i in range(50))
picture = get_observation()["scene"]["rgb"]
assert picture.shape == (240, 320, 3) and picture.dtype == np.uint8
print(total, Step(), Counter("aab")["a"], math.pi > 3)
RESULT = total == sum(range(50))
"""


def test_an_honest_program_runs_at_every_level(any_level):
    outcome = any_level(CONTROL)
    assert outcome.error == ""
    assert outcome.ended == "returned"
    assert outcome.claimed is True
    assert outcome.stdout == "1225 Step(xyz=(0.0, 0.0, 0.0)) 2 True\n"
    assert outcome.calls == 51


@pytest.mark.parametrize(
    ("program", "ended", "line", "error"),
    [
        ("x = 1\n\n1 / 0", "raised", 3, "ZeroDivisionError: division by zero (line 3)"),
        ("def f():\n  return {}['k']\nf()\n", "raised", 2, "KeyError: 'k' (line 2)"),
        ("fail('NOT_FOUND')", "raised", 1, "PrimitiveError: NOT_FOUND: as asked (line 1)"),
        ("x = (", "refused", 1, "SyntaxError: '(' was never closed (line 1)"),
        ("a\0b", "refused", 0, "SyntaxError: source code string cannot contain null bytes"),
        ("import sys\nsys.exit(0)", "returned", 0, ""),
        ("import sys\nsys.exit('enough')", "raised", 2, "SystemExit: enough (line 2)"),
        ("def f(): f()\nf()", "raised", 1, "RecursionError: maximum recursion depth"),
        ("raise ValueError('a\\nb\\x1b[2J')", "raised", 1, "ValueError: a b [2J (line 1)"),
        ("x = bytearray(10 << 30)", "raised", 1, "MemoryError: — out of the program's memory"),
        ("import os; os._exit(3)", "killed", 0, "its process ended by itself (exit code 3)"),
        ("import ctypes\nctypes.string_at(0)", "killed", 2, "crashed (SIGSEGV) (line 2)"),
        ("import torch", "raised", 1, "ModuleNotFoundError: No module named 'torch' — programs"),
        ("goto_pose()", "raised", 1, "TypeError: goto_pose() missing a required argument"),
    ],
)  # fmt: skip
def test_how_it_ends_in_one_line(confined_or_not, program, ended, line, error):
    outcome = confined_or_not(program)
    assert (outcome.ended, outcome.line) == (ended, line)
    assert outcome.error.startswith(error)
    assert outcome.error.isprintable()
    assert confined_or_not("pass").ended == "returned"


HANGS = {
    "loop": "x = 0\nwhile True:\n    x += 1",
    "sleep": "import time\ntime.sleep(1e6)",
    "in C": "x = 1\nsum(range(10**12))",
    "swallows": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "ignores signals": (
        "import signal\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nwhile True: pass"
    ),
}


@pytest.mark.parametrize("hang", HANGS)
def test_a_hung_program_is_ended(confined_or_not, hang):
    outcome = confined_or_not(HANGS[hang], ProgramLimits(wall_s=30, idle_s=0.2))
    assert outcome.ended == "timeout"
    assert outcome.error.startswith("made no call for 0.2 s")
    assert confined_or_not("pass").ended == "returned"


def test_the_line_of_a_hang_is_told(run, monkeypatch):
    monkeypatch.setattr(supervisor, "_TRACE_WITHIN_S", 20.0)  # however loaded this machine is
    outcome = run("def f():\n    sum(range(10**12))\nf()", ProgramLimits(idle_s=0.5))
    assert outcome.error == "made no call for 0.5 s (line 2)"
    assert outcome.line == 2


def test_the_wall_clock_ends_a_busy_caller(run):
    outcome = run("while True: echo(1)", ProgramLimits(wall_s=0.4, idle_s=9, calls=10**6))
    assert (outcome.ended, outcome.error[:16]) == ("timeout", "ran longer than ")


def test_processor_time_is_limited(run):
    outcome = run("while True: pass", ProgramLimits(wall_s=30, idle_s=30, cpu_s=1))
    assert outcome.ended == "timeout"
    assert outcome.error == "used more than 1 s of processor time"


def test_clocks_stop_while_a_primitive_runs(run):
    now = [100.0]

    class Slow(run.plain):
        def __call__(self, call):
            now[0] += 1000.0
            return super().__call__(call)

    with Sandbox.start((run.sandbox.report.level,), clock=lambda: now[0]) as sandbox:
        limits = ProgramLimits(wall_s=5, idle_s=5)
        outcome = sandbox.run("echo(1); echo(2)", run.names, Slow(), limits)
    assert outcome.ended == "returned"
    assert outcome.wall_s >= 2000


def test_memory_in_small_pieces_is_limited(confined_or_not):
    outcome = confined_or_not("x = []\nwhile True: x.append('y' * 100000 + str(len(x)))")
    assert outcome.ended in ("raised", "killed")
    assert confined_or_not("pass").ended == "returned"


def test_a_flood_of_output_is_killed_and_the_rest_counted(confined_or_not):
    outcome = confined_or_not("while True: print('y' * 100_000)")
    assert (outcome.ended, outcome.error) == ("killed", "wrote more than 32 MiB of output")
    assert len(outcome.stdout) < 70_000
    assert outcome.cut > 31 << 20


def test_the_first_and_the_last_output_are_kept(run):
    heard = []
    outcome = run("print('first')\nprint('x' * 200_000)\nprint('last')", on_output=heard.append)
    assert outcome.stdout.startswith("first\nxxx")
    assert outcome.stdout.endswith("xxx\nlast\n")
    assert f"{outcome.cut} bytes of output not kept" in outcome.stdout
    assert outcome.stdout.startswith("".join(heard))


def test_output_is_heard_before_the_call_that_follows_it(run):
    order = []

    class Listening(run.plain):
        def __call__(self, call):
            order.append(call.function)
            return super().__call__(call)

    run("print('before')\necho(1)\nprint('after')", bench=Listening(), on_output=order.append)
    assert order == ["before\n", "echo", "after\n"]


def test_a_traceback_shows_the_program_and_nothing_of_ours(run):
    outcome = run("def pick():\n    fail('COLLISION')\npick()")
    assert "  File \"<program>\", line 2, in pick\n    fail('COLLISION')\n" in outcome.stdout
    assert outcome.stdout.endswith("PrimitiveError: COLLISION: as asked\n")
    assert "inside" not in outcome.stdout


@pytest.mark.parametrize(
    ("program", "claimed"),
    [
        ("RESULT = True", True),
        ("RESULT = np.bool_(False)", False),
        ("RESULT = goto_pose([0, 0, 0])", True),
        ("RESULT = 'done'", None),
        ("pass", None),
        ("RESULT = True\n1/0", True),
    ],
)
def test_what_a_program_claims(run, program, claimed):
    assert run(program).claimed is claimed


def test_denials_read_as_advice(at_level):
    run = at_level("B")
    outcome = run("open('/etc/hostname')")
    assert outcome.ended == "raised"
    assert outcome.error.endswith(
        "— denied by the sandbox: there are no files; print what is worth keeping; pictures and "
        "poses come from primitives: use get_observation (line 1)"
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import socket\nsocket.create_connection(('127.0.0.1', 22))", "there is no network"),
        ("import urllib.request as u\nu.urlopen('http://127.0.0.1')", "there is no network"),
        ("import os\nos.fork()", "no new processes"),
        ("import subprocess\nsubprocess.run(['ls'])", "no new processes"),
        ("import os\nos.execv('/bin/ls', ['ls'])", "no new processes"),
        ("import threading\nthreading.Thread(target=print).start()", "there are no threads"),
        ("import os\nos.kill(1, 9)", "other processes cannot be reached"),
        ("import resource\nresource.setrlimit(0, (1, 1))", "limits and rights"),
        ("np.save('/tmp/x.npy', np.eye(2))", "there are no files"),
        ("from pathlib import Path\nPath('/etc/passwd').read_text()", "there are no files"),
        ("import os\nos.listdir('/etc')", "there are no files"),
        ("import tempfile\ntempfile.mkdtemp()", "there are no files"),
        ("input('go on?')", "there is no keyboard"),
    ],
)
@pytest.mark.parametrize("level", ["A", "B"])
def test_a_denial_says_what_is_denied_and_what_does_it_instead(at_level, level, program, said):
    outcome = at_level(level)(program)
    assert outcome.ended == "raised"
    assert said in outcome.error, outcome.error
    if "network" in said or "files" in said:
        assert "use get_observation" in outcome.error


def test_an_error_of_the_program_s_own_gets_no_advice(run):
    for program in ("{}['k']", "int('x')", "raise OSError(5, 'own')", "raise EOFError('own')"):
        assert "—" not in run(program).error


def test_programs_start_from_the_same_random_numbers(run):
    program = "import random\nprint(random.random(), np.random.rand())"
    assert run(program).stdout == run(program).stdout


def test_a_program_leaves_nothing_for_the_next(run):
    run("import json, builtins\nbuiltins.left = json.left = np.left = 1")
    outcome = run("import json, builtins\nprint(hasattr(builtins, 'left'), hasattr(np, 'left'))")
    assert outcome.stdout == "False False\n"


def test_names_of_the_host_are_absent(run):
    program = "for n in ('env', 'APIS', 'inside', 'link', 'calls'): print(n in globals())"
    assert run(program).stdout == "False\n" * 5
    for module in ("aspire_tui", "drivers", "mujoco", "msgspec", "inside", "zmq"):
        assert run(f"import {module}").error.startswith("ModuleNotFoundError"), module


def test_primitives_look_like_functions(run):
    outcome = run(
        "import inspect\n"
        "print(inspect.signature(goto_pose))\n"
        "print(goto_pose.__name__, goto_pose.__doc__.splitlines()[0], inspect.isfunction(echo))\n"
        "print(GRIPPER_DOWN.tolist(), TABLE_Z, __name__)\n"
    )
    assert outcome.stdout.splitlines() == [
        "(position, quaternion_wxyz=(0.0, 0.0, 1.0, 0.0), z_approach=0.0)",
        "goto_pose Move the tool to a pose. True",
        "[0.0, 0.0, 1.0, 0.0] 0.02 __main__",
    ]


def test_the_line_of_a_call_is_the_innermost_of_the_program(run):
    run("def go():\n    return [goto_pose(p)\n            for p in ([0, 0, 0],)]\n\ngo()\necho(1)")
    assert [c.line for c in run.bench.calls] == [2, 6]
    assert np.allclose(run.bench.calls[0].args["position"], 0)


def test_what_a_program_names_decides_what_is_loaded_beforehand(run):
    """Every library makes every fork slower; scipy is there before a program that names it."""
    loaded = "import sys\nprint('sci' + 'py' in sys.modules)"
    assert run(loaded).stdout == "False\n"
    assert run(f"# scipy\n{loaded}").stdout == "True\n"


def test_where_it_cannot_be_loaded_beforehand_it_is_loaded_when_asked_for():
    places = dataclasses.replace(find_places(), on_demand=["no_such_module"])
    with Sandbox.start(("D",), places=places) as sandbox:
        program = "from scipy import constants\nprint(constants.g)"
        outcome = sandbox.run(program, Namespace(()), lambda call: Answer())
    assert (outcome.ended, outcome.stdout) == ("returned", "9.80665\n")
