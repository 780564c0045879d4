"""SIGKILL of a whole engine at random moments of a search, resumed each time, against a run left
alone: the same trials with the same outcomes, each once."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.e2e.conftest import Bench
from tests.e2e.resuming import differences, killed_and_resumed, look, undisturbed
from tests.stress.result import Result

N = 24
"""Kills."""
KILLS_PER_RUN = 4
ROUNDS = 1


def run(n: int, seed: int) -> list[Result]:
    draw = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="resume-", dir="/tmp") as folder:
        alone = undisturbed(_bench(Path(folder), "alone"), False, ROUNDS)
        done = 0
        while done < n:
            kills = min(KILLS_PER_RUN, n - done)
            bench = _bench(Path(folder), f"r{done}")
            (bench.home / ".held-out.key").write_bytes(
                (Path(folder) / "alone" / ".held-out.key").read_bytes()
            )
            wrong += killed_and_resumed(bench, False, kills, ROUNDS, draw)
            (session,) = (bench.home / "sessions").glob("*.db")
            wrong += differences(alone, look(session), False)
            done += kills
    found = f"{n} kills, {len(wrong)} wrong" + (f": {'; '.join(wrong[:3])}" if wrong else "")
    return [Result("a search whose engine is killed and resumed", found, not wrong)]


def _bench(folder: Path, name: str) -> Bench:
    home, runtime = folder / name, folder / f"{name}-rt"
    home.mkdir()
    runtime.mkdir(mode=0o700)
    return Bench(home, runtime)
