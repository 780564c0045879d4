"""The attack corpus as whoever calls, and from a root shell as an ordinary user too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stress.result import Result

N = 1
CHECKOUT = Path(__file__).parents[2]
CORPUS = "tests/rollout/sandbox/test_attacks.py"
ORDINARY = 47001
_RUN = "import sys; sys.path[:0] = {path!r}; import pytest; raise SystemExit(pytest.main({args!r}))"
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error)")


def run(n: int, seed: int) -> list[Result]:
    """``n`` rounds of the whole corpus for each user."""
    results = []
    for _ in range(n):
        arguments = ["-q", CORPUS]
        ours = [sys.executable, "-m", "pytest", *arguments]
        results.append(_judged(f"as uid {os.geteuid()}", ours))
        if os.geteuid() == 0:
            with _python_for_all() as (shell, folder):
                args = [*arguments, f"--basetemp={folder}"]
                site = sysconfig.get_path("purelib")
                text = _RUN.format(
                    path=[str(CHECKOUT), str(folder.parent.parent / "site")], args=args
                )
                binds = f"mount --bind {sys.base_prefix} {folder.parent.parent}/python && "
                binds += f"mount --bind {site} {folder.parent.parent}/site && "
                results.append(_judged(f"as uid {ORDINARY}", [*shell, binds + _AS_USER, text]))
    return results


_AS_USER = f'exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups "$PYTHON" -S -c "$0"'


@contextmanager
def _python_for_all() -> Iterator[tuple[list[str], Path]]:
    """A shell in a mount namespace of its own, and a folder the ordinary user may write to."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as place:
        top = Path(place)
        top.chmod(0o755)
        for name in ("python", "site", "own"):
            (top / name).mkdir()
        os.chown(top / "own", ORDINARY, ORDINARY)
        os.environ["PYTHON"] = f"{top}/python/bin/python3"
        try:
            yield ["unshare", "--mount", "sh", "-c"], top / "own" / "base"
        finally:
            del os.environ["PYTHON"]


def _judged(who: str, command: list[str]) -> Result:
    environment = {**os.environ, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = sysconfig.get_path("purelib")  # for the careless engine alone
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, env=environment, check=False
    )
    counts = {word: int(number) for number, word in _COUNT.findall(done.stdout)}
    letters = "".join(re.findall(r"^([.sFE]+)", done.stdout, re.M))
    passed, failed = letters.count("."), letters.count("F") + letters.count("E")
    found = f"{passed} passed, {failed} failed, {letters.count('s')} without effect unconfined"
    if done.returncode != 0:
        broken = re.findall(r"^FAILED .*$", done.stdout, re.M)
        found += f"; {counts or done.stderr.strip()[-300:]}; {broken}"
    return Result(f"attack corpus {who}", found, done.returncode == 0 and passed > 100)
