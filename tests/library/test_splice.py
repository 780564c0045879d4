"""Splicing: the repaired program does what was meant, and the rest of it is left alone."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.library.load import load_library
from aspire_tui.library.skill import Parameter, Skill
from aspire_tui.library.skill import Splice as Where
from aspire_tui.library.splice import Call, SpliceError, splice, spliced_regions

LIBRARY = load_library([Path(__file__).parent / "fixtures"])
REGRASP = LIBRARY.get("regrasp-after-empty")
LOOK = LIBRARY.get("look-again-from-home")

GOTO = {"position": None, "quaternion_wxyz": None, "z_approach": "0.0"}
CONTEXT = {"object_name": "'red cube'"}


def call(line: int, *names: str, parameters: dict[str, str | None] | None = None) -> Call:
    return Call(line, names or ("close_gripper",), parameters or {}, CONTEXT)


def skill(where: Where, sketch: str, **parameters: Parameter) -> Skill:
    """A skill with this sketch and no more than splicing needs."""
    repair = msgspec.structs.replace(REGRASP.definition.repair, splice=where, parameters=parameters)
    definition = msgspec.structs.replace(REGRASP.definition, repair=repair)
    return msgspec.structs.replace(
        REGRASP, name="test-skill", sketch=dedent(sketch).lstrip("\n"), definition=definition
    )


def run(program: str, **answers: list[Any]) -> list[str]:
    """Run a program against primitives that note their calls and answer in turn."""
    log: list[str] = []

    def noting(name: str) -> Any:
        def primitive(*args: Any, **kwargs: Any) -> Any:
            given = [repr(a) for a in args] + [f"{k}={v!r}" for k, v in kwargs.items()]
            log.append(f"{name}({', '.join(given)})")
            queue = answers.get(name)
            return queue.pop(0) if queue else None

        return primitive

    names = {n.id for n in ast.walk(ast.parse(program)) if isinstance(n, ast.Name)}
    scope = {n: noting(n) for n in names if n not in dir(builtins) and n not in ("np", "print")}
    exec(program, {**scope, "np": np})
    return log


PLAIN = """\
# Pick up the cube.
position, quaternion = sample_grasp_pose("red cube")
open_gripper()
goto_pose(position, quaternion, z_approach=0.1)  # down
attempt = close_gripper()  # grasp
home_pose()
"""


def test_the_repaired_program_reads_well_and_keeps_the_rest() -> None:
    assert (
        splice(PLAIN, call(5), REGRASP, {"tries": 1})
        == """\
# Pick up the cube.
position, quaternion = sample_grasp_pose("red cube")
open_gripper()
goto_pose(position, quaternion, z_approach=0.1)  # down
# skill regrasp-after-empty (tries=1, lower_m=0.01): begin
answer = close_gripper()
for attempt_2 in range(1):
    if answer:
        break
    open_gripper()
    home_pose()
    position_2, quaternion_2 = sample_grasp_pose('red cube')
    goto_pose(position_2 - np.array([0.0, 0.0, 0.01]), quaternion_2, z_approach=0.1)  # again
    answer = close_gripper()
attempt = answer  # grasp
# skill regrasp-after-empty: end
home_pose()
"""
    )


def test_the_repair_does_what_it_says() -> None:
    repaired = splice(PLAIN, call(5), REGRASP, {"tries": 2})
    pose = (np.zeros(3), None)
    log = run(repaired, sample_grasp_pose=[pose, pose, pose], close_gripper=[False, False, True])
    assert [c.partition("(")[0] for c in log].count("close_gripper") == 3
    assert log[-1] == "home_pose()"
    log = run(repaired, sample_grasp_pose=[pose], close_gripper=[True])
    assert [c.partition("(")[0] for c in log].count("close_gripper") == 1


def test_before_keeps_the_statement_as_it_was() -> None:
    program = 'if ready:\n    p = get_object_pose("red cube")[0]  # where\n'
    repaired = splice(program, call(2, "get_object_pose"), LOOK, {})
    assert repaired == (
        "if ready:\n"
        "    # skill look-again-from-home (): begin\n"
        "    home_pose()\n"
        '    p = get_object_pose("red cube")[0]  # where\n'
        "    # skill look-again-from-home: end\n"
    )


def test_after_may_use_the_result() -> None:
    sketch = "if not {result}:\n    goto_pose({position}, {quaternion_wxyz})\n"
    for statement, named in (
        ("moved = goto_pose(p, q)", "moved"),
        ("goto_pose(p, q)", "result"),
        ("a.b = goto_pose(p, q)", "result"),
        ("if goto_pose(p, q):\n    pass", "result"),
    ):
        repaired = splice(
            f"result = 1\n{statement}\nx = 2\n".removeprefix(
                "" if named == "moved" else "result = 1\n"
            ),
            call(2 if named == "moved" else 1, "goto_pose", parameters=GOTO),
            skill("after", sketch),
            {},
        )
        assert f"if not {named}:\n    goto_pose(p, q)" in repaired
        assert repaired.count("goto_pose(") == 2
        assert repaired.endswith("x = 2\n")


def test_wrap_puts_the_whole_statement_inside() -> None:
    sketch = """
        for turn in range({tries}):
            {statement}
            if gripper_width() > 0.01:
                break
    """
    tries = Parameter(default=2, lo=1, hi=3, step=1, whole=True)
    program = (
        "def grasp(turn):\n"
        "    if not close_gripper(\n"
        "        ):\n"
        "        open_gripper()  # empty\n"
        "    return turn\n"
        "grasp(1)\n"
    )
    repaired = splice(program, call(2), skill("wrap", sketch, tries=tries), {})
    assert "    for turn_2 in range(2):\n        if not close_gripper(\n" in repaired
    assert "            open_gripper()  # empty\n" in repaired
    log = run(repaired, close_gripper=[False, True], gripper_width=[0.0, 0.02])
    assert log == [
        "close_gripper()",
        "open_gripper()",
        "gripper_width()",
        "close_gripper()",
        "gripper_width()",
    ]


def test_arguments_come_from_the_call_by_position_keyword_or_default() -> None:
    sketch = "move_linear({position}, {quaternion_wxyz}, {z_approach})\n"
    repaired = splice(
        "goto_pose(p + [0, 0, 1], quaternion_wxyz=(0, 0,\n  1, 0))\n",
        call(1, "goto_pose", parameters=GOTO),
        skill("before", sketch),
        {},
    )
    assert "move_linear((p + [0, 0, 1]), ((0, 0, 1, 0)), 0.0)\n" in repaired


def test_an_argument_that_calls_something_is_still_evaluated_once_and_in_order() -> None:
    sketch = "wait({position})\nwait({position})\n"
    program = "goto_pose(where(1), q=facing(2), z_approach=0.1)\n"
    repaired = splice(
        program,
        call(1, "goto_pose", parameters={"position": None, "q": None, "z_approach": "0.0"}),
        skill("before", sketch),
        {},
    )
    log = run(repaired, where=["P"], facing=["Q"])
    assert log == [
        "where(1)",
        "facing(2)",
        "wait('P')",
        "wait('P')",
        "goto_pose('P', q='Q', z_approach=0.1)",
    ]


def test_bytes_and_characters_are_told_apart() -> None:
    program = 'näme = "grün"; \nx = ["é", close_gripper()]  # ü\n'
    repaired = splice(program, call(2), skill("replace", "answer = {call}\n"), {})
    assert 'x = ["é", answer]  # ü\n' in repaired


def test_windows_line_ends_are_understood() -> None:
    repaired = splice(PLAIN.replace("\n", "\r\n"), call(5), REGRASP, {"tries": 1})
    assert repaired == splice(PLAIN, call(5), REGRASP, {"tries": 1})


def test_the_same_skill_is_not_spliced_twice_at_one_call() -> None:
    for s, line, names in ((REGRASP, 5, ("close_gripper",)), (LOOK, 2, ("sample_grasp_pose",))):
        once = splice(PLAIN, call(line, *names), s, {})
        (region,) = spliced_regions(once)
        lines = once.split("\n")
        inside = [
            n
            for n in range(region.first_line, region.last_line + 1)
            if any(name in lines[n - 1] for name in names)
        ]
        assert inside
        for n in inside:
            with pytest.raises(SpliceError, match="already carries"):
                splice(once, call(n, *names), s, {})


def test_another_skill_may_repair_what_the_first_one_brought() -> None:
    once = splice(PLAIN, call(5), REGRASP, {})
    line = next(
        n
        for n, text in enumerate(once.split("\n"), 1)
        if text.lstrip().startswith("position_2, quaternion_2 =")
    )
    twice = splice(once, call(line, "sample_grasp_pose"), LOOK, {})
    outer, inner = spliced_regions(twice)
    assert (outer.skill, inner.skill) == (REGRASP.name, LOOK.name)
    assert outer.first_line < inner.first_line < inner.last_line < outer.last_line
    assert outer.values == "tries=2, lower_m=0.01"


def test_a_text_that_looks_like_a_mark_is_none() -> None:
    program = 'x = """\n# skill a (): begin\n# skill a: end\n"""\n# skill b (): begin\n'
    assert spliced_regions(program) == ()
    assert spliced_regions("def (:\n") == ()


REPLACE = "answer = {call}\nif not answer:\n    answer = {call}\n"
REFUSED: list[tuple[str, int, Where, str, str]] = [
    ("x = 1\n", 1, "replace", REPLACE, "has no call of close_gripper"),
    ("def f(:\n", 1, "replace", REPLACE, "does not parse"),
    ("while not close_gripper():\n    pass\n", 1, "replace", REPLACE, "while header"),
    ("def f(x=close_gripper()):\n    pass\n", 1, "replace", REPLACE, "functiondef header"),
    ("a and close_gripper()\n", 1, "replace", REPLACE, "part of a condition"),
    ("x = 1 if a else close_gripper()\n", 1, "replace", REPLACE, "part of a condition"),
    ("x = [close_gripper() for _ in y]\n", 1, "replace", REPLACE, "part of a condition"),
    ("f = lambda: close_gripper()\n", 1, "replace", REPLACE, "part of a condition"),
    ('x = f"{close_gripper()}"\n', 1, "replace", REPLACE, "part of a condition"),
    ("x = [other(), close_gripper()]\n", 1, "replace", REPLACE, "another call"),
    ("open_gripper(); close_gripper()\n", 1, "replace", REPLACE, "several statements"),
    ("close_gripper(); open_gripper()\n", 1, "replace", REPLACE, "several statements"),
    ("if a: close_gripper()\n", 1, "replace", REPLACE, "several statements"),
    ("if a:\n    b\nelif close_gripper():\n    c\n", 3, "replace", REPLACE, "elif"),
    ("def f():\n    return close_gripper()\n", 2, "after", "wait(1)\n", "nothing runs after"),
    (
        "for i in a:\n    if close_gripper():\n        break\n",
        2,
        "wrap",
        "if a:\n    {statement}\n",
        "leaves a loop",
    ),
    ('close_gripper(), """a\nb"""\n', 1, "wrap", "if a:\n    {statement}\n", "text over several"),
    ("close_gripper()\n", 1, "before", "wait({seconds})\n", "needs 'seconds'"),
]


@pytest.mark.parametrize(("program", "line", "where", "sketch", "said"), REFUSED)
def test_what_cannot_be_repaired_is_refused_with_the_reason(
    program: str, line: int, where: Where, sketch: str, said: str
) -> None:
    with pytest.raises(SpliceError, match=said):
        splice(program, call(line), skill(where, sketch), {})


def test_a_call_that_hides_its_arguments_is_refused_only_when_they_are_wanted() -> None:
    wants = skill("before", "wait({position})\n")
    for program in ("goto_pose(*a)\n", "goto_pose(**a)\n"):
        at = call(1, "goto_pose", parameters=GOTO)
        with pytest.raises(SpliceError):
            splice(program, at, wants, {})
        assert "home_pose()" in splice(program, at, skill("before", "home_pose()\n"), {})


def test_values_outside_their_range_or_unknown_are_refused() -> None:
    with pytest.raises(SpliceError, match="outside 1 to 3"):
        splice(PLAIN, call(5), REGRASP, {"tries": 9})
    with pytest.raises(SpliceError, match="no parameter 'trys'"):
        splice(PLAIN, call(5), REGRASP, {"trys": 1})


STATEMENTS = (
    "close_gripper()",
    "got = close_gripper()",
    "answer, attempt = 1, close_gripper()",
    "print(close_gripper())",
    "if close_gripper():\n    wait(1)\nelse:\n    wait(2)",
    "with lock(close_gripper()) as l:\n    wait(3)",
    "for position in [close_gripper()]:\n    wait(4)",
    "assert close_gripper() != 5, 'text'",
    "result = {  # a map\n  'é': close_gripper(\n  ),\n}",
)


@given(
    statement=st.sampled_from(STATEMENTS),
    depth=st.integers(0, 3),
    margin=st.sampled_from(["    ", "\t", "  "]),
    around=st.tuples(st.booleans(), st.booleans()),
    tries=st.integers(1, 3),
)
def test_any_good_place_gives_a_valid_program_with_all_else_kept(
    statement: str, depth: int, margin: str, around: tuple[bool, bool], tries: int
) -> None:
    head = [margin * d + f"if level_{d}:  # {d}" for d in range(depth)]
    body = [margin * depth + line for line in statement.split("\n")]
    above = [margin * depth + "wait(0)  # above"] if around[0] else []
    below = [margin * depth + "wait(9)  # below", "", "# the end"] if around[1] else []
    program = "\n".join([*head, *above, *body, *below]) + "\n"
    line = next(n for n, t in enumerate(program.split("\n"), 1) if "close_gripper" in t)

    repaired = splice(program, call(line), REGRASP, {"tries": tries})

    lines = repaired.split("\n")
    assert lines[: len(head) + len(above)] == [*head, *above]
    assert lines[len(lines) - len(below) - 1 :] == [*below, ""]
    (region,) = spliced_regions(repaired)
    assert lines[region.first_line - 1].startswith(margin * depth + "# skill")
    outside = [t for n, t in enumerate(lines, 1) if not region.first_line <= n <= region.last_line]
    assert outside == [*head, *above, *below, ""]


def test_the_comment_of_a_replaced_call_stays() -> None:
    repaired = splice("close_gripper()  # gently\n", call(1), REGRASP, {})
    assert "# gently" in repaired and "\nclose_gripper()" not in repaired


def test_a_call_over_several_lines_is_found_by_any_of_them() -> None:
    program = "goto_pose(\n    p,\n    q,\n)\n"
    for line in (1, 3):
        at = call(line, "goto_pose", parameters=GOTO)
        assert "wait(p)" in splice(program, at, skill("before", "wait({position})\n"), {})
