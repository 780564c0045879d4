"""Bit flips, truncation and lost headers: every file is named or read, and salvaged truly."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from damage import KINDS, salvaged
from story import BLOBS, story

N = 1500


def run(n: int, seed: int) -> list[Result]:
    results = []
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        path = Path(folder) / "s.db"
        with Recorder.create(path, ballast_bytes=0) as recorder:
            recorder.append(list(story(seed, 25)), BLOBS)
        with SessionReader(path) as reader:
            events = {e.seq: e for e in reader.events()}
        whole = path.read_bytes()
        for kind in KINDS:
            wrong, saved = [], 0
            for number in range(n // len(KINDS)):
                rng = random.Random(seed * 1_000_003 + number)
                found = salvaged(Path(folder), kind(whole, rng, rng.randint(1, 8)), events)
                saved += found.saved
                wrong += [f"{number}: {text}" for text in found.wrong]
            share = saved / (len(events) * max(1, n // len(KINDS)))
            said = f"{n // len(KINDS)} files, {share:.0%} of their events saved, {len(wrong)} wrong"
            results.append(Result(f"session {kind.__name__}", said + "".join(wrong[:1]), not wrong))
    return results
