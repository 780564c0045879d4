"""Whoever goes away, nothing of the sandbox stays behind; whoever is stopped, the next one runs."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aspire_tui.rollout.sandbox import launcher, supervisor
from aspire_tui.rollout.sandbox.api import Answer, Namespace, ProgramLimits
from aspire_tui.rollout.sandbox.inside import program_process
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.sandbox.places import find_places

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_kill_from_another_thread_ends_a_spinning_program(any_level):
    started = threading.Event()

    def when_started(text: str) -> None:
        started.set()

    def stop() -> None:
        started.wait()
        any_level.sandbox.kill("the operator pressed A")

    thread = threading.Thread(target=stop)
    thread.start()
    outcome = any_level("print('go', flush=True)\nwhile True: pass", on_output=when_started)
    thread.join()
    assert (outcome.ended, outcome.error) == ("aborted", "the operator pressed A")
    assert outcome.stdout == "go\n"
    assert any_level("pass").ended == "returned"


def test_kill_during_a_call_lets_the_call_finish_and_then_ends(run):
    class Killed(run.plain):
        def __call__(self, call):
            run.sandbox.kill("stopped under a call")
            return super().__call__(call)

    outcome = run("echo(1)\necho(2)", bench=Killed())
    assert (outcome.ended, outcome.error) == ("aborted", "stopped under a call")
    assert len(run.bench.calls) == 1


def test_kill_without_a_program_does_nothing_to_the_next(run):
    run.sandbox.kill("nothing there")
    assert run("print(1)").ended == "returned"


def test_a_kill_before_the_program_has_a_process_still_ends_it(run, monkeypatch):
    zygote = run.sandbox._zygotes[False]
    start = zygote.start

    def killed_first(*args):
        run.sandbox.kill("at once")
        start(*args)

    monkeypatch.setattr(zygote, "start", killed_first)
    outcome = run("while True: pass", ProgramLimits(idle_s=20))
    assert (outcome.ended, outcome.error) == ("aborted", "at once")
    assert run.sandbox._zygotes[False] is zygote


def test_one_program_at_a_time(run):
    class Nested(run.plain):
        def __call__(self, call):
            run.sandbox.run("pass", Namespace(()), self)
            return super().__call__(call)

    with pytest.raises(RuntimeError, match="one program at a time"):
        run("echo(1)", bench=Nested())
    assert run("pass").ended == "returned"


def test_a_lost_zygote_is_replaced_at_the_same_level(run):
    zygote = run.sandbox._zygotes[False]

    class Losing(run.plain):
        def __call__(self, call):
            os.kill(zygote.pid, signal.SIGKILL)
            return super().__call__(call)

    outcome = run("echo(1)\nwhile True: pass", bench=Losing())
    assert outcome.ended == "killed"
    assert "gone" in outcome.error
    assert run("print(2)").stdout == "2\n"
    assert run.sandbox._zygotes[False].pid != zygote.pid


def test_a_zygote_is_renewed_after_many_programs(run, monkeypatch):
    monkeypatch.setattr(launcher, "_PROGRAMS_PER_ZYGOTE", 2)
    before = run.sandbox._zygotes[False].pid
    for _ in range(3):
        assert run("pass").ended == "returned"
    assert run.sandbox._zygotes[False].pid != before


def test_a_stopped_zygote_is_given_up(run, monkeypatch):
    monkeypatch.setattr(supervisor, "_GONE_WITHIN_S", 0.2)
    zygote = run.sandbox._zygotes[False]

    class Stopping(run.plain):
        def __call__(self, call):
            for pid in family(zygote.pid):
                os.kill(pid, signal.SIGSTOP)
            run.sandbox.kill("stop")
            return super().__call__(call)

    outcome = run("echo(1)", bench=Stopping())
    assert outcome.ended == "aborted"
    assert run("print(2)").stdout == "2\n"


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def alive(pids: list[int]) -> list[int]:
    left = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            left.append(pid)
    return left


ENGINE = """
import sys
sys.path.insert(0, {root!r})
from aspire_tui.rollout.sandbox.api import Answer, Function, Namespace, Parameter
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.sandbox.places import find_places
sandbox = Sandbox.start(({level!r},), places=find_places(("numpy",)))
heard = lambda text: print(text, flush=True)
sandbox.run({program!r}, Namespace(()), lambda c: Answer(), on_output=heard)
"""


@LINUX
@pytest.mark.parametrize("level", ["A", "B", "D"])
@pytest.mark.parametrize(
    "program", ["print('go')\nwhile True: pass", "print('go')\nimport time\ntime.sleep(99)"]
)
def test_an_engine_killed_under_a_program_leaves_no_process(level, program, at_level):
    at_level(level)
    root = str(Path(launcher.__file__).parents[3])
    text = ENGINE.format(root=root, level=level, program=program)
    engine = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    try:
        assert engine.stdout is not None
        assert select.select([engine.stdout], [], [], 30)[0]
        assert engine.stdout.readline() == b"go\n"
        below = family(engine.pid)[1:]
        assert len(below) >= 2
        engine.kill()
        engine.wait()
        waited = time.monotonic() + 5
        while alive(below) and time.monotonic() < waited:
            os.sched_yield()
        assert alive(below) == []
    finally:
        engine.kill()
        engine.wait()
        if engine.stdout is not None:
            engine.stdout.close()


@LINUX
def test_a_fork_of_the_engine_does_not_keep_the_zygote(at_level):
    """A child that inherited our socket must not keep a program alive after us."""
    root = str(Path(launcher.__file__).parents[3])
    program = "print('go')\nwhile True: pass"
    text = ENGINE.format(root=root, level="D", program=program).replace(
        "sandbox.run(",
        "import os, time\nif os.fork() == 0: time.sleep(30); os._exit(0)\nsandbox.run(",
    )
    engine = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    below: list[int] = []
    try:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"go\n"
        below = family(engine.pid)[1:]
        sleeper = [p for p in below if b"fork" in Path(f"/proc/{p}/cmdline").read_bytes()]
        assert len(sleeper) == 1
        engine.kill()
        engine.wait()
        rest = [p for p in below if p not in sleeper]
        waited = time.monotonic() + 5
        while alive(rest) and time.monotonic() < waited:
            os.sched_yield()
        assert alive(rest) == []
    finally:
        engine.kill()
        engine.wait()
        for pid in alive(below):
            os.kill(pid, signal.SIGKILL)


def test_a_sandbox_started_in_a_thread_outlives_the_thread():
    """A parent-death signal would follow the thread, not the process."""
    made: list[Sandbox] = []
    places = find_places(("numpy",))
    thread = threading.Thread(target=lambda: made.append(Sandbox.start(("D",), places=places)))
    thread.start()
    thread.join()
    with made[0] as sandbox:
        assert sandbox.run("print(1)", Namespace(()), lambda c: Answer()).stdout == "1\n"


@LINUX
def test_without_confinement_what_a_program_started_ends_with_it(at_level):
    outcome = at_level("D")(
        "import os, time\npid = os.fork()\nif pid == 0:\n    os.setsid()\n    time.sleep(60)\n"
        "print(pid)"
    )
    assert outcome.ended == "returned"
    assert alive([int(outcome.stdout)]) == []


@pytest.mark.parametrize("zygote", ["alive, then gone", "gone before"])
def test_a_process_that_waits_for_an_order_does_not_outlive_its_zygote(zygote):
    """Its parent may end before the kernel was told to end it too."""
    ours, theirs = socket.socketpair()
    parent = os.getpid() if zygote == "alive, then gone" else 2**22
    pid = os.fork()
    if pid == 0:
        program_process.await_order(theirs, parent, "D", 0)
    theirs.close()
    if zygote == "alive, then gone":
        ours.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    ours.close()


def test_close_ends_everything(run):
    sandbox = Sandbox.start((run.sandbox.report.level,), places=find_places(("numpy",)))
    below = family(sandbox._zygotes[False].pid)
    sandbox.close()
    assert alive(below) == []
    sandbox.close()
