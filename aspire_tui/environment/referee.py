"""Judges an attempt by simulator truth, after the program has ended.

The only module that may know truth. What it says is recorded to score the verifier and the
benchmark; it never reaches a program, an agent or a decision of the search. Tier S1 is the one
declared exception: its programs are told where things are, and their sessions are branded.
"""

from __future__ import annotations

from typing import Protocol

from aspire_tui.domain import Outcome
from aspire_tui.environment.bench import TruePlace
from aspire_tui.environment.relations import RELATIONS, Truth, TruthPose
from aspire_tui.environment.task import TaskDef
from drivers.sim.truth import SceneTruth


class TruthSource(Protocol):
    """The part of a stand-in the referee needs."""

    def truth(self) -> SceneTruth: ...


def true_places(task: TaskDef, source: TruthSource) -> dict[str, TruePlace]:
    """Where the task's objects really are: what tier S1 gives its programs, and nobody else."""
    seen = source.truth().objects
    return {
        o.name: TruePlace(seen[o.name].xyz_m, seen[o.name].wxyz, o.size_m)
        for o in task.objects
        if o.name in seen
    }


def judge(task: TaskDef, source: TruthSource, table_z_m: float) -> tuple[Outcome, dict[str, float]]:
    """PASS when every relation of the goal really holds; with the values it looked at.

    UNSURE where a relation is only for people to judge.
    """
    seen = source.truth()
    truth = Truth(
        objects={name: TruthPose(o.xyz_m, o.speed_m_s, o.wxyz) for name, o in seen.objects.items()},
        gripped=frozenset(seen.touching_fingers),
        table_z_m=table_z_m,
        slides_m=seen.slides_m,
        film_left=seen.film_left,
        holding=seen.fingers_of,
    )
    values: dict[str, float] = {}
    held = True
    for relation in task.goal:
        ok, found = RELATIONS[relation.relation].truth(task, relation, truth)
        if ok is None:
            return "UNSURE", values
        held = held and ok
        values.update({k: round(v, 5) for k, v in found.items()})
    return ("PASS" if held else "FAIL"), values
