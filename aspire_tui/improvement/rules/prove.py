"""Proves skills one by one: each alone at the failure it answers, on the scenes its rival ran.

No search and no second guess: one program, one skill with its own values, one place. Several skills
share the runs of the program without any of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from aspire_tui.domain import Repair
from aspire_tui.improvement.rules.compose import CannotCompose, compose
from aspire_tui.improvement.tools import CallDetail, SkillMatch, ToolRefused, Tools, TrialBrief

SUSPECTS = 4
"""Calls of one failing trial that are looked at: the implicated one and those that went wrong."""
PROGRAM = "program"
PROVE = "prove"
"""Options of the run: the program to start from (empty: the plain one), and that this is asked."""


class Prover:
    """Opens one program, finds what each skill answers in it, and has each judged alone."""

    def __init__(self, tools: Tools, program: str, dev_n: int) -> None:
        self._tools = tools
        self._program = program
        self._dev_n = dev_n

    def run(self) -> None:
        """Judge every skill that answers a failure of the program; ends with ``finish``.

        A skill that was judged by itself is what the run stands by, so that its held-out scenes are
        run once at the end; of several none is.
        """
        try:
            program = self._program or compose(self._tools.task())
        except CannotCompose as error:
            self._tools.finish(None, f"there is no plain program: {error}")
            return
        judged: list[str] = []
        opened: list[int] = []
        try:
            base = self._open(program)
            for skill, (match, failure, detail) in sorted(self._answers(base, program).items()):
                opened += self._judge(base, program, match, failure, detail)
                judged.append(skill)
        except ToolRefused as refusal:
            self._tools.say(f"Stopped: {refusal}", "error")
        alone = opened[0] if len(opened) == 1 else None
        self._tools.finish(alone, f"judged alone: {', '.join(judged) or 'no skill'}")

    def _open(self, program: str) -> int:
        opened = self._tools.open_hypothesis(
            claim="the program without any skill",
            difference="first program",
            if_wrong="a call ends in a status other than OK, or a check fails",
            program=program,
            parent=None,
        )
        if opened.hypothesis is None:
            raise ToolRefused(f"the program was refused: {'; '.join(opened.findings)}")
        return opened.hypothesis

    def _answers(
        self, base: int, program: str
    ) -> dict[str, tuple[SkillMatch, TrialBrief, CallDetail]]:
        """Each skill with the failing call it fits, at the line where it fits most often."""
        seen: dict[str, Counter[int]] = defaultdict(Counter)
        at: dict[tuple[str, int], tuple[SkillMatch, TrialBrief, CallDetail]] = {}
        for brief in self._tools.run(base, list(range(self._dev_n)), bench=False):
            if brief.outcome == "PASS" or brief.implicated is None:
                continue
            bad = [
                c.call
                for c in self._tools.calls(brief.trial)
                if c.status != "OK" and c.call > brief.implicated
            ]
            for call in (brief.implicated, *bad[: SUSPECTS - 1]):
                detail = self._tools.call(brief.trial, call)
                for match in self._tools.match_skills(brief.trial, call, program):
                    seen[match.skill][detail.line] += 1
                    at.setdefault((match.skill, detail.line), (match, brief, detail))
        return {skill: at[skill, lines.most_common(1)[0][0]] for skill, lines in seen.items()}

    def _judge(
        self, base: int, program: str, match: SkillMatch, failure: TrialBrief, detail: CallDetail
    ) -> list[int]:
        """The hypothesis that was judged; none when the skill does not fit into the program."""
        try:
            with_it = self._tools.apply_skill(match.skill, failure.trial, detail.call, program, {})
        except ToolRefused as refusal:
            self._tools.say(f"{match.skill}: {refusal}", "error")
            return []
        repair = Repair(
            trial=failure.trial,
            call=detail.call,
            primitive=detail.primitive,
            status=detail.status,
            skill=match.skill,
            parameters={name: values[0] for name, values in match.parameters.items()},
            same_task_evidence=match.same_task,
        )
        opened = self._tools.open_hypothesis(
            claim=f"{match.skill} repairs {detail.primitive} {detail.status}",
            difference=f"{match.skill} spliced in at line {detail.line}",
            if_wrong="it passes no more unseen scenes than the program without it",
            program=with_it,
            parent=base,
            repairs=(repair,),
        )
        if opened.hypothesis is None:
            self._tools.say(f"{match.skill}: refused: {'; '.join(opened.findings)}", "error")
            return []
        judged = self._tools.judge(opened.hypothesis)
        self._tools.say(f"{match.skill}: {judged.reason}", "finding")
        return [opened.hypothesis]
