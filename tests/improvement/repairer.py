"""A scripted model that repairs a failure from what it was shown, by the index or by whole traces.

It reads status, object and line of the call that explains the latest failure: from a trace that
stands in the conversation, else by opening that one call. What it cannot find there it does not
know. One rule for each kind of status, the same whichever way the trace was shown; skills for the
rest. Whether a repair held, its trial says.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from aspire_tui.improvement.edits import Edit, edited
from tests.improvement.apprentice import (
    LARGEST,
    MATCHES,
    TRIALS,
    UNFOUND,
    UNREACHED,
    VALUES,
    Step,
    says,
    unfenced,
)
from tests.improvement.loopback import Asked, Says, Use

MOST_HYPOTHESES: Final = 4
_ROW = r"^\s*{} line (\d+)\s+(\w+)\s"
_CALLED = r"^\s*{} line (\d+)\s+(\w+)\s+[\d.]+ s  (\w+):.*\n    called with (\{{.*\}})$"


@dataclass(frozen=True)
class Failure:
    """The latest trial that failed, as the conversation tells it."""

    scene: int
    trial: int
    call: int
    hypothesis: int
    text: str
    """Where it was told: its index, or its whole trace."""

    @property
    def status(self) -> str:
        row = re.search(_ROW.format(self.call), self.text, re.MULTILINE)
        return row[2] if row else ""


@dataclass(frozen=True)
class Repairer:
    """The script; stateless, it reads everything from the conversation."""

    looks: bool = False
    """Whether it wants to see the picture of the call it opens."""

    def __call__(self, asked: Asked) -> Says:
        replies = asked.results()
        steps = [Step(u, replies.get(u.id, "")) for u in asked.uses()]
        opening = asked.told[0].text
        last = steps[-1] if steps else None
        opened = [s for s in steps if s.use.name == "open_hypothesis"]
        if last is not None and last.use.name == "open_hypothesis":
            number = json.loads(last.reply).get("hypothesis")
            if number is not None:
                args = {"hypothesis": number, "seed_indices": [_first(opening).scene]}
                return says("On its scene.", "run", **args)
        if last is not None and last.use.name == "run" and not _failures(last.reply):
            return says("It holds.", "finish", summary="repaired")
        if len(opened) >= MOST_HYPOTHESES:
            return says("I give up.", "finish", summary="not repaired")
        return self._repair(_latest(opening, steps), opening, steps)

    def _repair(self, at: Failure, opening: str, steps: list[Step]) -> Says:
        mine = [s for s in steps if s.args.get("trial") == at.trial]
        detail = _detail(at, mine)
        where = {"trial": at.trial, "call": at.call}
        if at.status in UNREACHED or at.status in UNFOUND:
            if detail is None:
                return says(f"Call {at.call} ended {at.status}.", "call", **where)
            program = _program(at.hypothesis, opening, steps)
            if program is None:
                return says("How does it read now?", "program", hypothesis=at.hypothesis)
            return _mended(detail, program, at, _names(opening))
        matched = next((s for s in mine if s.use.name == "match_skills"), None)
        if matched is None:
            asks = [Use("match_skills", json.dumps(where))]
            if detail is None:
                asks.insert(0, Use("call", json.dumps(where)))
            if self.looks and detail is None:
                asks.insert(1, Use("view", json.dumps(where)))
            return Says(f"Call {at.call} ended {at.status}: which skill fits?", tuple(asks))
        drafted = [s for s in steps if s.use.name == "apply_skill"]
        if steps[-1].use.name == "apply_skill" and steps[-1].reply.startswith("<<<data"):
            draft = unfenced(steps[-1].reply).split("\n", 1)[0].removeprefix("draft ")
            why = f"{steps[-1].args['skill']} answers call {at.call}"
            return _opens(why, at.hypothesis, draft=draft)
        return _applies(matched.reply, sum(s.args["trial"] == at.trial for s in drafted), where)


def _first(opening: str) -> Failure:
    return _failures(opening, 0)[-1]


def _failures(text: str, hypothesis: int = 0) -> list[Failure]:
    """Trials in a text that did not pass and whose explaining call is named."""
    return [
        Failure(int(scene), int(trial), int(call), hypothesis, text)
        for scene, trial, outcome, _, call in TRIALS.findall(text)
        if outcome != "PASS" and call
    ]


def _latest(opening: str, steps: list[Step]) -> Failure:
    """The last failure told: a repair that failed is mended further, but for a skill's."""
    root = int(re.findall(r"Hypothesis (\d+) is this program", opening)[0])
    found = _failures(opening, root)
    spliced = {
        json.loads(s.reply).get("hypothesis")
        for s in steps
        if s.use.name == "open_hypothesis" and s.args.get("draft")
    }
    for step in steps:
        if step.use.name == "run" and step.args["hypothesis"] not in spliced:
            found += _failures(step.reply, int(str(step.args["hypothesis"])))
    return found[-1]


def _detail(at: Failure, mine: list[Step]) -> dict[str, Any] | None:
    """The call as it was shown: opened by itself, or in a trace."""
    for step in mine:
        if step.use.name == "call" and step.args["call"] == at.call:
            return dict(json.loads(unfenced(step.reply)))
    row = re.search(_CALLED.format(at.call), at.text, re.MULTILINE)
    if row is not None:  # the index shows what the call was given
        shown = {"primitive": row[3], "status": row[2], "line": int(row[1])}
        return {**shown, "args": json.loads(row[4])}
    _, found, trace = at.text.partition(f"Trace of trial {at.trial}:")
    for line in trace.splitlines() if found else ():
        if line.startswith(f'{{"call":{at.call},'):
            return dict(json.loads(line))
    return None


def _program(hypothesis: int, opening: str, steps: list[Step]) -> str | None:
    """A program as the conversation has shown it; None: it has to be asked for."""
    root, text = re.findall(
        r"Hypothesis (\d+) is this program:\n<<<data[^\n]*\n(.*?)\ndata>>>", opening, re.DOTALL
    )[0]
    known = {int(root): text + "\n"}
    for step in steps:
        if step.use.name == "program":
            known[int(str(step.args["hypothesis"]))] = unfenced(step.reply) + "\n"
        edits: Any = step.args.get("edits")
        if step.use.name == "open_hypothesis" and edits and step.args["parent"] in known:
            before = known[int(str(step.args["parent"]))]
            number = json.loads(step.reply)["hypothesis"]
            known[number] = edited(before, [Edit(**e) for e in edits])
    return known.get(hypothesis)


def _names(opening: str) -> list[str]:
    task = json.loads(opening.split("Task:\n", 1)[1].split("\n", 1)[0])
    return [thing["name"] for thing in task["objects"]]


def _mended(detail: dict[str, Any], program: str, at: Failure, names: list[str]) -> Says:
    lines = program.splitlines()
    line = int(detail["line"])
    why = f"{detail['primitive']} at line {line} ended {detail['status']}: "
    if detail["status"] in UNFOUND:
        wrong = next(v for v in detail["args"].values() if isinstance(v, str))
        right = difflib.get_close_matches(wrong, names, 1, 0.0)[0]
        edits = [
            {"line": n, "text": text.replace(f'"{wrong}"', f'"{right}"')}
            for n, text in enumerate(lines, 1)
            if f'"{wrong}"' in text
        ]
        return _opens(f"{why}the task knows a {right}, no {wrong}", at.hypothesis, edits=edits)
    found = LARGEST.findall(lines[line - 1])
    if not found:
        return says(f"{why}no number stands there", "finish", summary="not repaired")
    largest = max(found, key=float)
    text = lines[line - 1].replace(largest, f"{float(largest) / 2:g}")
    edits = [{"line": line, "text": text}]
    return _opens(f"{why}{largest} m is too far", at.hypothesis, edits=edits)


def _opens(why: str, parent: int, **how: object) -> Says:
    words = {"claim": why, "difference": "one change", "if_wrong": "the same call fails again"}
    return says(why, "open_hypothesis", **words, parent=parent, **how)


def _applies(reply: str, which: int, where: dict[str, int]) -> Says:
    names = MATCHES.findall(reply)
    if which >= len(names):
        return says("No skill fits.", "finish", summary="not repaired")
    name = names[which]
    row = re.search(rf"^{name}: .*$", reply, re.MULTILINE)
    values = {k: float(v) for k, v in VALUES.findall(row[0] if row else "")}
    return says(f"{name}.", "apply_skill", skill=name, parameters=values, **where)
