"""The sandbox: warm start, calls, pictures, kills, orphans, and the attacks that get out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles

import numpy as np

from aspire_tui.domain import SandboxLevel
from aspire_tui.rollout.sandbox.api import (
    Answer,
    Call,
    Function,
    Namespace,
    Parameter,
    ProgramLimits,
    SandboxUnavailable,
)
from aspire_tui.rollout.sandbox.launcher import CONFINED, Sandbox
from tests.bench.figure import Figure, at_most

COMMAND = "python -m tests.bench sandbox"
CHECKOUT = Path(__file__).parents[2]
LIMITS = ProgramLimits(wall_s=60, idle_s=30, calls=10_000)
PRIMITIVES = 40
"""About as many as a task declares: their signatures are made anew for every program."""

_ENGINE = """
from aspire_tui.rollout.sandbox.api import Answer, Namespace
from aspire_tui.rollout.sandbox.launcher import Sandbox
heard = lambda text: print(text, flush=True)
spin = "print('go')\\nwhile True: pass"
Sandbox.start(({level!r},)).run(spin, Namespace(()), lambda c: Answer(), on_output=heard)
"""
_TIMES = """
import time
{before}
taken = []
for _ in range({n}):
    began = time.perf_counter()
    {call}
    taken.append((time.perf_counter() - began) * 1e3)
print(" ".join(f"{{t:.5f}}" for t in taken))
"""


def figures() -> list[Figure]:
    out: list[Figure] = []
    for level in CONFINED:
        began = time.perf_counter()
        try:
            sandbox = Sandbox.start((level,))
        except SandboxUnavailable as error:
            out.append(Figure(f"level {level}", "-", f"not here: {error}", COMMAND))
            continue
        cold_ms = (time.perf_counter() - began) * 1e3
        with sandbox:
            out.append(_warm(sandbox, level))
            if level == "A":
                out += [
                    Figure("zygote ready and proved", "-", f"{cold_ms:.0f} ms, n=1", COMMAND),
                    *_calls(sandbox),
                    _hung(sandbox),
                ]
    best: SandboxLevel = "A" if any("level A," in f.name for f in out) else "B"
    return [*out, _orphans(best), *_attacks()]


def namespace() -> Namespace:
    parameters = (Parameter("position", True), Parameter("z_approach", False, 0.0))
    plain = tuple(Function(f"primitive_{i}", parameters, "Does it.") for i in range(PRIMITIVES))
    echo = Function("echo", (Parameter("value", False),), "Gives it back.")
    return Namespace((*plain, echo))


def _p50_p99(samples_ms: list[float]) -> tuple[float, float]:
    return median(samples_ms), quantiles(samples_ms, n=100)[98]


def _warm(sandbox: Sandbox, level: str) -> Figure:
    """numpy ready, one call, exit; until the process is gone."""
    n, space, taken = 200, namespace(), []
    for _ in range(n + 10):
        began = time.perf_counter()
        sandbox.run("echo(np.zeros(3))", space, lambda c: Answer(c.args["value"]), LIMITS)
        taken.append((time.perf_counter() - began) * 1e3)
    p50, p99 = _p50_p99(taken[10:])
    return Figure(
        f"warm program start, level {level}, median (p99)",
        "≤ 10 ms (25)",
        f"{p50:.1f} ms ({p99:.1f}), n={n}",
        COMMAND,
        at_most(10, p50),
    )


def _calls(sandbox: Sandbox) -> list[Figure]:
    picture = np.zeros((480, 640, 3), np.uint8)

    def serve(call: Call) -> Answer:
        value = call.args.get("value")
        return Answer(picture if isinstance(value, str) else None)

    rows = [
        ("call to answer", 1500, "", "echo(1.5)", 0.3, 1.0),
        ("picture 640×480×3 to the program", 100, "", "echo('picture')", 1.0, 5.0),
        ("the same picture handed back", 60, "p = echo('picture')", "echo(p)", 5.0, 20.0),
    ]
    out = []
    for name, n, before, call, goal50, goal99 in rows:
        program = _TIMES.format(before=before, n=n, call=call)
        outcome = sandbox.run(program, namespace(), serve, LIMITS)
        p50, p99 = _p50_p99([float(t) for t in outcome.stdout.split()])
        goal = f"≤ {goal50:g} ms ({goal99:g})"
        value = f"{p50:.3f} ms ({p99:.2f}), n={n}"
        out.append(Figure(f"{name}, median (p99)", goal, value, COMMAND, at_most(goal50, p50)))
    return out


def _hung(sandbox: Sandbox) -> Figure:
    """From the limit to the outcome, the process being gone."""
    limits, taken = ProgramLimits(wall_s=0.2), []
    for _ in range(20):
        outcome = sandbox.run("sum(range(10**12))", Namespace(()), lambda c: Answer(), limits)
        taken.append((outcome.wall_s - limits.wall_s) * 1e3)
    worst = max(taken)
    value = f"{median(taken):.0f} ms (worst {worst:.0f}), n={len(taken)}"
    return Figure(
        "hung program gone after its limit", "≤ 100 ms", value, COMMAND, at_most(100, worst)
    )


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _alive(pids: list[int]) -> list[int]:
    left = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            left.append(pid)
    return left


def _orphans(level: str) -> Figure:
    """The engine killed by -9 while a program spins."""
    taken, left = [], 0
    for _ in range(5):
        engine = subprocess.Popen(
            [sys.executable, "-c", _ENGINE.format(level=level)],
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
        )
        assert engine.stdout is not None
        engine.stdout.readline()
        below = _family(engine.pid)[1:]
        began = time.perf_counter()
        engine.send_signal(signal.SIGKILL)
        while _alive(below) and time.perf_counter() - began < 2:
            time.sleep(0.001)
        taken.append((time.perf_counter() - began) * 1e3)
        engine.wait()
        engine.stdout.close()
        for pid in _alive(below):
            left += 1
            os.kill(pid, signal.SIGKILL)
    worst = max(taken)
    value = f"{left} left, all gone in {worst:.0f} ms, n={len(taken)}"
    met = at_most(200, worst) if not left else "no"
    return Figure("orphans after kill -9 of the engine", "0 in 200 ms", value, COMMAND, met)


def _attacks() -> list[Figure]:
    """The corpus of the tests, each attack proved to work unconfined first."""
    tests = "tests/rollout/sandbox/test_attacks.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "unconfined or careless", tests],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed)", done.stdout)}
    value = f"{counts.get('failed', 0)} of {sum(counts.values())} (repeated at A, A- and B)"
    met = "yes" if done.returncode == 0 and counts.get("passed") else "no"
    return [Figure("attacks that get out of A, A- or B", "0", value, f"pytest {tests}", met)]
