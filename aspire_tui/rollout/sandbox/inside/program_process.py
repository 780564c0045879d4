"""The steps between a fork of the zygote and the first line of a program."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import random
import resource
import signal
import socket
import sys
from typing import NoReturn

import numpy as np

from . import kernel, probe, runtime, seccomp
from .channel import Channel, Message
from .pictures import RING_BYTES, PictureView
from .wire import Link

STDIN, STDOUT, STDERR, RPC, TRACE = range(5)
_ORDERS = 16
_HIGHEST_DESCRIPTOR = 4096
"""The zygote was started with none but its own few."""
WHERE = signal.SIGUSR1
"""Writes the line a program is at to ``TRACE``, also when it hangs in C."""

_NICENESS = 10
_MOST_FORKS_UNCONFINED = 512
_BOUNDS = [
    (getattr(resource, name), bound)
    for name, bound in {
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": 32,
        "RLIMIT_STACK": 8 << 20,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_RTPRIO": 0,
    }.items()
    if hasattr(resource, name)  # not every system has every limit
]
_FILTER = seccomp.program(kernel.architecture()) if kernel.architecture() else b""
_EXIT_BROKEN = 71
"""A step failed before the program began."""


def await_order(orders: socket.socket, zygote: int, level: str, memory: int) -> NoReturn:
    """Be the process of the next program: wait for the order, then become it. Never returns.

    Args:
        zygote: Process id of the parent as this process sees it; without it there is no next one.
    """
    code = _EXIT_BROKEN
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if sys.platform == "linux":
            kernel.die_with_parent()
        if os.getppid() != zygote:  # it died before that could take effect
            os._exit(0)
        os.dup2(orders.fileno(), _ORDERS, inheritable=False)
        orders.detach()
        # also the zygote's end of the same socket, or its end would never be seen
        os.closerange(STDERR + 1, _ORDERS)
        os.closerange(_ORDERS + 1, _HIGHEST_DESCRIPTOR)
        channel = Channel(socket.socket(fileno=_ORDERS))
        runtime.rehearse()
        order = channel.receive()
        code = _become(channel.take_descriptors(), order, level, memory)
    except EOFError:
        code = 0  # the zygote is gone and nobody needs this process
    except BaseException as error:
        # nothing above a program's own frames may unwind into the zygote's code
        with contextlib.suppress(OSError):
            os.write(TRACE, f"sandbox: {type(error).__name__}: {error}"[:500].encode())
    finally:
        os._exit(code)


def _become(descriptors: list[int], order: Message, level: str, memory: int) -> int:
    pictures = _take_descriptors(descriptors)
    link = Link(RPC, pictures)
    program = None if order["what"] == "probe" else link.receive()
    _open_streams()
    _seed()
    _limit(order["limits"], level, memory + (RING_BYTES if pictures else 0))
    if level != "D":
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        seccomp.install(_FILTER)
    if program is None:
        link.send({"t": "probe", **probe.run(order["engine"])}, [])
    else:
        runtime.run(link, program, level)
    return 0


def _take_descriptors(descriptors: list[int]) -> PictureView | None:
    """0 empty, 1 and 2 captured output, 3 the calls, 4 where it hangs; all others closed.

    The ring of pictures, when there is one, is mapped and its descriptor closed with the others.
    """
    empty, writer = os.pipe()
    os.close(writer)
    rpc, out, trace, *ring = descriptors
    pictures = PictureView(ring[0]) if ring else None
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 32) for fd in (empty, out, out, rpc, trace)]
    for target, fd in enumerate(high):
        os.dup2(fd, target, inheritable=False)
    os.closerange(TRACE + 1, _HIGHEST_DESCRIPTOR)
    return pictures


def _open_streams() -> None:
    sys.stdin = os.fdopen(STDIN, encoding="utf-8")
    sys.__dict__["__stdin__"] = sys.stdin
    for name, fd in (("stdout", STDOUT), ("stderr", STDERR)):
        stream = os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        sys.__dict__[name] = stream
        sys.__dict__[f"__{name}__"] = stream
    faulthandler.enable(file=TRACE, all_threads=False)
    faulthandler.register(WHERE, file=TRACE, all_threads=False)


def _seed() -> None:
    """A program that draws random numbers draws the same ones on every run."""
    random.seed(0)
    if "numpy.random" in sys.modules:
        np.random.seed(0)


def _limit(limits: dict[str, int], level: str, memory: int) -> None:
    os.nice(_NICENESS)
    address_space = memory + (limits["memory_mb"] << 20)
    _lower(resource.RLIMIT_AS, address_space, address_space)
    for number, bound in _BOUNDS:
        _lower(number, bound, bound)
    if level == "D":
        _lower(resource.RLIMIT_NPROC, _MOST_FORKS_UNCONFINED, _MOST_FORKS_UNCONFINED)
    # the soft limit tells (SIGXCPU), the hard one kills
    _lower(resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 1)


def _lower(number: int, soft: int, hard: int) -> None:
    present = resource.getrlimit(number)[1]
    if present != resource.RLIM_INFINITY:
        soft, hard = min(soft, present), min(hard, present)
    resource.setrlimit(number, (soft, hard))
