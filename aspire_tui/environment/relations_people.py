"""The relation only a person can judge: whether what the sentence asks for is so. Pure.

The verifier asks at the cell; nobody there is UNSURE, and so is every other word than yes or no.
The referee has nothing to say: no simulator knows what a sentence means.
"""

from __future__ import annotations

from typing import Final

from aspire_tui.domain import Check, Outcome
from aspire_tui.environment.judging import Look, RelationKind, Sensed, Truth
from aspire_tui.environment.task import Relation, TaskDef

SAID: Final[dict[str, Outcome]] = {"y": "PASS", "yes": "PASS", "n": "FAIL", "no": "FAIL"}


def question(task: TaskDef) -> str:
    """What a person at the cell is asked when the program has ended."""
    return f"{task.instruction} Is it so? Answer y, n or unsure."


def _checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    said = s.answer.strip().lower()
    why = f"said {said!r}" if said else "nobody answered"
    outcome = SAID.get(said, "UNSURE")
    return [Check("operator says so", "operator", None, "", None, None, outcome, why)]


def _truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool | None, dict[str, float]]:
    return None, {}


KINDS = (RelationKind("operator_says", False, False, _checks, _truth),)
