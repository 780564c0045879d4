"""Runs the benches in turn, each in a process of its own, and prints figure, goal and measured.

``python -m tests.bench [NAME [PART…]…]`` with names as in ``bench_NAME.py``; all of them without.
A bench that takes long has ``PARTS``: those named after it are measured, all of them without.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure

FOLDER = Path(__file__).parent
CHECKOUT = FOLDER.parent.parent
TIME_LIMIT_S = 900
WIDTHS = (44, 30, 34)
"""Columns of figure, goal and measured, in characters."""


def main(arguments: list[str]) -> int:
    """Run, or with ``--into FILE NAME`` be the process that runs one bench."""
    if arguments[:1] == ["--into"]:
        return _measure(Path(arguments[1]), arguments[2], arguments[3:])
    known = sorted(p.stem.removeprefix("bench_") for p in FOLDER.glob("bench_*.py"))
    wanted: list[tuple[str, list[str]]] = []
    for word in arguments:
        if wanted and word in _parts(wanted[-1][0]):
            wanted[-1][1].append(word)
        elif word in known:
            wanted.append((word, []))
        else:
            print(f"no bench is called {word!r}; known: {', '.join(known)}", file=sys.stderr)
            return 2
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(_row("figure", "goal", "measured", " "))
    print(_row(*("-" * w for w in WIDTHS), "-"), flush=True)
    failed = 0
    for name, parts in _one_by_one(wanted or [(name, []) for name in known]):
        print(f"{' '.join([name, *parts])} …", file=sys.stderr)
        rows, error = _run(name, parts)
        for f in rows:
            print(_row(f.name, f.goal, f.value, {"yes": "✓", "no": "✗", "-": " "}[f.met]))
        if rows:
            print(f"  repeat: {'; '.join(dict.fromkeys(f.command for f in rows))}", flush=True)
        if error:
            failed += 1
            print(_row(" ".join([name, *parts]), "-", f"not measured: {error}", "!"), flush=True)
    return 1 if failed else 0


def _one_by_one(wanted: list[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """A bench with parts in as many processes: one that fails takes no other's figures along."""
    for name, parts in wanted:
        each = parts or _parts(name)
        yield from ((name, [part]) for part in each) if each else [(name, [])]


def _parts(name: str) -> list[str]:
    if "\nPARTS" not in (FOLDER / f"bench_{name}.py").read_text(encoding="utf-8"):
        return []  # not imported here for nothing
    return list(getattr(importlib.import_module(f"tests.bench.bench_{name}"), "PARTS", ()))


def _run(name: str, parts: list[str]) -> tuple[list[Figure], str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.bench", "--into", str(answer), name, *parts]
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, timeout=TIME_LIMIT_S, stdout=sys.stderr, check=False
            )
        except subprocess.TimeoutExpired:
            return [], f"took longer than {TIME_LIMIT_S} s"
        if not answer.exists():
            return [], f"ended with {done.returncode}, see above"
        return [Figure(**row) for row in json.loads(answer.read_text(encoding="utf-8"))], ""


def _measure(answer: Path, name: str, parts: list[str]) -> int:
    module = importlib.import_module(f"tests.bench.bench_{name}")
    found = [f for part in parts for f in module.PARTS[part]()] if parts else module.figures()
    rows = [dataclasses.asdict(f) for f in found]
    answer.write_text(json.dumps(rows), encoding="utf-8")
    return 0


def _row(name: str, goal: str, value: str, mark: str) -> str:
    cells = [textwrap.wrap(t, w) or [""] for t, w in zip((name, goal, value), WIDTHS, strict=True)]
    lines = []
    for i in range(max(map(len, cells))):
        texts = [c[i] if i < len(c) else "" for c in cells]
        padded = "  ".join(t.ljust(w) for t, w in zip(texts, WIDTHS, strict=True))
        lines.append(f"{mark if i == 0 else ' '} {padded}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
