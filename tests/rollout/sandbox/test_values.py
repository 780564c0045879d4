"""What travels between a program and the cell's side, in both directions."""

from __future__ import annotations

import numpy as np
import pytest

from aspire_tui.rollout.sandbox.api import Abort, Answer, ProgramLimits, ResultValue

SENT = {
    "numbers": ("[1, -2.5, True, None, 'text é']", [1, -2.5, True, None, "text é"]),
    "tuple": ("((1, 2), [3])", ((1, 2), [3])),
    "mapping": ("{'a': {'b': 1}}", {"a": {"b": 1}}),
    "mapping with numbers for keys": ("{1: 'x', 2.5: 'y'}", {1: "x", 2.5: "y"}),
    "mapping with our own mark": ("{'$': 'a', 'i': 0}", {"$": "a", "i": 0}),
    "numpy scalars": ("[np.float64(1.5), np.int32(3), np.bool_(True)]", [1.5, 3, True]),
    "surrogates": ("'a\\udc80b'", "a?b"),
}


@pytest.mark.parametrize("name", SENT)
def test_plain_values_arrive_as_they_were(run, name):
    program, value = SENT[name]
    outcome = run(f"x = echo({program})\nprint(x == {program})")
    assert outcome.error == ""
    assert run.bench.calls[0].args == {"value": value}
    assert type(run.bench.calls[0].args["value"]) is type(value)
    if name != "surrogates":
        assert outcome.stdout == "True\n"


ARRAYS = [
    np.arange(12.0).reshape(3, 4),
    np.array(2.5),
    np.zeros((0, 3), np.float32),
    np.array([[True, False]]),
    np.array([np.nan, np.inf, -np.inf]),
    np.arange(6, dtype=np.uint16).reshape(1, 2, 3),
    np.arange(4, dtype=np.float16),
]


@pytest.mark.parametrize("i", range(len(ARRAYS)))
def test_arrays_keep_type_shape_and_every_bit(run, i):
    class Giving(run.plain):
        def __call__(self, call):
            self.calls.append(call)
            return Answer(ARRAYS[i] if len(self.calls) == 1 else None)

    outcome = run(
        "a = echo(0)\na.shape\necho(a)\necho(a[..., ::-1] if a.ndim else a)", bench=Giving()
    )
    assert outcome.error == ""
    came = run.bench.calls[1].args["value"]
    assert (came.dtype, came.shape) == (ARRAYS[i].dtype, ARRAYS[i].shape)
    np.testing.assert_array_equal(came, ARRAYS[i])
    turned = ARRAYS[i][..., ::-1] if ARRAYS[i].ndim else ARRAYS[i]
    np.testing.assert_array_equal(run.bench.calls[2].args["value"], turned)


def test_foreign_byte_order_arrives_native(run):
    run("echo(np.array([1.5, 2.5], '>f8'))")
    came = run.bench.calls[0].args["value"]
    assert came.dtype == np.float64
    assert came.tolist() == [1.5, 2.5]


def test_a_picture_handed_back_travels_as_its_name(run):
    """The same picture back is far above what one message may carry: only its digest travels."""
    tight = ProgramLimits(arrays_max=4096)
    outcome = run("o = get_observation()['scene']['rgb']\nprint(echo(o).shape)", tight)
    assert outcome.error == ""
    np.testing.assert_array_equal(run.bench.calls[1].args["value"], run.bench.picture)


def test_a_picture_changed_in_place_is_not_mistaken_for_the_old_one(run):
    run("o = get_observation()['scene']['rgb']\no[0, 0] = 77\necho(o)")
    came = run.bench.calls[1].args["value"]
    assert came[0, 0].tolist() == [77, 77, 77]
    np.testing.assert_array_equal(came[1:], run.bench.picture[1:])


def test_the_cell_may_reuse_its_buffer(run):
    class Scribbling(run.plain):
        def __call__(self, call):
            answer = super().__call__(call)
            if call.function == "fail":
                self.picture[:] = 0
                return Answer(None)
            return answer

    bench = Scribbling()
    kept = bench.picture.copy()
    run("o = get_observation()['scene']['rgb']\necho(o)\nfail('OK')\necho(o)", bench=bench)
    np.testing.assert_array_equal(run.bench.calls[3].args["value"], kept)


UNUSABLE = {
    "goto_pose([float('nan'), 0, 0])": "argument position[0] is NaN",
    "goto_pose([0, 0, 0], z_approach=float('-inf'))": "argument z_approach is infinite",
    "echo({'a': [(1, float('nan'))]})": "argument value['a'][0][1] is NaN",
    "echo({1, 2})": "argument value is of type set",
    "echo(lambda: 0)": "argument value is of type function",
    "echo(np.array([None]))": "argument value is an array of object",
    "echo(2 ** 70)": "argument value is a number beyond 64 bits",
    "echo(1j)": "argument value is of type complex",
    "x = []\nfor _ in range(60): x = [x]\necho(x)": "nested deeper than 30",
    "echo(np.zeros((2000, 2000)))": "argument value is an array of 32000000 bytes",
    "echo('x' * 300_000)": "argument value is 300",
    "x = []\nx.append(x)\necho(x)": "nested deeper than 30",
}


@pytest.mark.parametrize("program", UNUSABLE)
def test_what_cannot_be_used_is_invalid_and_names_its_place(run, program):
    indented = program.replace("\n", "\n    ")
    caught = "except PrimitiveError as e:\n    print(e.status, e.detail)\necho(1)"
    outcome = run(f"try:\n    {indented}\n{caught}")
    status, _, detail = outcome.stdout.partition(" ")
    assert status == "INVALID"
    assert UNUSABLE[program] in detail
    assert [c.args for c in run.bench.calls] == [{"value": 1}]
    assert UNUSABLE[program] in run.bench.refused[0][1]


def test_not_finite_arrays_are_for_the_primitive_to_judge(run):
    run("goto_pose(np.array([np.nan, 0, 0]))")
    assert np.isnan(run.bench.calls[0].args["position"][0])


def test_results_are_true_only_when_ok(run):
    class Blocked(run.plain):
        def __call__(self, call):
            self.calls.append(call)
            status = "OK" if call.args["value"] else "BLOCKED"
            return Answer(ResultValue(status, "why", {"reached": np.zeros(3), "error_m": 0.01}))

    outcome = run(
        "a, b = echo(1), echo(0)\nprint(bool(a), bool(b), b.status, b.detail, b.error_m)\n"
        "print(b)\necho([b])",
        bench=Blocked(),
    )
    first, second = outcome.stdout.splitlines()
    assert first == "True False BLOCKED why 0.01"
    assert (
        second
        == "Result(reached=array([0., 0., 0.]), error_m=0.01, status='BLOCKED', detail='why')"
    )
    back = run.bench.calls[2].args["value"][0]
    assert isinstance(back, ResultValue)
    assert (back.status, back.fields["error_m"]) == ("BLOCKED", 0.01)


def test_answers_that_are_not_finite_arrive(run):
    class Odd(run.plain):
        def __call__(self, call):
            return Answer([float("nan"), float("inf"), {3: (1, 2)}])

    assert run("print(echo(0))", bench=Odd()).stdout == "[nan, inf, {3: (1, 2)}]\n"


def test_an_answer_that_cannot_travel_is_our_defect(run):
    class Broken(run.plain):
        def __call__(self, call):
            return Answer(object())

    with pytest.raises(TypeError, match="object cannot be given to a program"):
        run("echo(0)", bench=Broken())
    assert run("pass").ended == "returned"


def test_what_a_primitive_raises_comes_out_after_the_kill(run):
    class Lost(run.plain):
        def __call__(self, call):
            raise ConnectionError("the cell is gone")

    with pytest.raises(ConnectionError):
        run("try: echo(0)\nexcept BaseException: pass\nwhile True: pass", bench=Lost())
    assert run("pass").ended == "returned"


@pytest.mark.parametrize("ended", ["aborted", "killed"])
def test_abort_ends_the_program_at_its_call(run, ended):
    class Aborting(run.plain):
        def __call__(self, call):
            super().__call__(call)
            raise Abort(ended, "the operator stopped it")

    outcome = run("while True:\n  try: echo(1)\n  except BaseException: pass", bench=Aborting())
    assert (outcome.ended, outcome.error) == (ended, "the operator stopped it")
    assert len(run.bench.calls) == 1


def test_the_call_budget_is_told_and_then_enforced(run):
    few = ProgramLimits(calls=3)
    outcome = run("for i in range(4): echo(i)", few)
    assert outcome.error == (
        "PrimitiveError: INVALID: the program's budget of 3 calls is used up (line 1)"
    )
    assert len(run.bench.calls) == 3
    outcome = run("while True:\n  try: echo(1)\n  except PrimitiveError: pass", few)
    assert (outcome.ended, outcome.error) == ("killed", "went on calling after its 3 calls")
    assert len(run.bench.calls) == 3


SPEAK = """
import json, os, struct
def say(n):
    body = json.dumps({"t": "call", "n": n, "f": "echo", "line": 1, "a": {"value": n}}).encode()
    os.write(3, struct.pack(">I", len(body)) + body)
"""


def test_calling_on_with_a_large_answer_unread_is_the_end(at_level):
    """One answer waits at most; a program that piles calls on a megabyte of it is killed at once,
    one that piles them on a small answer after twenty of them."""
    run = at_level("D")

    class Large(run.plain):
        def __call__(self, call):
            super().__call__(call)
            return Answer([np.full(15000, float(i)) for i in range(30)])

    outcome = run(SPEAK + "for n in range(3): say(n)\nwhile True: pass", bench=Large())
    assert outcome.ended == "killed" and "bytes of an answer unread" in outcome.error
    assert len(run.bench.calls) == 1
    outcome = run(SPEAK + "for n in range(40): say(n)\nwhile True: pass")
    assert outcome.ended == "killed" and "malformed messages" in outcome.error


def test_a_message_longer_than_its_bound_ends_the_program_before_it_is_read(at_level):
    outcome = at_level("D")(SPEAK + "os.write(3, struct.pack('>I', 1 << 30))\nwhile True: pass")
    assert outcome.ended == "killed" and "a message of 1073741824 bytes" in outcome.error


def test_a_program_that_says_its_end_and_goes_on_is_ended(at_level):
    end = {"t": "end", "ended": "returned", "error": "", "line": 0, "claimed": True}
    say = f"body = json.dumps({end!r}).encode()\nos.write(3, struct.pack('>I', len(body)) + body)\n"
    outcome = at_level("D")(SPEAK + say + "while True: pass")
    assert (outcome.ended, outcome.claimed) == ("killed", None)
    assert outcome.error.startswith("its process went on after its end")
