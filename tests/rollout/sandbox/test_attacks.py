"""Hostile programs against real victims, judged at the victim.

Every attack first has to succeed where nothing confines it: reaching out, at level D; burdening the
engine, against the careless one of ``naive.py``. One that fails there too proves nothing and is not
counted. Then it has to do nothing at A, A- and B, where an honest program has just passed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from aspire_tui.rollout.sandbox.api import Answer, ProgramLimits
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.sandbox.places import find_places
from tests.rollout.sandbox.attacks import (
    BURDENS,
    CALLS_ALLOWED,
    CATEGORIES,
    DECLARED_AT_B,
    ESCAPES,
    LIMITED_CPU_S,
    NR,
    Burden,
)
from tests.rollout.sandbox.victims import Seen, Victims, make_victims, semaphore_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")

ENOUGH = 60
"""Attacks that have to work unconfined for this file to mean anything."""
LEVELS = ("A", "A-", "B")
LIMITS = ProgramLimits(wall_s=10, idle_s=3, cpu_s=LIMITED_CPU_S, memory_mb=256)
TIGHT = ProgramLimits(wall_s=4, idle_s=0.4, cpu_s=3, memory_mb=256, calls=CALLS_ALLOWED)
CONTROL = """
import colorsys, csv, statistics
from scipy.spatial.transform import Rotation
assert np.allclose(np.linalg.inv(np.eye(4)), np.eye(4))
total = sum(echo(i) for i in range(50))
RESULT = total == 1225 and Rotation.identity().magnitude() == 0
"""

Made = Callable[[], Victims]


@pytest.fixture
def victims(tmp_path_factory, monkeypatch) -> Iterator[Made]:
    made: list[Victims] = []

    def make() -> Victims:
        token = secrets.token_hex(12)
        monkeypatch.setenv("ANTHROPIC_API_KEY", token)
        made.append(make_victims(tmp_path_factory.mktemp("victims"), token))
        return made[-1]

    yield make
    semaphore_file().unlink(missing_ok=True)
    for v in made:
        with contextlib.suppress(ProcessLookupError):
            os.kill(v.canary.pid, signal.SIGCONT)
        v.close()


@pytest.fixture(scope="module")
def works_unconfined() -> dict[str, bool]:
    return {}


class Sampler:
    """Looks at a family of processes from outside, every few milliseconds."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._known = set(family(root))
        self._over = threading.Event()
        self.processes = self.threads = 0
        self.program_mb = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.01):
            # the process that waits for the next program is no work of this one
            fresh = [p for p in family(self._root) if p not in self._known]
            self.processes = max(self.processes, len(fresh) - 2)
            for pid in fresh:
                with contextlib.suppress(OSError, IndexError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    self.threads = max(self.threads, int(_line(status, "Threads")) - 1)
                    kinds = ("RssAnon", "RssShmem")
                    memory_kb = sum(int(_line(status, kind).split()[0]) for kind in kinds)
                    self.program_mb = max(self.program_mb, memory_kb / 1024)


def _line(status: str, name: str) -> str:
    return status.split(f"{name}:")[1].split("\n")[0].strip()


def family(root: int) -> list[int]:
    found = [root]
    for parent in found:
        with contextlib.suppress(OSError):  # it may be gone by now
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
    return found


def confined(runner, v: Victims, program: str, limits: ProgramLimits = LIMITS) -> Seen:
    """One program at this runner's level, as the engine and the victims saw it."""
    seen = Seen()
    said_end = "'t': 'end'" in program

    class Watching(runner.plain):
        def __call__(self, call):
            seen.late_calls += said_end
            value = call.args.get("value")
            position = np.asarray(call.args.get("position", 0.0), float)
            big = isinstance(value, str) and len(value) > 1 << 20
            seen.odd_values += not np.isfinite(position).all() or big
            if value == "tracing" and v.canary_state() == "t":
                seen.note = "traced"
            if value == "touch":
                (v.folder / f"seen-{v.token}").touch()
            if value == "look":
                look(runner, seen)
            if call.function == "get_observation":
                return Answer("x" * 300_000)
            return super().__call__(call)

    before_mb = memory_mb()
    with Sampler(runner.sandbox._zygotes[False].pid) as sampled:
        outcome = runner(told_names(v) + program, limits, bench=Watching())
    seen.stdout, seen.error = outcome.stdout, outcome.error
    seen.kept = len(outcome.stdout)
    seen.calls = [c.function for c in runner.bench.calls]
    seen.engine_mb = memory_mb() - before_mb
    seen.processes, seen.threads = sampled.processes, sampled.threads
    seen.program_mb = sampled.program_mb
    return seen


def look(runner, seen: Seen) -> None:
    """At the program's processes, from outside."""
    namespaces, limits = set(), set()
    for pid in family(runner.sandbox._zygotes[False].pid)[1:]:
        with contextlib.suppress(OSError, ValueError, IndexError):
            namespaces.add(Path(f"/proc/{pid}/ns/user").readlink())
            text = Path(f"/proc/{pid}/limits").read_text()
            limits.add(int(text.split("Max cpu time")[1].split()[0]))
    seen.namespaces, seen.limits = len(namespaces), tuple(limits)


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / (1 << 20)


def told_names(v: Victims) -> str:
    names = "".join(f"{name} = {value!r}\n" for name, value in {**v.names(), "NR": NR}.items())
    return names + "STATE = 'tracing'\n"


def careless(v: Victims, burden: Burden) -> Seen:
    """The same program with the engine of ``naive.py``."""
    order = {
        "program": told_names(v) + burden.program,
        "inside": burden.inside,
        "patience_s": burden.patience_s,
    }
    os.set_inheritable(v.pipe_end, True)
    engine = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("naive.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(v.pipe_end,),
        start_new_session=True,
    )
    with Sampler(engine.pid) as sampled:
        try:
            said, _ = engine.communicate(json.dumps(order).encode(), burden.patience_s + 2)
        except subprocess.TimeoutExpired:
            said = b""
        children = family(engine.pid)[1:]
    for pid in (engine.pid, *children):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    engine.communicate()
    seen = Seen(processes=sampled.processes, threads=sampled.threads)
    seen.program_mb = sampled.program_mb
    lines = said.splitlines()
    if not lines or not lines[-1].startswith(b'{"ended"'):
        return dataclasses.replace(seen, engine_alive=False, ended=False)
    answer = json.loads(lines[-1])
    seen.ended = answer["ended"]
    if burden.inside:
        return seen
    seen.stdout, seen.error, seen.kept = answer["stdout"], answer["error"], answer["kept"]
    seen.calls, seen.odd_values, seen.late_calls = answer["calls"], answer["odd"], answer["late"]
    seen.engine_mb = answer["mb"] - 30
    return seen


def test_every_category_has_its_attacks_and_every_attack_its_category():
    assert len(CATEGORIES) == 17
    listed = [name for names in CATEGORIES.values() for name in names]
    assert sorted(listed) == sorted({**ESCAPES, **BURDENS})
    assert len(listed) >= 60
    assert all(len(names) >= 3 for names in CATEGORIES.values())


@pytest.mark.parametrize("level", LEVELS)
def test_positive_control(level, at_level):
    outcome = at_level(level)(CONTROL)
    assert (outcome.ended, outcome.error, outcome.claimed) == ("returned", "", True)
    assert outcome.calls == 50


@pytest.mark.parametrize("name", ESCAPES)
def test_an_escape_that_works_unconfined_does_nothing_confined(
    name, at_level, victims, works_unconfined
):
    program, effect = ESCAPES[name]
    v = victims()
    works_unconfined[name] = effect(v, confined(at_level("D"), v, program))
    semaphore_file().unlink(missing_ok=True)
    for level in LEVELS:
        runner = at_level(level)
        v = victims()
        seen = confined(runner, v, program)
        if level == "B" and name in DECLARED_AT_B:
            continue
        assert not effect(v, seen), f"{name} got out of level {level}: {seen}"
        assert v.canary.poll() is None
    if not works_unconfined[name]:
        pytest.skip(f"{name} does nothing here even unconfined")


@pytest.mark.parametrize("name", BURDENS)
def test_a_burden_that_hurts_a_careless_engine_does_not_hurt_ours(
    name, at_level, victims, works_unconfined
):
    burden = BURDENS[name]
    v = victims()
    works_unconfined[name] = burden.effect(v, careless(v, burden))
    for level in LEVELS:
        runner = at_level(level)
        v = victims()
        with contextlib.ExitStack() as fresh:
            if name == "an inherited descriptor":  # it has to be open when the zygote starts
                os.set_inheritable(v.pipe_end, True)
                places = find_places(("numpy",))
                sandbox = fresh.enter_context(Sandbox.start((level,), places=places))
                runner = dataclasses.replace(runner, sandbox=sandbox)
            seen = confined(runner, v, burden.program, TIGHT)
        assert not burden.effect(v, seen), f"{name} burdened level {level}: {seen}"
        assert runner_goes_on(at_level(level))
    if not works_unconfined[name]:
        pytest.skip(f"{name} does nothing here even to a careless engine")


def runner_goes_on(runner) -> bool:
    return runner("print(1)").stdout == "1\n"


def test_enough_of_the_attacks_are_real(works_unconfined):
    """Runs after them: a corpus that fails without a sandbox would prove nothing about one."""
    if len(works_unconfined) < len(ESCAPES) + len(BURDENS):
        pytest.skip("not all attacks were run")
    assert sum(works_unconfined.values()) >= ENOUGH, works_unconfined
    for category, names in CATEGORIES.items():
        assert any(works_unconfined[name] for name in names), f"nothing real in: {category}"


MORE_BOMBS = {
    "files": "import os\nx = []\nwhile True: x.append(os.dup(1))",
    "recursion in C": (
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: [f(y) for y in [x]]\nf(0)"
    ),
    "nested lists": "x = []\nfor i in range(10**6): x = [x]\nprint(x)",
    "a large power": "print(len(str(7 ** 10**7)))",
    "closed descriptors": "import os\nos.closerange(0, 100)\nwhile True: pass",
    "silence": "import os\nos.close(3)\nwhile True: pass",
}


@pytest.mark.parametrize("bomb", MORE_BOMBS)
@pytest.mark.parametrize("level", ["A", "B"])
def test_bombs_end_in_one_line_and_the_next_program_runs(level, bomb, at_level):
    runner = at_level(level)
    limits = ProgramLimits(wall_s=2, idle_s=0.4, cpu_s=2, memory_mb=128)
    outcome = runner(MORE_BOMBS[bomb], limits)
    assert outcome.ended in ("raised", "timeout", "killed")
    assert outcome.error.isprintable()
    assert outcome.error
    assert runner_goes_on(runner)


def test_a_lie_about_the_end_is_only_a_claim(run):
    """A program can say what it likes of itself; it cannot go on after saying so."""
    outcome = run(
        "import os, json\n"
        "h = {'t': 'end', 'ended': 'returned', 'error': '', 'line': 0, 'claimed': True}\n"
        "b = json.dumps(h).encode()\n"
        "os.write(3, len(b).to_bytes(4, 'big') + b)\n"
        "while True:\n  try: goto_pose([0, 0, 0])\n  except BaseException: pass"
    )
    assert run.bench.calls == []
    assert outcome.ended == "killed"
    assert outcome.error.startswith("its process went on after its end")
