"""Mutated messages on every decoder: each is accepted or refused, nothing else, and quickly."""

from __future__ import annotations

import random
import sys
import time
import traceback

from tests.stress.decoders import Decoder, all_decoders
from tests.stress.mutation import Mutator
from tests.stress.result import Result

N = 200_000


def run(n: int, seed: int) -> list[Result]:
    """``n`` messages for each decoder (fewer where one message is a file)."""
    results = []
    with all_decoders() as decoders:
        for decoder in decoders:
            results.append(one(decoder, max(1, round(n * decoder.share)), seed))
            print(results[-1].what, results[-1].found, file=sys.stderr, flush=True)
    return results


def one(decoder: Decoder, n: int, seed: int) -> Result:
    mutator = Mutator(random.Random(seed), decoder.seeds)
    accepted, slowest_s, surprises = 0, 0.0, []
    for _ in range(n):
        data = mutator.draw()
        began = time.perf_counter()
        try:
            accepted += decoder.read(data)
        except decoder.refusals:
            pass
        except Exception as error:
            surprises.append(
                f"{type(error).__name__}: {error} at {_where(error)} for {data[:300]!r}"
            )
        slowest_s = max(slowest_s, time.perf_counter() - began)
    found = (
        f"{n:,} read, {accepted:,} accepted, {len(surprises)} surprises, "
        f"slowest {1e3 * slowest_s:.1f} ms"
    )
    if surprises:
        found += f"; the first: {surprises[0]}"
    return Result(f"{decoder.name}: mutated", found, not surprises and accepted > 0)


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
