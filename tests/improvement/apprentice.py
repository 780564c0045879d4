"""A scripted model that works like a person new to the bench, and knows no answers.

It writes the plain program for the task it is told, with whatever slip it is given; from then on it
reads statuses, objects and lines out of what the tools reply. One rule per kind of status repairs:
what perception did not find is called by the nearest name in the task; a number with which a motion
left the cell's limits is halved, on the line the trace names; for the rest it asks for matching
skills. The slip is put in by the test, and nothing below knows which it was.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from aspire_tui.environment.task import TaskDef
from aspire_tui.improvement.rules.compose import compose
from tests.improvement.loopback import Asked, Says, Use

Slip = Callable[[str, TaskDef], str]
UNFOUND = ("NOT_FOUND", "STALE")
UNREACHED = ("LIMIT", "IK_FAILED", "PLANNING_ERROR")
MOST_TRIES = 8
TRIALS = re.compile(r"scene (\d+): trial (\d+) (\w+), program (\w+)(?:; look at call (\d+))?")
_ROW = re.compile(r"^\s*(\d+) line (\d+)\s+(\w+)\s+[\d.]+ s  (\w+):", re.MULTILINE)
MATCHES = re.compile(r"^([a-z0-9-]+): ", re.MULTILINE)
VALUES = re.compile(r"(\w+) in [\[(]([-\d.e]+)")
LARGEST = re.compile(r"(?<![\w.])\d+\.\d+")


def asks_for_another_thing(program: str, task: TaskDef) -> str:
    """A colour the table does not have."""
    return program.replace(f'"{task.objects[0].name}"', '"blue cube"')


def reaches_too_high(program: str, task: TaskDef) -> str:
    """Centimetres taken for decimetres."""
    return program.replace("0.0, 0.0, 0.12", "0.0, 0.0, 0.90")


@dataclass(frozen=True)
class Step:
    """One tool the model used, and what it was told."""

    use: Use
    reply: str

    @property
    def args(self) -> dict[str, object]:
        return dict(json.loads(self.use.args))


@dataclass(frozen=True)
class Apprentice:
    """The script. ``scenes`` are run before it trusts a program."""

    slip: Slip
    scenes: tuple[int, ...] = (0, 1)
    judges: bool = False
    """Whether selection scenes are asked for too: ten trials more."""

    def __call__(self, asked: Asked) -> Says:
        replies = asked.results()
        steps = [Step(u, replies.get(u.id, "")) for u in asked.uses()]
        if "finish" in asked.tools and "run" not in asked.tools:
            return says("The budget is used up.", "finish", best=None, summary="not finished")
        if not steps:
            program = self.slip(compose(_task(asked)), _task(asked))
            return says(
                "I begin with a plain program.", "open_hypothesis", **_hypothesis(program, None)
            )
        return self._next(steps, asked)

    def _next(self, steps: list[Step], asked: Asked) -> Says:
        last = steps[-1]
        match last.use.name:
            case "open_hypothesis":
                number = json.loads(last.reply)["hypothesis"]
                return says("It runs on the first scene.", "run", **_run(number, (0,), True))
            case "run":
                return self._after_run(last)
            case "calls":
                return _open_first_failing(last.reply, int(str(last.args["trial"])))
            case "call":
                return _repair(steps, _task(asked))
            case "match_skills":
                return _apply_first(last)
            case "apply_skill":
                why = f"the skill {last.args['skill']} answers this failure"
                draft = unfenced(last.reply).split("\n", 1)[0].removeprefix("draft ")
                told = _hypothesis("", _newest(steps), why)
                return says(why, "open_hypothesis", **{**told, "draft": draft})
            case "judge":
                best = last.args["hypothesis"]
                said = "The repair held; the wrong call and its cause are in the claim."
                return says(said, "finish", best=best, summary=said)
        return says("Nothing is left to do.", "finish", best=None, summary="nothing left")

    def _after_run(self, last: Step) -> Says:
        number = last.args["hypothesis"]
        trials = TRIALS.findall(last.reply)
        failed = [t for t in trials if t[2] != "PASS"]
        if failed and int(str(number)) >= MOST_TRIES:
            return says("I give up.", "finish", best=number, summary="tried enough")
        if failed:
            trial = int(failed[0][1])
            told = last.reply.partition(f"trial {trial} ")[2].partition("\nscene ")[0]
            if _ROW.search(told):  # its index stands beside it
                return _open_first_failing(told, trial)
            return says(f"Scene {failed[0][0]} failed.", "calls", trial=trial)
        if len(trials) < len(self.scenes):
            return says("It passed; more scenes.", "run", **_run(number, self.scenes, False))
        if self.judges:
            return says("It passed everywhere.", "judge", hypothesis=number)
        return says("It passed everywhere.", "finish", best=number, summary="it held")


def says(text: str, tool: str, **args: object) -> Says:
    return Says(text, (Use(tool, json.dumps(args)),))


def _run(number: object, scenes: tuple[int, ...], bench: bool) -> dict[str, object]:
    return {"hypothesis": number, "seed_indices": list(scenes), "bench": bench}


def _hypothesis(program: str, parent: object, why: str = "the plain program") -> dict[str, object]:
    return {
        "claim": why,
        "difference": "one line" if parent else "first program",
        "if_wrong": "the same call fails again",
        "program": program,
        "parent": parent,
    }


def _task(asked: Asked) -> TaskDef:
    text = asked.told[0].text.split("Task:\n", 1)[1].split("\n", 1)[0]
    return msgspec.json.decode(text, type=TaskDef)


def _open_first_failing(index: str, trial: int) -> Says:
    rows = _ROW.findall(index)
    bad = next((r for r in rows if r[2] != "OK"), rows[-1])
    text = f"Call {bad[0]} ended {bad[2]} at line {bad[1]}."
    return says(text, "call", trial=trial, call=int(bad[0]))


def _apply_first(last: Step) -> Says:
    found = MATCHES.findall(last.reply)
    if not found:
        return says("No skill fits.", "finish", best=None, summary="no skill fits")
    first = last.reply[last.reply.index(found[0]) :].split("\n", 1)[0]
    values = {name: float(value) for name, value in VALUES.findall(first)}
    where = {"trial": last.args["trial"], "call": last.args["call"]}
    return says(f"{found[0]} fits.", "apply_skill", skill=found[0], parameters=values, **where)


def unfenced(reply: str) -> str:
    return reply.split("\n", 1)[1].rsplit("\n", 1)[0]


def _newest(steps: list[Step]) -> int:
    opened = next(s for s in reversed(steps) if s.use.name == "open_hypothesis")
    return int(json.loads(opened.reply)["hypothesis"])


def _repair(steps: list[Step], task: TaskDef) -> Says:
    """A new program from the one that failed, and from what its call says."""
    detail = json.loads(unfenced(steps[-1].reply))
    opened = next(s for s in reversed(steps) if s.use.name == "open_hypothesis")
    number = _newest(steps)
    lines = str(opened.args["program"]).splitlines()
    at = int(detail["line"]) - 1
    why = f"{detail['primitive']} at line {at + 1} ended {detail['status']}: "
    if detail["status"] in UNFOUND:
        wrong = next(v for v in detail["args"].values() if isinstance(v, str))
        names = [thing.name for thing in task.objects]
        right = difflib.get_close_matches(wrong, names, 1, 0.0)[0]
        lines = [line.replace(f'"{wrong}"', f'"{right}"') for line in lines]
        why += f"there is no {wrong}, the task speaks of a {right}"
    elif detail["status"] in UNREACHED and (numbers := LARGEST.findall(lines[at])):
        largest = max(numbers, key=float)
        lines[at] = lines[at].replace(largest, f"{float(largest) / 6:g}")
        why += f"{largest} m is too far"
    else:
        return says(f"{why} is there a skill?", "match_skills", **steps[-1].args)
    text = "\n".join(lines) + "\n"
    return says(f"I mend it: {why}.", "open_hypothesis", **_hypothesis(text, number, why))
