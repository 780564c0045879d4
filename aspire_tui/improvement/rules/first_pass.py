"""Trials to a first success: on one scene after the other, repairs are tried until one passes.

What somebody at a bench does with a scene that fails: the failing call, the best match of the
library, one more trial; then the next match. Scenes share nothing but the programs, so that two
libraries can be compared scene by scene.
"""

from __future__ import annotations

from collections.abc import Iterator

from aspire_tui.domain import Repair
from aspire_tui.improvement.rules.compose import CannotCompose, compose
from aspire_tui.improvement.rules.prove import SUSPECTS
from aspire_tui.improvement.tools import SkillMatch, ToolRefused, Tools, TrialBrief

FIRST_PASS = "first_pass"
"""Option of the run: trials a scene may take."""


class FirstPass:
    """Mends the plain program on each scene anew, one repair a trial, best match first."""

    def __init__(self, tools: Tools, program: str, scenes: int, most: int) -> None:
        self._tools = tools
        self._program = program
        self._scenes = scenes
        self._most = most
        self._opened: dict[str, int | None] = {}

    def run(self) -> None:
        """Go through the scenes; ends with ``finish``, and stands by nothing."""
        try:
            program = self._program or compose(self._tools.task())
        except CannotCompose as error:
            self._tools.finish(None, f"there is no plain program: {error}")
            return
        passed = 0
        try:
            base = self._open(program, "the plain program passes", None, ())
            if base is None:
                raise ToolRefused("the program was refused")
            for scene in range(self._scenes):
                passed += self._scene(base, program, scene)
        except ToolRefused as refusal:
            self._tools.say(f"Stopped: {refusal}", "error")
        self._tools.finish(None, f"a first success on {passed} of {self._scenes} scenes")

    def _scene(self, base: int, program: str, scene: int) -> bool:
        brief = self._tools.run(base, [scene], bench=False)[0]
        left = self._most - 1
        for number in self._repairs(base, program, brief) if brief.outcome != "PASS" else ():
            if left == 0:
                break
            left -= 1
            brief = self._tools.run(number, [scene], bench=False)[0]
            if brief.outcome == "PASS":
                break
        return brief.outcome == "PASS"

    def _repairs(self, base: int, program: str, failure: TrialBrief) -> Iterator[int]:
        """Programs with one repair each: the implicated call first, its best match first."""
        if failure.implicated is None:
            return
        calls = self._tools.calls(failure.trial)
        bad = [c.call for c in calls if c.status != "OK" and c.call > failure.implicated]
        tried: set[int] = set()
        for call in (failure.implicated, *bad[: SUSPECTS - 1]):
            for match in self._tools.match_skills(failure.trial, call, program):
                number = self._with(base, program, failure, call, match)
                if number is not None and number not in tried:
                    tried.add(number)
                    yield number

    def _with(
        self, base: int, program: str, failure: TrialBrief, call: int, match: SkillMatch
    ) -> int | None:
        try:
            text = self._tools.apply_skill(match.skill, failure.trial, call, program, {})
        except ToolRefused:
            return None
        detail = self._tools.call(failure.trial, call)
        repair = Repair(
            trial=failure.trial,
            call=call,
            primitive=detail.primitive,
            status=detail.status,
            skill=match.skill,
            parameters={name: values[0] for name, values in match.parameters.items()},
            same_task_evidence=match.same_task,
        )
        claim = f"{match.skill} repairs {detail.primitive} {detail.status} at line {detail.line}"
        return self._open(text, claim, base, (repair,))

    def _open(
        self, program: str, claim: str, parent: int | None, repairs: tuple[Repair, ...]
    ) -> int | None:
        """The hypothesis of a program, opened once."""
        if program not in self._opened:
            opened = self._tools.open_hypothesis(
                claim=claim,
                difference="first program" if parent is None else "one repair",
                if_wrong="the scene fails again",
                program=program,
                parent=parent,
                repairs=repairs,
            )
            self._opened[program] = opened.hypothesis
        return self._opened[program]
