"""The reading of a program before it runs: right line, right word, and never an exception."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.rollout.policy import check

NAMES = {"goto_pose", "open_gripper", "close_gripper", "get_object_pose", "wait", "GRIPPER_DOWN"}

HONEST = '''
import math, time, numpy as np
from dataclasses import dataclass
from scipy.spatial.transform import Rotation as R

@dataclass
class Try:
    lift: float = 0.1

def pick(name, tries=3, *rest, **more):
    """Docstrings may say anything: import os, eval, __class__."""
    for k in range(tries):
        try:
            xyz, wxyz = get_object_pose(name)
        except PrimitiveError as error:
            print(error.status, [e for e in error.args])
            continue
        goto_pose(xyz + np.array([0, 0, (lambda z: z)(0.1)]), wxyz)
        while True:
            if close_gripper():
                return True
            break
    return False

with_result = {k: v for k, v in zip("ab", (1, 2))}
match with_result:
    case {"a": int(one), **others}:
        print(one, others)
RESULT = pick("cube") and math.isfinite(Try().lift)
'''


def found(program: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.severity, f.code) for f in check(program, NAMES)]


def test_an_honest_program_is_left_alone():
    assert found(HONEST) == []


@pytest.mark.parametrize(
    ("program", "line", "severity", "code"),
    [
        ("x = 1\ny = (", 2, "error", "syntax"),
        ("a\0", 0, "error", "syntax"),
        ("\nimport os", 2, "error", "import"),
        ("import numpy, socket", 1, "error", "import"),
        ("from subprocess import run", 1, "error", "import"),
        ("from . import thing", 1, "error", "import"),
        ("import scipyx", 1, "error", "import"),
        ("x = 1\n().__class__", 2, "error", "dunder"),
        ("__builtins__['open']", 1, "error", "dunder"),
        ("eval('1')", 1, "error", "builtin"),
        ("f = open", 1, "error", "builtin"),
        ("__import__('os')", 1, "error", "builtin"),
        ("goto_poze([0, 0, 0])", 1, "error", "name"),
        ("env.step()", 1, "error", "name"),
        ("get_robot_state()", 1, "error", "name"),
        ("fancy()", 1, "warn", "name"),
        ("print(cube_height)", 1, "warn", "name"),
        ("x = 0\nwhile True:\n    x += 1", 2, "error", "endless"),
        ("while 1: open_gripper()", 1, "warn", "endless"),
        ("while True:\n    for i in [1]: break", 1, "error", "endless"),
        (
            "while True:\n    for i in [1]: pass\n    else: break\nx: int = goto_poze()",
            4,
            "error",
            "name",
        ),
        ("goto_pose = 3", 1, "warn", "rebound"),
        ("def wait(s): pass", 1, "warn", "rebound"),
        ("x = 1\nglobals()['goto_pose'] = print", 2, "warn", "rebound"),
        ("globals().update(wait=print)", 1, "warn", "rebound"),
        ("globals().update({'wait': print})", 1, "warn", "rebound"),
        ("del globals()['wait']", 1, "warn", "rebound"),
        ("import itertools\nfor _ in itertools.count():\n    x = 1", 2, "error", "endless"),
        ("from itertools import count\nfor i in count(3): x = i", 2, "error", "endless"),
        ("import itertools\nfor i in itertools.cycle([1]): open_gripper()", 2, "warn", "endless"),
        ("from itertools import repeat\nfor i in repeat(1): pass", 2, "error", "endless"),
        ("import time\ntime.sleep(3)", 2, "warn", "sleep"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(program, line, severity, code):
    assert (line, severity, code) in found(program)


@pytest.mark.parametrize(
    "program",
    [
        "from itertools import repeat\nfor i in repeat(1, 3): x = i",
        "from itertools import count\nfor i in count():\n    if i > 3: break",
        "from itertools import count\nfor i in range([1].count(1)): x = i",
        "globals()['mine'] = 1",
        "print(globals()['goto_pose'])",
    ],
)
def test_what_only_looks_like_it_is_left_alone(program):
    assert found(program) == []


def test_a_break_of_an_inner_loop_is_no_way_out():
    assert found("while True:\n    for i in [1]:\n        break\n    else:\n        break") == []
    assert found("while True:\n    if 1:\n        break") == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import socket", "there is no network"),
        ("import urllib.request", "there is no network"),
        ("from pathlib import Path", "there are no files"),
        ("import subprocess", "there are no other processes"),
        ("from concurrent.futures import ThreadPoolExecutor", "there are no threads"),
        ("import nunpy", "the nearest is numpy"),
    ],
)
def test_a_refused_import_says_what_there_is_instead(program, said):
    (finding,) = check(program, NAMES)
    assert said in finding.text


def test_the_nearest_known_name_is_told():
    (finding,) = check("open_griper()", NAMES)
    assert finding.text.endswith("the nearest name is open_gripper")


def test_a_guarded_name_may_be_meant():
    program = "try:\n    goto_poze(1)\nexcept NameError:\n    goto_pose(1)"
    assert found(program) == [(2, "warn", "name")]


def test_names_are_not_guessed_after_a_star_import():
    assert found("from math import *\nprint(floor(2.5), hypotenuse)") == []


def test_packages_can_be_narrowed():
    assert [f.code for f in check("import scipy", NAMES, packages={"numpy"})] == ["import"]


@pytest.mark.parametrize(
    "program",
    ["(" * 5000, "-" * 100_000 + "1", "+".join("1" * 50_000), "x" + ".a" * 50_000,
     "[" * 90 + "]" * 90, "x" * 300_000, "f(" * 199 + ")" * 199, "not " * 20_000 + "x"],
    ids=("brackets", "signs", "sum", "attributes", "lists", "long", "calls", "not"),
)  # fmt: skip
def test_programs_made_to_break_the_reader_do_not(program):
    for finding in check(program, NAMES):
        assert finding.code in ("syntax", "size", "name")


@given(
    st.text(max_size=200)
    | st.sampled_from(HONEST.splitlines()).flatmap(
        lambda line: st.text(max_size=3).map(lambda t: HONEST.replace(line, line + t, 1))
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_gets_an_answer(program):
    assert all(f.text and f.line >= 0 for f in check(program, NAMES))


def test_warnings_about_the_program_do_not_reach_our_terminal():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        check("x = '\\d'\nif x is 'a': pass", NAMES)
    assert heard == []
