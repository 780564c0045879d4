"""A scripted model that writes whole programs, and mends them from the evidence it is told.

The plain program of the task it reads comes first, with whatever slip it is given. After a run it
looks for the first call that was not OK, takes status and line from that row, and mends that line
of the text it wrote: a name the task does not know becomes the nearest it knows, a number with
which a motion left the limits is halved. Which slip it was, nothing below knows.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from dataclasses import dataclass

from aspire_tui.improvement.llm.programs import program_in
from aspire_tui.improvement.rules.compose import compose
from tests.improvement.apprentice import LARGEST, UNFOUND, UNREACHED, Slip, _task
from tests.improvement.loopback import Asked, Says

_ROW = re.compile(r"^\s*(\d+) line (\d+)\s+(\w+)\s+[\d.]+ s  (\w+):", re.MULTILINE)
_QUOTED = re.compile(r'"([^"]+)"')
UNSEEN = "No difference can be told: this script does not see."


@dataclass(frozen=True)
class Writer:
    """The script: programs in turns, proposals joined by the most frequent, lessons in general."""

    slip: Slip

    def __call__(self, asked: Asked) -> Says:
        newest = asked.told[-1].text
        if "before and after a program" in asked.instructions:
            return Says(UNSEEN)
        if "Make a lesson" in asked.instructions:
            return Says(json.dumps(_lesson(newest)))
        if "Several proposals" in asked.instructions:
            proposed = [p for part in newest.split("\nProposal ") if (p := program_in(part))]
            if not proposed:
                return Says("FINISH")
            return _fenced("Most agree.", Counter(proposed).most_common(1)[0][0])
        mine = [
            p for told in asked.told if told.role == "assistant" if (p := program_in(told.text))
        ]
        if not mine:
            task = _task(asked)
            return _fenced("A plain program.", self.slip(compose(task), task))
        bad = next((row for row in _ROW.findall(newest) if row[2] != "OK"), None)
        if ": trial" not in newest or bad is None:
            return Says("FINISH")
        names = [thing.name for thing in _task(asked).objects]
        return _fenced(*_mended(mine[-1], int(bad[1]), bad[2], names))


def _mended(program: str, line: int, status: str, names: list[str]) -> tuple[str, str]:
    lines = program.splitlines()
    at = lines[line - 1]
    why = f"line {line} ended {status}"
    if status in UNFOUND and (wrong := _QUOTED.search(at)):
        right = difflib.get_close_matches(wrong[1], names, 1, 0.0)[0]
        return f"{why}: a {right} is meant.", program.replace(f'"{wrong[1]}"', f'"{right}"')
    if status in UNREACHED and (numbers := LARGEST.findall(at)):
        largest = max(numbers, key=float)
        lines[line - 1] = at.replace(largest, f"{float(largest) / 6:g}")
        return f"{why}: {largest} m is too far.", "\n".join(lines) + "\n"
    return f"{why}: once more.", program


def _lesson(question: str) -> dict[str, str]:
    call = json.loads(question[question.index("{") : question.index("}\ndata>>>") + 1])
    answers = f"{call['primitive']} ending {call['status']}"
    return {
        "name": f"after-{call['status'].lower().replace('_', '-')}",
        "description": f"Answers {answers}.",
        "when": answers,
        "why": "what was asked for has to be what the task speaks of",
        "sketch": "names = task_language()\n",
    }


def _fenced(why: str, program: str) -> Says:
    return Says(f"{why}\n```python\n{program}```")
