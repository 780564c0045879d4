"""Tries, from where a program would stand, what a program must not be able to do."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable
from typing import Any

_ALLOWED_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "LC_CTYPE",
}
_HIGHEST_DESCRIPTOR = 4


def run(engine: int) -> dict[str, Any]:
    """Every act by name: denied with its errno, or leaked.

    Args:
        engine: Process id of the launcher, outside.
    """
    denied: list[str] = []
    leaks: list[str] = []
    for name, act in _acts(engine).items():
        try:
            worked = act()
        except (OSError, RuntimeError, ValueError):
            worked = False
        (leaks if worked else denied).append(name)
    return {"denied": denied, "leaks": leaks}


def _acts(engine: int) -> dict[str, Callable[[], bool]]:
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "socket inet": lambda: _closed(socket.socket(socket.AF_INET)),
        "socket unix": lambda: _closed(socket.socket(socket.AF_UNIX)),
        "fork": _fork,
        "exec": _execute,
        "read /etc/passwd": lambda: _read("/etc/passwd"),
        "list /proc": lambda: bool(os.listdir("/proc")),  # noqa: PTH208
        "write /tmp": lambda: _write("/tmp/.aspire-sandbox-probe"),
        "signal the engine": lambda: libc.kill(engine, 0) == 0,
        "trace the engine": lambda: (
            libc.ptrace(0x4206, engine, None, None) == 0 and _let_go(engine)
        ),
        "raise its limits": _raise_limits,
        "environment": lambda: bool(set(os.environ) - _ALLOWED_ENVIRONMENT),
        "inherited files": lambda: any(_is_open(fd) for fd in range(_HIGHEST_DESCRIPTOR + 1, 64)),
        "stat /etc/passwd": lambda: bool(os.stat("/etc/passwd")),  # noqa: PTH116
    }


def _closed(opened: socket.socket) -> bool:
    opened.close()
    return True


def _fork() -> bool:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


def _execute() -> bool:
    """Without replacing this process: a denied filter answers EPERM before it looks at the path."""
    try:
        os.execv("/nonexistent", ["nonexistent"])
    except OSError as error:
        return error.errno == 2


def _read(path: str) -> bool:
    fd = os.open(path, os.O_RDONLY)
    os.close(fd)
    return True


def _write(path: str) -> bool:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(fd)
    os.unlink(path)  # noqa: PTH108
    return True


def _let_go(engine: int) -> bool:
    ctypes.CDLL(None).ptrace(17, engine, None, None)
    return True


def _raise_limits() -> bool:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft - 1, hard))
    return True


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
