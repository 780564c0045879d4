"""A scripted model that repairs one failure: by the index, or by a whole trace it was sent.

Either way it finds the call that explains the failure, asks for matching skills and splices in the
first, then the second; so what differs between the two ways is what it had to be sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tests.improvement.apprentice import MATCHES, TRIALS, VALUES, Step, says, unfenced
from tests.improvement.loopback import Asked, Says

MOST_SKILLS = 2


@dataclass(frozen=True)
class Repairer:
    """The script; stateless, it reads everything from the conversation."""

    def __call__(self, asked: Asked) -> Says:
        replies = asked.results()
        steps = [Step(u, replies.get(u.id, "")) for u in asked.uses()]
        scene, trial, _, _, call = TRIALS.findall(asked.told[0].text)[-1]
        where = {"trial": int(trial), "call": int(call)}
        if not steps:
            if f"Trace of trial {trial}:" in asked.told[0].text:
                return says(f"Call {call} failed, by the trace.", "match_skills", **where)
            return says(f"Trial {trial} failed.", "calls", trial=int(trial))
        last = steps[-1]
        match last.use.name:
            case "calls":
                return says(f"Call {call} explains it.", "call", **where)
            case "call":
                return says("Which skill fits?", "match_skills", **where)
            case "match_skills":
                return self._apply(last.reply, 0, where)
            case "apply_skill":
                args = {
                    "claim": f"{last.args['skill']} answers call {call}",
                    "difference": "one skill spliced in",
                    "if_wrong": "the same call fails again",
                    "program": unfenced(last.reply),
                    "parent": 1,
                }
                return says("This may hold.", "open_hypothesis", **args)
            case "open_hypothesis":
                number = json.loads(last.reply).get("hypothesis")
                if number is not None:
                    args = {"hypothesis": number, "seed_indices": [int(scene)]}
                    return says("On its scene.", "run", **args)
            case "run" if "PASS" not in last.reply:
                tried = sum(s.use.name == "apply_skill" for s in steps)
                found = next(s.reply for s in steps if s.use.name == "match_skills")
                if tried < MOST_SKILLS:
                    return self._apply(found, tried, where)
        return says("That is it.", "finish", best=None, summary="tried")

    def _apply(self, reply: str, which: int, where: dict[str, int]) -> Says:
        names = MATCHES.findall(reply)
        if which >= len(names):
            return says("No skill fits.", "finish", best=None, summary="no skill fits")
        name = names[which]
        row = re.search(rf"^{name}: .*$", reply, re.MULTILINE)
        values = {k: float(v) for k, v in VALUES.findall(row[0] if row else "")}
        return says(f"{name}.", "apply_skill", skill=name, parameters=values, **where)
