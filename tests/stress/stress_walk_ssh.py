"""The newcomer's first session at 80×24 in tmux at the far end of a real sshd; its own task."""

from __future__ import annotations

from tests.e2e.loopback import sshd_binary
from tests.stress.result import Result
from tests.stress.stress_walk import walk

N = 1


def run(n: int, seed: int) -> list[Result]:
    """``n`` walks of the shipped task; with ``--n 0`` one of the task with a short search."""
    if sshd_binary() is None:
        return [Result("first session through ssh", "openssh-server is not installed", False)]
    if n == 0:
        return [walk(through_ssh=True)]
    return [walk(through_ssh=True, short=False) for _ in range(n)]
