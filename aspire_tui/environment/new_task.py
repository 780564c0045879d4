"""Makes a task out of a sentence: what it is about, where it starts, and who says that it is done.

A verifier that is not the operator's own word counts only once it has judged enough frames that
people have labelled: :data:`LEAST_LABELLED` good and as many bad ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from aspire_tui.environment.perception.prompt import RELATIONS as WHERE
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.task import (
    Criterion,
    Distractors,
    Labelled,
    ObjectDef,
    Relation,
    Shape,
    Start,
    TaskDef,
)

LEAST_LABELLED: Final = 10
SIDE_M: Final = 0.05
SHAPES: Final[dict[str, Shape]] = {"cylinder": "cylinder", "ball": "sphere"}
NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")

TEMPLATES: Final = (
    (re.compile(r"\b(on top of|onto|on)\b"), "on", 2),
    (re.compile(r"\b(lift|pick up|raise|hold)\b"), "lifted", 1),
)
"""Words of a sentence that a relation judges, and how many things it is about."""


class SentenceError(ValueError):
    """The sentence names nothing that a camera could find, or the name is none."""


def things_in(sentence: str) -> list[ObjectDef]:
    """Coloured things a sentence names, in its order: ``the red cube`` and so on."""
    words = re.findall(r"[a-z]+", sentence.lower())
    found: dict[str, ObjectDef] = {}
    for i, word in enumerate(words[:-1]):
        asked = parse(word)
        if not asked.colours or words[i + 1] in WHERE or parse(words[i + 1]).colours:
            continue
        name = f"{word} {words[i + 1]}"
        shape = SHAPES.get(parse(name).shape or "", "box")
        found.setdefault(name, ObjectDef(name, shape, (SIDE_M, SIDE_M, SIDE_M), asked.colours[0]))
    return list(found.values())


def compose_task(
    sentence: str,
    name: str,
    region: str = "",
    rectangle: tuple[float, float, float, float] | None = None,
    sizes: Sequence[tuple[str, tuple[float, float, float]]] = (),
    verifier: str = "operator",
    reset_by: str = "operator",
    api: str = "capx",
    drafted: Sequence[Relation] = (),
) -> TaskDef:
    """A task from a sentence.

    Args:
        region: A region the cell was taught; else ``rectangle`` x0, x1, y0, y1 in metres.
        sizes: Full extents of things by name, where they are known.
        verifier: ``operator`` asks for y, n or unsure; ``template`` judges by a relation that the
            sentence's words stand for, ``draft`` by relations somebody else chose (``drafted``);
            both count once they are proven on labelled ends.

    Raises:
        SentenceError: One line: what is missing and how to say it.
    """
    if not NAME.fullmatch(name):
        raise SentenceError(f"name {name!r}: small letters, digits and _, such as cup_on_tray")
    things = things_in(sentence)
    if not things:
        raise SentenceError("the sentence names no coloured thing, such as 'the red cube'")
    known = dict(sizes)
    for given in known:
        if given not in {t.name for t in things}:
            told = ", ".join(t.name for t in things)
            raise SentenceError(f"--size {given!r} is not in the sentence; it names {told}")
    things = [msgspec.structs.replace(t, size_m=known.get(t.name, t.size_m)) for t in things]
    if verifier == "operator":
        goal: tuple[Relation, ...] = (Relation("operator_says", things[0].name),)
    elif verifier == "draft":
        goal = tuple(drafted)
    else:
        goal = (_by_template(sentence, things),)
    x0, x1, y0, y1 = rectangle or (0.26, 0.42, -0.16, 0.16)
    by = "arm" if reset_by == "arm" else "operator" if reset_by == "operator" else "stand-in"
    return TaskDef(
        name=name,
        instruction=sentence,
        objects=tuple(things),
        start=Start((x0, x1), (y0, y1), by=by, region=region),
        goal=goal,
        api=api,
        distractors=Distractors(count=(0, 0)),
        criterion=Criterion(),
        labelled=None if verifier == "operator" else Labelled(),
    )


def _by_template(sentence: str, things: Sequence[ObjectDef]) -> Relation:
    for words, relation, needs in TEMPLATES:
        if words.search(sentence.lower()) and len(things) >= needs:
            target = things[1].name if needs == 2 else ""
            return Relation(relation, things[0].name, target)
    told = ", ".join(f"{relation!r}" for _, relation, _ in TEMPLATES)
    raise SentenceError(f"no template judges this sentence (there are {told}); use the operator's")


def unproven(task: TaskDef) -> str:
    """Why this task's verifier does not count yet; empty when it does."""
    seen = task.labelled
    if seen is None:
        return ""
    good, bad = seen.good_pass + seen.good_other, seen.bad_fail + seen.bad_other
    if good < LEAST_LABELLED or bad < LEAST_LABELLED:
        return (
            f"the verifier has judged {good} good and {bad} bad labelled ends; it counts from "
            f"{LEAST_LABELLED} of each"
        )
    if seen.false_pass:
        return f"the verifier passed {seen.false_pass} of {bad} ends that a person called bad"
    return ""


def to_toml(task: TaskDef) -> str:
    """A task file's text, without what is as it would be anyway."""
    plain = msgspec.to_builtins(task)
    tables = ("objects", "goal")
    lines = [
        f"{k} = {_value(v)}"
        for k, v in plain.items()
        if not isinstance(v, dict) and k not in tables and v is not None
    ]
    for table in ("objects", "goal"):
        for row in plain[table]:
            lines += ["", f"[[{table}]]", *_rows(row)]
    for k, v in plain.items():
        if isinstance(v, dict):
            lines += ["", f"[{k}]", *_rows(v)]
    return "\n".join(lines) + "\n"


def _rows(table: dict[str, object]) -> list[str]:
    return [
        f"{k} = {_value(v)}"
        for k, v in table.items()
        if v is not None and v != "" and v != [] and v != ()
    ]


def _value(v: object) -> str:
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {_value(x)}" for k, x in v.items() if x is not None) + " }"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(_value(x) for x in v) + "]"
    return msgspec.json.encode(v).decode()
