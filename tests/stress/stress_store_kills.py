"""``kill -9`` of a recorder at random moments: nothing acknowledged is lost, nothing is damaged."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from test_crash import killed_at_random

N = 1000
RUNS_PER_FILE = 8
"""So often a session is taken up again after a kill before a new one is begun."""


def run(n: int, seed: int) -> list[Result]:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    lost = damaged = events = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        for kill in range(n):
            path = Path(folder) / f"{kill // RUNS_PER_FILE}.db"
            acknowledged = killed_at_random(path, seed + kill)
            with SessionReader(path) as reader:
                found = reader.last_seq()
                lost += max(0, acknowledged - found)
                if kill % RUNS_PER_FILE == RUNS_PER_FILE - 1 or kill == n - 1:
                    damaged += any("first event" not in p.what for p in reader.verify())
                    events += found
            if kill % RUNS_PER_FILE == RUNS_PER_FILE - 1:
                path.unlink()
    found = f"{n} kills, {events} events, {lost} acknowledged lost, {damaged} files damaged"
    return [Result("kill -9 of the recorder", found, lost == damaged == 0)]
