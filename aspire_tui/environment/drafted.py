"""A verifier as a model drafts it: relations of the task's own things, and nothing else. Pure.

A draft is data, read as a stranger's: what it names has to be there. It judges nothing until it
has been proven on ends that people labelled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from aspire_tui.environment.task import ObjectDef, Relation

MOST_RELATIONS: Final = 4
FARTHEST_M: Final = 0.5

MEANINGS: Final = {
    "on": "object rests on target, at rest, the gripper open and away",
    "rests_on": "as on, while a gripper may hold something else",
    "lifted": "object is held, its bottom at least value_m above the table (default 0.04)",
    "upright_above": "as lifted, leaning less than 20 degrees (default 0.05)",
}
"""Relations that can be judged of plain things that stand on a table."""

FORM: Final = (
    '{"goal": [{"relation": "...", "object": "...", "target": "...", "value_m": 0.04}], '
    '"why": "one line"}'
)


class Drafted(msgspec.Struct, frozen=True):
    """A model's answer; fields it added are not read."""

    goal: list[dict[str, object]]
    why: str = ""


class NoDraft(ValueError):
    """The answer is no verifier; one line with what is wrong with it."""


def question(sentence: str, things: Sequence[ObjectDef]) -> str:
    """What the model is asked."""
    known = "\n".join(f"- {name}: {meaning}" for name, meaning in MEANINGS.items())
    named = ", ".join(repr(t.name) for t in things)
    return (
        f"A robot on a table is told: {sentence!r}\n"
        f"The things are {named}. Say when it is done, as relations that must all hold:\n{known}\n"
        "object and target are names from the list of things; leave out what a relation does not "
        f"need. If no relation says it, answer with an empty goal. Answer with JSON alone: {FORM}"
    )


def goal_of(answer: str, things: Sequence[ObjectDef]) -> tuple[tuple[Relation, ...], str]:
    """The relations of an answer and why they were chosen.

    Raises:
        NoDraft: It is no JSON, names what is not there, or says that nothing fits.
    """
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        drafted = msgspec.json.decode((found.group(0) if found else "").encode(), type=Drafted)
        goal = tuple(msgspec.convert(row, Relation) for row in drafted.goal)
    except (msgspec.DecodeError, RecursionError):
        line = " ".join(answer.split())
        raise NoDraft(f"the model drafted no verifier: {line[:120]!r}") from None
    why = " ".join(drafted.why.split())[:200]
    if not goal:
        raise NoDraft(f"the model knows no relation that says it ({why or 'no reason given'})")
    if len(goal) > MOST_RELATIONS:
        raise NoDraft(f"the draft has {len(goal)} relations, at most {MOST_RELATIONS}")
    names = [t.name for t in things]
    for r in goal:
        _check(r, names)
    return goal, why


def _check(r: Relation, names: Sequence[str]) -> None:
    if r.relation not in MEANINGS:
        raise NoDraft(f"the draft's relation {r.relation!r} is none of {', '.join(MEANINGS)}")
    needs = 2 if r.relation in ("on", "rests_on") else 1
    given = [r.object, *([r.target] if r.target else [])]
    if missing := [name for name in given if name not in names]:
        raise NoDraft(f"the draft names {missing[0]!r}, which is none of {', '.join(names)}")
    if len(given) != needs or len(set(given)) != needs:
        raise NoDraft(f"the draft's relation {r.relation} is about {needs} different things")
    if r.share is not None or (r.value_m is not None and not 0.0 < r.value_m <= FARTHEST_M):
        raise NoDraft(f"the draft's limits are none: value_m is in metres, up to {FARTHEST_M}")
