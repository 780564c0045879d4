"""One program text, unedited, on two arms that share nothing but the names."""

from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import CallResult, RefereeJudged
from aspire_tui.rollout.bulk import WorkerSpec, worker_of
from aspire_tui.rollout.journal import MemoryJournal, OpenGate
from aspire_tui.rollout.trial import TrialSpec

ROOT = Path(drivers.__file__).parents[1]
TEXT = (ROOT / "docs" / "examples" / "careful" / "cube_stack.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("cell", ["yam", "so101"])
def test_the_same_text_stacks_cubes_on_six_joints_and_on_five(cell: str) -> None:
    file = ROOT / "drivers" / "cells" / f"{cell}.toml"
    worker = worker_of(WorkerSpec(str(file), True, ("A", "A-", "B", "D"), pictures="none"))
    journal = MemoryJournal()
    trial = TrialSpec(
        trial=1,
        task=find_task("cube_stack"),
        seed=6_000_001,
        seed_set="operator",
        program=TEXT,
        program_id="careful",
        hypothesis=None,
        where="worker",
        clock="sim",
    )
    closed = worker.runner.run(trial, journal, OpenGate())
    calls = [(e.primitive, e.status) for e in journal.events if isinstance(e, CallResult)]
    truth = [e.outcome for e in journal.events if isinstance(e, RefereeJudged)]
    assert (closed.outcome, truth) == ("PASS", ["PASS"]), (closed.reason, calls)
    arms = worker.hello.cell.arms[0]
    assert len(arms.joints) == (6 if cell == "yam" else 5)
