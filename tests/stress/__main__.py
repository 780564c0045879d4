"""Runs the stress jobs in turn, each in a process of its own, and says whether the promises held.

``python -m tests.stress [NAME…] [--n N] [--seed S]`` with names as in ``stress_NAME.py``; all of
them without. ``--n`` replaces the full volume of each job.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.stress.result import Result

FOLDER = Path(__file__).parent
CHECKOUT = FOLDER.parent.parent
TIME_LIMIT_S = 3600
SEED = 20240229


def main(arguments: list[str]) -> int:
    """Run the named jobs, or with ``--into FILE`` be the process of one."""
    options = _options(arguments)
    known = sorted(p.stem.removeprefix("stress_") for p in FOLDER.glob("stress_*.py"))
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no stress job is called {unknown[0]!r}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    if options.into is not None:
        return _be(options.names[0], options.n, options.seed, options.into)
    broken = 0
    for name in options.names or known:
        print(f"{name} …", file=sys.stderr)
        began = time.monotonic()
        results, error = _run(name, options.n, options.seed)
        for result in results:
            print(f"{'✓' if result.ok else '✗'} {result.what}: {result.found}")
        if error:
            print(f"! {name}: {error}")
        print(f"  {name}: {time.monotonic() - began:.0f} s, seed {options.seed}", flush=True)
        broken += bool(error) or any(not result.ok for result in results)
    return 1 if broken else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--n", type=int, help="volume instead of each job's own")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _run(name: str, n: int | None, seed: int) -> tuple[list[Result], str]:
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        answer = Path(folder) / "results.json"
        command = [sys.executable, "-m", "tests.stress", name]
        command += ["--into", str(answer), "--seed", str(seed)]
        command += [] if n is None else ["--n", str(n)]
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, timeout=TIME_LIMIT_S, stdout=sys.stderr, check=False
            )
        except subprocess.TimeoutExpired:
            return [], f"took longer than {TIME_LIMIT_S} s"
        if not answer.exists():
            return [], f"ended with {done.returncode}, see above"
        return [Result(**row) for row in json.loads(answer.read_text(encoding="utf-8"))], ""


def _be(name: str, n: int | None, seed: int, answer: Path) -> int:
    job = importlib.import_module(f"tests.stress.stress_{name}")
    rows = [dataclasses.asdict(result) for result in job.run(job.N if n is None else n, seed)]
    answer.write_text(json.dumps(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
