"""Kills the engine of a search at a random moment, resumes it, and compares with a run that was
left alone: the same trials with the same outcomes, each once, nothing unfinished counted."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.events import SessionResumed, TrialClosed
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.kills import _engines, _reader

PATIENCE_S = 600.0
CRITERION = "[criterion]\nheld_out_n = 1\nmin_lower_bound = 0.05\ndev_n = 3\nselection_n = 2\n"
Key = tuple[str, int, str, str]


def small_task(home: Path) -> str:
    """A task with a search of a few trials, on which the plain program fails sometimes."""
    text = (SHIPPED / "cube_stack.toml").read_text()
    head, _, tail = text.partition("[criterion]")
    rest = tail.partition("\n[")
    more = f"\n[{rest[2]}" if rest[1] else ""
    path = home / "small.toml"
    path.write_text(head.replace('"cube_stack"', '"small"', 1) + CRITERION + more)
    return str(path)


@dataclass
class Ended:
    """What a run left in its file."""

    trials: Counter[tuple[Key, str | None]]
    """How often each trial was finished with which outcome."""
    tree: tuple[tuple[int, str, str], ...]
    held_out: tuple[int, int]
    outcome: str | None
    unfinished: int
    problems: list[object] = field(default_factory=list)
    words: tuple[str, ...] = ()
    """What the agent said; trials by no number, for one that is run again has another."""


def look(path: Path) -> Ended:
    with SessionReader(path) as reader:
        rows = reader.trials()
        finished: Counter[tuple[Key, str | None]] = Counter(
            ((r.program, r.seed, r.seed_set, r.where), r.outcome)
            for r in rows
            if r.outcome is not None or r.reset not in (None, "ok")
        )
        snapshot = reader.snapshot()
        tree = tuple((h.hypothesis, h.program, h.status) for h in reader.hypotheses())
        ended = snapshot.ended
        words = tuple(
            re.sub(r"\b([Tt]rial) \d+", r"\1 #", e.event.text)
            for e in reader.events(kinds=("agent_said",))  # type: ignore[union-attr]
        )
        return Ended(
            trials=finished,
            tree=tree,
            held_out=(ended.k, ended.n) if ended else (0, 0),
            outcome=ended.outcome if ended else None,
            unfinished=sum(r.closed_seq is None for r in rows),
            problems=list(reader.verify()),
            words=words,
        )


def arguments(task: str, attended: bool, rounds: int) -> tuple[str, ...]:
    run = ("run", task, "--seed", "7", "--rounds", str(rounds), "--candidates", "1")
    return (*run, "--speed", "10", "--json") if attended else (*run, "--headless", "--json")


def undisturbed(bench: Bench, attended: bool, rounds: int) -> Ended:
    """The run as it goes when nobody kills anything."""
    answer = bench.run(*arguments(small_task(bench.home), attended, rounds), timeout=PATIENCE_S)
    assert answer.code in (0, 1), answer.err
    return look(Path(answer.json["session"]))


def killed_and_resumed(
    bench: Bench, attended: bool, kills: int, rounds: int, draw: random.Random
) -> list[str]:
    """Kill the engine of one run ``kills`` times, resume each time; what was wrong in between."""
    wrong: list[str] = []
    command = bench.start(*arguments(small_task(bench.home), attended, rounds))
    path = None
    try:
        for _ in range(kills):
            reader = _reader(bench)
            path = reader.path
            _kill_somewhere(bench, reader, draw)
            command.wait(timeout=30)
            before = look(path)
            if before.problems:
                wrong.append(f"damaged by the kill: {before.problems[0]}")
            with SessionReader(path) as after:
                if after.snapshot().ended is not None:
                    return wrong  # it was over before the kill came
            command = bench.start("run", "--resume", str(path), "--json")
            wrong += _resumed_well(bench, path, before)
        _out, err = command.communicate(timeout=PATIENCE_S)
        if command.returncode not in (0, 1):
            wrong.append(f"exit {command.returncode}: {err[-300:]}")
    finally:
        command.kill()
        command.wait()
        for pid in _engines(bench):
            os.kill(pid, signal.SIGKILL)
        subprocess.run(["pkill", "-KILL", "-f", str(bench.runtime)], check=False)
    return wrong


def compared(bench: Bench, kills: int, rounds: int, draw: random.Random) -> list[str]:
    """A run that was killed and resumed against the same run left alone; what was wrong."""
    alone = undisturbed(bench, False, rounds)
    for path in (bench.home / "sessions").glob("*"):
        path.rename(bench.home / path.name)
    wrong = killed_and_resumed(bench, False, kills, rounds, draw)
    (session,) = (bench.home / "sessions").glob("*.db")
    return wrong + differences(alone, look(session), False)


def _kill_somewhere(bench: Bench, reader: SessionReader, draw: random.Random) -> None:
    """After a random number of further events, and a random moment more."""
    target = reader.last_seq() + draw.randrange(1, 100)
    until = time.monotonic() + PATIENCE_S
    while reader.last_seq() < target and reader.snapshot().ended is None:
        if time.monotonic() > until or not _engines(bench):
            break
        time.sleep(0.01)
    time.sleep(draw.uniform(0.0, 0.3))
    for pid in _engines(bench):
        os.kill(pid, signal.SIGKILL)


def _resumed_well(bench: Bench, path: Path, before: Ended) -> list[str]:
    """Wait for the resumption to be written; nothing finished may be gone, nothing left open."""
    until = time.monotonic() + PATIENCE_S
    with SessionReader(path) as reader:
        had = len(reader.events(kinds=("resumed",)))
    while time.monotonic() < until:
        with SessionReader(path) as reader:
            resumed = reader.events(kinds=("resumed",))
            if len(resumed) > had or reader.snapshot().ended is not None:
                break
        time.sleep(0.05)
    else:
        return ["was not resumed"]
    wrong = []
    with SessionReader(path) as reader:
        for told in resumed[had:]:
            assert isinstance(told.event, SessionResumed)
            closed = {
                e.event.trial: e.event
                for e in reader.events(kinds=("trial_closed",))
                if isinstance(e.event, TrialClosed)
            }
            open_ones = told.event.unfinished
            wrong += [f"trial {n} stayed open" for n in open_ones if n not in closed]
            wrong += [
                f"unfinished trial {n} counted"
                for n in open_ones
                if n in closed and closed[n].outcome is not None
            ]
    if before.trials - look(path).trials:
        wrong.append("a finished trial is gone")
    return wrong


def differences(alone: Ended, resumed: Ended, attended: bool) -> list[str]:
    """How the two runs differ in what may not differ. Bench trials keep wall time: not outcomes."""
    wrong = [str(p) for p in resumed.problems]
    if resumed.unfinished:
        wrong.append(f"{resumed.unfinished} trials left open")
    twice = [k for k, n in resumed.trials.items() if n > alone.trials.get(k, 1)]
    if twice:
        wrong.append(f"finished more often than once: {twice[0]}")
    if not attended:
        if resumed.trials != alone.trials:
            wrong.append("not the same trials with the same outcomes")
        if resumed.tree != alone.tree:
            wrong.append(f"another tree: {resumed.tree} against {alone.tree}")
        if resumed.held_out != alone.held_out or resumed.outcome != alone.outcome:
            wrong.append(f"held out {resumed.held_out} against {alone.held_out}")
        if resumed.words != alone.words:
            wrong.append(_said_otherwise(alone.words, resumed.words))
    return wrong


def _said_otherwise(alone: tuple[str, ...], resumed: tuple[str, ...]) -> str:
    """The first place where an agent's words differ."""
    pairs = enumerate(zip_longest(alone, resumed))
    place, (before, after) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return f"the agent said other things, or things twice: at {place} {after!r}, alone {before!r}"
