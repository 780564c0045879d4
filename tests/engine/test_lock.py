"""One engine per cell; the lock goes with the engine and no child keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aspire_tui.engine.lock import CellBusy, CellLock


def test_a_second_engine_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    first = CellLock(tmp_path / "c.lock", "pid 7, session a.db")
    with pytest.raises(CellBusy, match=r"pid 7, session a\.db"):
        CellLock(tmp_path / "c.lock", "pid 8")
    first.close()
    first.close()
    CellLock(tmp_path / "c.lock", "pid 8").close()


def test_a_child_that_only_forks_does_not_keep_the_lock(tmp_path: Path) -> None:
    """The lock belongs to the open file: a forked copy of the descriptor would hold it on."""
    path = tmp_path / "c.lock"
    lock = CellLock(path, "parent")
    go_r, go_w = os.pipe()
    up_r, up_w = os.pipe()
    child = os.fork()
    if child == 0:  # lives on after its parent has let go, as a stray worker would
        os.close(go_w)
        os.write(up_w, b".")
        os.read(go_r, 1)
        os._exit(0)
    os.close(go_r)
    os.read(up_r, 1)
    try:
        # The child's copy is closed and the parent still holds it …
        with pytest.raises(CellBusy):
            CellLock(path, "other")
        lock.close()
        # … and when the parent lets go, the living child does not keep it.
        CellLock(path, "next").close()
    finally:
        os.close(go_w)
        os.waitpid(child, 0)


def test_a_child_that_execs_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "c.lock"
    lock = CellLock(path, "parent")
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    assert child.stdout is not None
    child.stdout.readline()  # the kernel lets the parent go on a little before it closes files
    try:
        lock.close()
        CellLock(path, "next").close()
    finally:
        child.stdout.close()
        assert child.stdin is not None
        child.stdin.close()
        child.wait()
