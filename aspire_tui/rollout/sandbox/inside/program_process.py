"""The last steps between a fork of the zygote and the first line of a program."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import random
import resource
import signal
import sys
from typing import NoReturn

import numpy as np

from . import kernel, probe, runtime, seccomp
from .channel import Message
from .wire import Link

STDIN, STDOUT, STDERR, RPC, TRACE = range(5)
WHERE = signal.SIGUSR1
"""Writes the line a program is at to ``TRACE``, also when it hangs in C."""

_NICENESS = 10
_OPEN_FILES = 32
_STACK_BYTES = 8 << 20
_MOST_FORKS_UNCONFINED = 512
_EXIT_BROKEN = 71
"""A step failed before the program began."""


def become(descriptors: list[int], order: Message, level: str, memory: int) -> NoReturn:
    """Turn this fork into the process of one program. Never returns."""
    code = _EXIT_BROKEN
    try:
        _take_descriptors(descriptors)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if sys.platform == "linux":
            kernel.die_with_parent()
        link = Link(RPC)
        program = None if order["what"] == "probe" else link.receive()
        _open_streams()
        _seed()
        _limit(order["limits"], level, memory)
        if level != "D":
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
            seccomp.install(seccomp.program(kernel.architecture()))
        if program is None:
            link.send({"t": "probe", **probe.run(order["engine"])}, [])
        else:
            runtime.run(link, program, level)
        code = 0
    except BaseException as error:
        # nothing above a program's own frames may unwind into the zygote's code
        with contextlib.suppress(OSError):
            os.write(TRACE, f"sandbox: {type(error).__name__}: {error}"[:500].encode())
    finally:
        os._exit(code)


def _take_descriptors(descriptors: list[int]) -> None:
    """0 empty, 1 and 2 captured output, 3 the calls, 4 where it hangs; all others closed."""
    empty, writer = os.pipe()
    os.close(writer)
    rpc, out, trace = descriptors
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 16) for fd in (empty, out, out, rpc, trace)]
    for target, fd in enumerate(high):
        os.dup2(fd, target, inheritable=False)
    os.closerange(TRACE + 1, os.sysconf("SC_OPEN_MAX"))


def _open_streams() -> None:
    sys.stdin = sys.__stdin__ = open(STDIN, encoding="utf-8")  # noqa: SIM115
    for name, fd in (("stdout", STDOUT), ("stderr", STDERR)):
        stream = open(  # noqa: SIM115
            fd, "w", encoding="utf-8", errors="backslashreplace", buffering=1
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    faulthandler.enable(file=TRACE, all_threads=False)
    faulthandler.register(WHERE, file=TRACE, all_threads=False)


def _seed() -> None:
    """A program that draws random numbers draws the same ones on every run."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002


def _limit(limits: dict[str, int], level: str, memory: int) -> None:
    os.nice(_NICENESS)
    bounds = {
        "RLIMIT_AS": memory + (limits["memory_mb"] << 20),
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": _OPEN_FILES,
        "RLIMIT_STACK": _STACK_BYTES,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_RTPRIO": 0,
    }
    if level == "D":
        bounds["RLIMIT_NPROC"] = _MOST_FORKS_UNCONFINED
    for name, bound in bounds.items():
        number = {n: v for n, v in vars(resource).items() if n.startswith("RLIMIT_")}.get(name)
        if number is not None:
            _lower(number, bound, bound)
    # the soft limit tells (SIGXCPU), the hard one kills
    _lower(resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 1)


def _lower(number: int, soft: int, hard: int) -> None:
    present = resource.getrlimit(number)[1]
    if present != resource.RLIM_INFINITY:
        soft, hard = min(soft, present), min(hard, present)
    resource.setrlimit(number, (soft, hard))
