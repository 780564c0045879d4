"""The page on the session file is true: its program, which knows nothing of ours, agrees."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from stopped_clock import StoppedClock
from story import BLOBS, opening, story, trial

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.schema import NOUNS

ROOT = Path(__file__).parents[2]
WORKERS_ONLY = 4
"""The seed of a session without a bench, told on the simulated clock."""
PAGE = (ROOT / "docs" / "session-file.md").read_text(encoding="utf-8")


def foreign(path: Path) -> subprocess.CompletedProcess[str]:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-I", "-S", "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def recorded(folder: Path, seed: int) -> Path:
    clock = StoppedClock()
    path = folder / f"{seed}.db"
    events = list(story(seed, 12))
    if seed == WORKERS_ONLY:
        rng = random.Random(seed)
        events = [
            opening(),
            *(e for n in range(1, 9) for e in trial(rng, n, "worker", "dev", None)),
        ]
    with Recorder.create(path, clock=clock, ballast_bytes=0) as recorder:
        for event in events:
            clock.wind(0.25)
            recorder.append([event], BLOBS)
    return path


@pytest.mark.parametrize("which", ["lift-held", "stack-repaired", 1, 2, 3, WORKERS_ONLY])
def test_a_foreign_program_finds_the_same_head_and_the_same_mru(
    which: str | int, tmp_path: Path
) -> None:
    shipped = isinstance(which, str)
    path = ROOT / "sessions" / f"{which}.db" if shipped else recorded(tmp_path, which)
    done = foreign(path)
    assert done.returncode == 0, done.stderr
    head, mru = done.stdout.split()
    with SessionReader(path) as reader:
        assert head == reader.head()
        assert float(mru) == pytest.approx(reader.snapshot().utilisation.split().mru, abs=2e-6)


def test_a_foreign_program_sees_an_edit(tmp_path: Path) -> None:
    path = recorded(tmp_path, 1)
    db = apsw.Connection(str(path))
    db.execute("UPDATE events SET body=replace(body, 'FAIL', 'PASS') WHERE kind='verdict'")
    db.close()
    done = foreign(path)
    assert done.returncode != 0 and "was edited" in done.stderr


def test_every_table_is_on_the_page(tmp_path: Path) -> None:
    db = apsw.Connection(str(recorded(tmp_path, 1)))
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    assert {t for t in tables if f"`{t}`" not in PAGE} == set()
    assert set(NOUNS) <= tables
