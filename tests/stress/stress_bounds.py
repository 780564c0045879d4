"""Each bound of the sandbox taken out of its code, once: a test must notice, or it bounds nothing.

A copy of the checkout is changed in one place and the tests of messages, values, programs and
processes are run against it; a change under which they all pass is a bound without a test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from tests.stress.result import Result

CHECKOUT = Path(__file__).parents[2]
SANDBOX = Path("aspire_tui/rollout/sandbox")
TESTS = Path("tests/rollout/sandbox")
LONGEST_S = 90.0
"""A test that does not come back without its bound has noticed."""


class Bound(NamedTuple):
    """One limit: where it is, what stands there, what stands there without it, who notices."""

    name: str
    file: str
    stands: str
    without: str
    test: str


PROGRAMS, VALUES, FRAMES = (
    "test_programs.py::test_",
    "test_values.py::test_",
    "test_frames.py::test_",
)
LARGE = f"{FRAMES}what_is_too_large_is_a_violation_before_it_is_read"
UNREAD = f"{VALUES}calling_on_with_a_large_answer_unread_is_the_end"
BUDGET = f"{VALUES}the_call_budget_is_told_and_then_enforced"
BOUNDS: Final = (
    Bound("length of a message", "frames.py", "length > self._frame_max", "False", LARGE),
    Bound("bytes of arrays", "frames.py", "sum(sizes) > self._arrays_max", "False", LARGE),
    Bound("number of arrays", "frames.py", "len(sizes) > _MOST_ARRAYS", "False", LARGE),
    Bound("depth", "frames.py", "depth > DEEPEST", "False", f"{FRAMES}depth_is_bounded"),
    Bound("calls per second", "reception.py", "(wait_s := self._bucket.take(self._clock())) > 0",
          "(wait_s := 0.0) > 0", f"{FRAMES}too_many_calls_per_second_wait"),
    Bound("burst of calls", "reception.py", "min(self._burst, ", "max(0.0, ",
          f"{FRAMES}a_bucket_refills_no_further_than_its_burst"),
    Bound("calls", "reception.py", "why is None and self.calls > self._limits.calls", "False",
          BUDGET),
    Bound("calls after the last one", "reception.py", "self.calls > self._limits.calls + OVERRUN",
          "False", BUDGET),
    Bound("malformed messages", "supervisor.py", "self._bad >= BAD_FRAMES", "False",
          UNREAD),
    Bound("unread output", "supervisor.py", "self._talk.waiting_bytes > UNREAD_MAX", "False",
          UNREAD),
    Bound("calls out of turn", "supervisor.py", "elif self._talk.unread():", "elif False:",
          UNREAD),
    Bound("output kept", "output.py", "del self._tail[: -self._tail_max or None]", "pass",
          f"{PROGRAMS}the_first_and_the_last_output_are_kept"),
    Bound("output in all", "supervisor.py", "if self._output.total > self._limits.stdout_max:",
          "if False:", f"{PROGRAMS}a_flood_of_output_is_killed_and_the_rest_counted"),
    Bound("wall time", "supervisor.py", "self._now + self._limits.wall_s", "self._now + 1e6",
          f"{PROGRAMS}the_wall_clock_ends_a_busy_caller"),
    Bound("time without a call", "supervisor.py", "self._now + self._limits.idle_s",
          "self._now + 1e6", f"{PROGRAMS}a_hung_program_is_ended"),
    Bound("clocks that stop in a primitive", "supervisor.py",
          "self._wall_by_s += self._reception.served_s", "pass",
          f"{PROGRAMS}clocks_stop_while_a_primitive_runs"),
    Bound("processor time", "inside/program_process.py",
          '_lower(resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 1)', "pass",
          f"{PROGRAMS}processor_time_is_limited"),
    Bound("memory", "inside/program_process.py",
          "_lower(resource.RLIMIT_AS, address_space, address_space)", "pass",
          f"{PROGRAMS}memory_in_small_pieces_is_limited"),
    Bound("time to be gone", "supervisor.py", "self._gone_by_s = self._now + _GRACE_AFTER_END_S",
          "pass", f"{VALUES}a_program_that_says_its_end_and_goes_on_is_ended"),
)  # fmt: skip
N = len(BOUNDS)
"""This job has no volume: it is all of them."""


def run(n: int, seed: int) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="bounds-") as folder:
        copy = Path(folder)
        for part in ("aspire_tui", "drivers", "tests", "docs"):
            leave = shutil.ignore_patterns("__pycache__", "__snapshots__")
            shutil.copytree(CHECKOUT / part, copy / part, ignore=leave)
        shutil.copy(CHECKOUT / "pyproject.toml", copy)
        whole = _whole(copy, sorted({bound.test for bound in BOUNDS[:n]}))
        return [whole, *(_without(copy, bound) for bound in BOUNDS[:n])]


def _whole(copy: Path, tests: list[str]) -> Result:
    """The same tests with every bound in place: none fails, none takes long."""
    failed = [why for test in tests if (why := _noticed(copy, test))]
    return Result("with every bound", "; ".join(failed) or f"{len(tests)} tests pass", not failed)


def _without(copy: Path, bound: Bound) -> Result:
    what = f"without the bound on {bound.name}"
    path = copy / SANDBOX / bound.file
    whole = path.read_text()
    if bound.stands not in whole:
        return Result(what, f"{bound.file} has no `{bound.stands}`", False)
    try:
        path.write_text(whole.replace(bound.stands, bound.without))
        noticed = _noticed(copy, bound.test)
    finally:
        path.write_text(whole)
    print(what, noticed, file=sys.stderr, flush=True)
    return Result(what, noticed or f"{bound.test} does not notice", bool(noticed))


def _noticed(copy: Path, test: str) -> str:
    """Which test failed, or that it did not come back; empty when all passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, str(TESTS / test)],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{test.rpartition('::')[2]} does not come back"
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return failed[0].split("::", 1)[1].partition("[")[0].split(" - ")[0] if failed else ""
