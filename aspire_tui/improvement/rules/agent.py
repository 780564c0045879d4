"""The rules agent: plain program, failing call, matching skill, search, proof. No network.

It explains each step in words, because what it does by rule is what a person or a model does by
thought: run, find the call that explains the failure, repair that call, prove the repair.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from aspire_tui.domain import Repair
from aspire_tui.improvement.rules.compose import CannotCompose, compose
from aspire_tui.improvement.rules.words import (
    PROOF_IN_WORDS,
    SCENES_IN_WORDS,
    same_task_in_words,
    seen_in_words,
)
from aspire_tui.improvement.tools import CallDetail, SkillMatch, ToolRefused, Tools, TrialBrief

SUSPECTS = 3
"""Calls of one failing trial that are opened: the implicated one and the next that went wrong."""


@dataclass(frozen=True)
class RulesOptions:
    """How far to search. ``candidates`` bounds the programs tried for one failure."""

    rounds: int = 3
    candidates: int = 4
    dev_n: int = 12


@dataclass
class Node:
    """A program of the agent's line and what dev seeds said of it."""

    hypothesis: int
    program: str
    results: dict[int, TrialBrief] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()

    @property
    def passed(self) -> int:
        return sum(r.outcome == "PASS" for r in self.results.values())

    def failures(self) -> list[TrialBrief]:
        return [r for _, r in sorted(self.results.items()) if r.outcome != "PASS"]


@dataclass(frozen=True)
class Candidate:
    """One way to repair: a skill with parameter values, spliced at one failing call."""

    match: SkillMatch
    parameters: dict[str, float]
    failure: TrialBrief
    detail: CallDetail
    program: str
    first: bool
    """The skill's own values, not yet a variation of them."""

    def words(self) -> str:
        values = ", ".join(f"{k} = {v:g}" for k, v in self.parameters.items())
        return f"{self.match.skill}" + (f" ({values})" if values else "")


class RulesAgent:
    """Repairs one program until nothing fails, nothing helps, or the budget ends."""

    def __init__(self, tools: Tools, options: RulesOptions) -> None:
        self._tools = tools
        self._options = options
        self._tried: set[str] = set()

    def run(self) -> None:
        """Work on the task until done; always ends with ``finish``."""
        task = self._tools.task()
        self._tools.say(f"Task: {task.instruction}", "plan")
        try:
            program = compose(task)
        except CannotCompose as error:
            self._tools.say(f"I have no words for this goal: {error}", "error")
            self._tools.finish(None, str(error))
            return
        best: Node | None = None
        try:
            best = self._first(program)
            for number in range(1, self._options.rounds + 1):
                better = self._round(best, number)
                if better is None:
                    break
                best = better
        except ToolRefused as refusal:
            self._tools.say(f"Stopped: {refusal}", "error")
        self._tools.finish(best.hypothesis if best else None, self._summary(best))

    def _first(self, program: str) -> Node:
        self._tools.say(
            f"{SCENES_IN_WORDS} I write the plain program: look once, grasp once, place once. "
            "I run it on one scene for all to see, then on more, to learn how often it fails.",
            "plan",
        )
        opened = self._tools.open_hypothesis(
            claim="the plain program does the task",
            difference="first program",
            if_wrong="a call ends in a status other than OK, or a check fails",
            program=program,
            parent=None,
        )
        if opened.hypothesis is None:
            raise ToolRefused(f"the plain program was refused: {'; '.join(opened.findings)}")
        node = Node(opened.hypothesis, program)
        self._measure(node, [0], bench=True)
        self._measure(node, list(range(1, self._options.dev_n)), bench=False)
        self._tools.say(
            f"The plain program passes {node.passed} of {len(node.results)} dev scenes."
        )
        failures = node.failures()
        if failures and node.results[0].outcome == "PASS":
            self._tools.say("I run one of the failing scenes for all to see.", "plan")
            seen = self._tools.run(node.hypothesis, [failures[0].seed_index], bench=True)[0]
            self._tools.say(f"Trial {seen.trial}: {seen.outcome}. {seen.reason}", "finding")
        return node

    def _measure(self, node: Node, seeds: list[int], *, bench: bool) -> None:
        missing = [s for s in seeds if s not in node.results]
        if missing:
            for brief in self._tools.run(node.hypothesis, missing, bench=bench):
                node.results[brief.seed_index] = brief

    def _round(self, best: Node, number: int) -> Node | None:
        failures = best.failures()
        if not failures:
            self._tools.say("No dev scene fails any more.", "finding")
            return None
        candidates = self._candidates(best, failures)
        if not candidates:
            self._tools.say("No skill in the library fits what is left.", "finding")
            return None
        same = list(dict.fromkeys(c.match.skill for c in candidates if c.match.same_task))
        if same:
            self._tools.say(same_task_in_words(same), "finding")
        self._tools.say(
            f"Round {number}: trying up to {len(candidates)} repairs on the {len(failures)} "
            "failing scenes first, because a repair that does not help there helps nowhere.",
            "plan",
        )
        ranked = self._race(best, candidates, [f.seed_index for f in failures])
        for node, candidate in ranked:
            kept = self._prove(best, node, candidate)
            if kept:
                self._show(node, candidate)
                return node
        return None

    def _candidates(self, best: Node, failures: list[TrialBrief]) -> list[Candidate]:
        """Programs to try, most frequent failure first, without repeating what was tried."""
        groups: dict[tuple[str, str, int], list[tuple[TrialBrief, CallDetail]]] = {}
        for failure in failures:
            for detail in self._suspects(failure):
                key = (detail.primitive, detail.status, detail.line)
                groups.setdefault(key, []).append((failure, detail))
        out: list[Candidate] = []
        for group in sorted(groups.values(), key=len, reverse=True):
            failure, detail = group[0]
            self._tools.say(seen_in_words(failure, detail, len(group)), "finding")
            matches = self._tools.match_skills(failure.trial, detail.call, best.program)
            if not matches:
                self._tools.say(
                    f"No skill knows this failure ({detail.primitive} {detail.status}), and I have "
                    "no thoughts of my own: a model or a person would write a repair here."
                )
            for match in matches:
                self._tools.say(
                    f"{match.skill} is a repair that held before when {match.why}. I put its lines "
                    f"in at line {detail.line} and change nothing else, so that a better result "
                    "can only come from it.",
                    "finding",
                )
            out += self._spliced(best, failure, detail, matches)
        first_guesses = [c for c in out if c.first]
        variations = [c for c in out if not c.first]
        return (first_guesses + variations)[: self._options.candidates * 2]

    def _suspects(self, failure: TrialBrief) -> list[CallDetail]:
        """The implicated call and what else did not end in OK after it, opened one by one."""
        if failure.implicated is None:
            return []
        index = self._tools.calls(failure.trial)
        bad = [c.call for c in index if c.status != "OK" and c.call > failure.implicated]
        chosen = [failure.implicated, *bad[: SUSPECTS - 1]]
        return [self._tools.call(failure.trial, n) for n in chosen]

    def _spliced(
        self, best: Node, failure: TrialBrief, detail: CallDetail, matches: list[SkillMatch]
    ) -> list[Candidate]:
        out = []
        for match in matches[: self._options.candidates]:
            for i, values in enumerate(_grid(match.parameters, self._options.candidates)):
                program = self._tools.apply_skill(
                    match.skill, failure.trial, detail.call, best.program, values
                )
                if program != best.program and program not in self._tried:
                    self._tried.add(program)
                    out.append(Candidate(match, values, failure, detail, program, first=i == 0))
        return out

    def _race(
        self, best: Node, candidates: list[Candidate], failing: list[int]
    ) -> list[tuple[Node, Candidate]]:
        """Candidates on the failing scenes, best guesses first, until one fixes them all.

        The two that fix most then run on all dev scenes; those that pass more than before are
        returned, the best first.
        """
        alive: list[tuple[Node, Candidate]] = []
        for candidate in candidates:
            node = self._open(best, candidate)
            if node is None:
                continue
            self._measure(node, failing, bench=False)
            self._tools.say(f"{candidate.words()}: fixes {node.passed} of {len(failing)}.")
            if node.passed:
                alive.append((node, candidate))
            if node.passed == len(failing):
                break
        alive.sort(key=lambda pair: -pair[0].passed)
        better = []
        for node, candidate in alive[:2]:
            self._measure(node, list(range(self._options.dev_n)), bench=False)
            if node.passed > best.passed:
                better.append((node, candidate))
        return sorted(better, key=lambda pair: (-pair[0].passed, len(pair[0].program)))

    def _open(self, best: Node, candidate: Candidate) -> Node | None:
        detail = candidate.detail
        repair = Repair(
            trial=candidate.failure.trial,
            call=detail.call,
            primitive=detail.primitive,
            status=detail.status,
            skill=candidate.match.skill,
            parameters=candidate.parameters,
            same_task_evidence=candidate.match.same_task,
        )
        repairs = (*best.repairs, repair)
        opened = self._tools.open_hypothesis(
            claim=f"{candidate.words()} repairs {detail.primitive} {detail.status}",
            difference=f"{candidate.match.skill} spliced in at line {detail.line}",
            if_wrong=f"{detail.primitive} still ends in {detail.status} on the failing scenes",
            program=candidate.program,
            parent=best.hypothesis,
            repairs=repairs,
        )
        if opened.hypothesis is None:
            self._tools.say(f"{candidate.words()}: refused: {'; '.join(opened.findings)}", "error")
            return None
        return Node(opened.hypothesis, candidate.program, repairs=repairs)

    def _prove(self, best: Node, node: Node, candidate: Candidate) -> bool:
        self._tools.say(
            f"{candidate.words()} passes {node.passed} of {len(node.results)} dev scenes against "
            f"{best.passed}. I chose it because it passes these, so they prove nothing: now both "
            "programs run on scenes I have not seen, the same for both.",
            "plan",
        )
        judged = self._tools.judge(node.hypothesis)
        meaning = (
            "From now on I mend this program."
            if judged.status == "kept"
            else "I go back to the program before it."
        )
        self._tools.say(
            f"{candidate.words()}: {judged.status}: {judged.reason}. {PROOF_IN_WORDS} {meaning}",
            "finding",
        )
        return judged.status == "kept"

    def _show(self, node: Node, candidate: Candidate) -> None:
        self._tools.say("I run the repaired program on the scene that failed.", "plan")
        brief = self._tools.run(node.hypothesis, [candidate.failure.seed_index], bench=True)[0]
        self._tools.say(f"Trial {brief.trial}: {brief.outcome}. {brief.reason}", "finding")

    def _summary(self, best: Node | None) -> str:
        if best is None:
            return "no program was run"
        names = ", ".join(r.skill for r in best.repairs) or "none"
        return f"best passes {best.passed} of {len(best.results)} dev scenes; repairs: {names}"


def _grid(parameters: dict[str, tuple[float, ...]], most: int) -> list[dict[str, float]]:
    """Parameter values to try: the best guesses first, then one change at a time."""
    if not parameters:
        return [{}]
    names = list(parameters)
    first = {n: parameters[n][0] for n in names}
    out = [first]
    for values in itertools.chain.from_iterable(
        [{**first, n: v} for v in parameters[n][1:]] for n in names
    ):
        if len(out) >= most:
            break
        out.append(values)
    return out
