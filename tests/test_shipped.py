"""What ships is whole: sessions that replay, skills with evidence that helps, examples that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import EVERY_BODY, catalogue
from aspire_tui.environment.task_file import find_task, task_names
from aspire_tui.evolution.admission import TASK_SPECIFIC
from aspire_tui.evolution.statistics import rate
from aspire_tui.library.load import load_library
from aspire_tui.library.skill import KINDS
from aspire_tui.rollout.policy import check
from aspire_tui.session.reader import SessionReader

ROOT = Path(__file__).parents[1]
SHIPPED = ("lift-blocked", "lift-held", "stack-repaired")
SESSIONS = [ROOT / "sessions" / f"{name}.db" for name in SHIPPED]
SKILLS = load_library([ROOT / "skills"])


@pytest.mark.parametrize("path", SESSIONS, ids=lambda p: p.stem)
def test_a_shipped_session_is_whole_and_ended(path: Path) -> None:
    with SessionReader(path) as reader:
        assert reader.verify() == []
        snapshot = reader.snapshot()
        assert snapshot.ended is not None
        assert reader.snapshot(snapshot.seq) == snapshot
        assert reader.keyframes(1, 1)


def test_the_shipped_run_shows_a_failing_call_its_repair_and_the_proof() -> None:
    with SessionReader(ROOT / "sessions" / "stack-repaired.db") as reader:
        ended = reader.snapshot().ended
        best = next(h for h in reader.hypotheses() if h.hypothesis == ended.best)
        repair = best.repairs[0]
        failing = reader.call(repair.trial, repair.call)
        assert failing.result.status == repair.status != "OK"
        assert best.status == "kept"
        assert best.scores["selection"].k > 0
        assert (ended.outcome, ended.n) == ("PASS", 50)


def test_every_shipped_skill_loads_and_helped_on_the_same_unseen_scenes() -> None:
    assert SKILLS.problems == ()
    assert len(SKILLS.skills) >= 4
    for skill in SKILLS.skills:
        for proof in skill.evidence.proofs:
            assert proof.rate_with.k > proof.rate_without.k
            assert rate(proof.rate_with.k, proof.rate_with.n).n == len(proof.seeds)
            assert proof.hashes["skill"] == skill.digest
        assert skill.evidence.proofs


def test_every_shipped_skill_says_its_kind_and_where_it_was_proven() -> None:
    for skill in SKILLS.skills:
        assert skill.kind in KINDS, skill.name
        only, tasks = skill.metadata.get(TASK_SPECIFIC, ""), skill.evidence_tasks()
        assert len(tasks) > 1 or only in tasks, f"{skill.name} helps {tasks}: a second, or a mark"


OF_THE_PROTOCOL = {"cell_client.py", "arm_server.py"}
"""Examples of cell/1, run by the tests of the drivers; all others are programs."""


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((ROOT / "docs" / "examples").glob("*.py")) if p.name not in OF_THE_PROTOCOL],
    ids=lambda p: p.stem,
)
def test_an_example_program_passes_the_policy(path: Path) -> None:
    task = find_task(path.stem if path.stem in task_names() else "cube_lift")
    names = {n for body in EVERY_BODY for n in catalogue(ALL, task.api, "", body)}
    assert check(path.read_text(), names | set(task.in_scope)) == []
