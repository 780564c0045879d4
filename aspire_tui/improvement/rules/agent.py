"""The rules agent: plain program, failing call, matching skill, search, proof. No network.

It explains each step in words, because what it does by rule is what a person or a model does by
thought: run, find the call that explains the failure, repair that call, prove the repair.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from aspire_tui.domain import Repair
from aspire_tui.improvement.rules.compose import CannotCompose, compose
from aspire_tui.improvement.rules.words import (
    PROOF_IN_WORDS,
    SCENES_IN_WORDS,
    same_task_in_words,
    seen_in_words,
)
from aspire_tui.improvement.tools import (
    CallDetail,
    Raced,
    RoundBrief,
    SkillMatch,
    ToolRefused,
    Tools,
    TrialBrief,
)

SUSPECTS = 3
"""Calls of one failing trial that are opened: the implicated one and the next that went wrong."""


@dataclass(frozen=True)
class RulesOptions:
    """How far to search. ``candidates`` bounds the programs tried for one failure."""

    candidates: int = 4
    dev_n: int = 12
    member: int = 1
    team: int = 1
    """Members of a team try other repairs first, in turn."""


@dataclass
class Node:
    """A program of the agent's line and what dev seeds said of it."""

    hypothesis: int
    program: str
    results: dict[int, TrialBrief] = field(default_factory=dict)
    passed: int = 0
    run: int = 0

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
    parent: int
    first: bool
    """The skill's own values, not yet a variation of them."""

    @property
    def explains(self) -> bool:
        """It mends the call that explains the failure, not one that went wrong after it."""
        return _explains(self.failure, self.detail)

    def words(self) -> str:
        values = ", ".join(f"{k} = {v:g}" for k, v in self.parameters.items())
        return f"{self.match.skill}" + (f" ({values})" if values else "")


class RulesAgent:
    """Repairs one program until nothing fails, nothing helps, or the budget ends."""

    def __init__(self, tools: Tools, options: RulesOptions) -> None:
        self._tools = tools
        self._options = options
        self._tried: set[str] = set()
        self._repairs: dict[int, tuple[Repair, ...]] = {}

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
            while (better := self._round(best)) is not None:
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
        self._tools.say(f"The plain program passes {node.passed} of {node.run} dev scenes.")
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
                node.passed += brief.outcome == "PASS"
                node.run += 1

    def _round(self, best: Node) -> Node | None:
        """One round of the search: the best program after it, or None when it is over."""
        told = self._tools.round()
        if told.stop:
            self._tools.say(f"The search ends: {told.stop}.", "finding")
            return None
        best = self._known(told, best)
        failures = best.failures()
        if not failures:
            self._tools.say("No dev scene fails any more.", "finding")
            return None
        candidates = [*self._wished(told), *self._candidates(best, failures)]
        if not candidates:
            self._tools.say("No skill in the library fits what is left.", "finding")
            return None
        same = list(dict.fromkeys(c.match.skill for c in candidates if c.match.same_task))
        if same:
            self._tools.say(same_task_in_words(same), "finding")
        chosen = self._share(_spread(candidates), told.candidates)
        self._tools.say(
            f"Round {told.round}: {len(chosen)} repairs race against the program as it is, on the "
            f"{len(failures)} failing scenes first, because a repair that does not help there "
            "helps nowhere. What is left then runs on scenes none of them has seen.",
            "plan",
        )
        nodes = {n: c for c in chosen if (n := self._open(c)) is not None}
        if not nodes:
            return None
        raced = self._tools.race(list(nodes))
        self._tell(nodes, raced)
        if raced.best == best.hypothesis:
            return None if raced.stop else best
        better = Node(raced.best, self._tools.program(raced.best))
        self._show(better, failures[0])
        return better

    def _share(self, candidates: list[Candidate], most: int) -> list[Candidate]:
        """This member's turn first, then what is the others'."""
        team, turn = self._options.team, self._options.member - 1
        own = [c for i, c in enumerate(candidates) if i % team == turn]
        return [*own, *(c for c in candidates if c not in own)][:most]

    def _tell(self, nodes: dict[int, Candidate], raced: Raced) -> None:
        """What became of each candidate, and of what was joined."""
        if raced.kept:
            self._tools.say(PROOF_IN_WORDS, "finding")
        for fate in raced.fates:
            n = fate.hypothesis
            kept = "kept" if n in raced.kept else "given up"
            what = nodes[n].words() if n in nodes else "two branches joined"
            self._tools.say(f"H{n}, {what}: {kept}: {fate.why}.", "finding")

    def _known(self, told: RoundBrief, best: Node) -> Node:
        """The program to mend, with its failing scenes as the search has them."""
        top = next((t for t in told.top if t.hypothesis == told.baseline), None)
        if top is None:
            return best
        if top.hypothesis != best.hypothesis or not best.results:
            self._tools.say(
                f"From now on I mend H{top.hypothesis}: it passes {top.dev_passed} of "
                f"{top.dev_run} dev scenes, and was chosen on others.",
            )
        results = {f.seed_index: f for f in top.failures}
        program = self._tools.program(top.hypothesis)
        return Node(top.hypothesis, program, results, top.dev_passed, top.dev_run)

    def _wished(self, told: RoundBrief) -> list[Candidate]:
        """Repairs of the programs at which a person asked for a new line."""
        out: list[Candidate] = []
        for wish in told.wishes:
            self._tools.say(
                f"{wish.who} asked for a new line at H{wish.hypothesis}: {wish.note}. I have no "
                "thoughts of my own, so I try the repairs I know from there.",
                "plan",
            )
            node = Node(wish.hypothesis, self._tools.program(wish.hypothesis))
            self._measure(node, list(range(self._options.dev_n)), bench=False)
            out += self._candidates(node, node.failures())
        return out

    def _candidates(self, best: Node, failures: list[TrialBrief]) -> list[Candidate]:
        """Programs to try, what explains most failures first, without repeating what was tried."""
        groups: dict[tuple[str, str, int], list[tuple[TrialBrief, CallDetail]]] = {}
        for failure in failures:
            for detail in self._suspects(failure):
                key = (detail.primitive, detail.status, detail.line)
                groups.setdefault(key, []).append((failure, detail))
        out: list[Candidate] = []
        for group in sorted(groups.values(), key=_weight, reverse=True):
            failure, detail = max(group, key=lambda seen: _explains(*seen))
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
        return list({c.program: c for c in reversed(out)}.values())[::-1]

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
        # A team looks as far down the list as all its members together, or they try the same.
        wide = self._options.candidates * self._options.team
        out = []
        for match in matches[:wide]:
            for i, values in enumerate(_grid(match.parameters, wide)):
                try:
                    program = self._tools.apply_skill(
                        match.skill, failure.trial, detail.call, best.program, values
                    )
                except ToolRefused as refusal:
                    self._tools.say(f"{match.skill} cannot go there: {refusal}.", "finding")
                    break
                if program != best.program and program not in self._tried:
                    out.append(
                        Candidate(
                            match, values, failure, detail, program, best.hypothesis, first=i == 0
                        )
                    )
        return out

    def _open(self, candidate: Candidate) -> int | None:
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
        repairs = (*self._repairs.get(candidate.parent, ()), repair)
        opened = self._tools.open_hypothesis(
            claim=f"{candidate.words()} repairs {detail.primitive} {detail.status}",
            difference=f"{candidate.match.skill} spliced in at line {detail.line}",
            if_wrong=f"{detail.primitive} still ends in {detail.status} on the failing scenes",
            program=candidate.program,
            parent=candidate.parent,
            repairs=repairs,
        )
        self._tried.add(candidate.program)
        if opened.hypothesis is None:
            self._tools.say(f"{candidate.words()}: refused: {'; '.join(opened.findings)}", "error")
            return None
        self._repairs[opened.hypothesis] = repairs
        return opened.hypothesis

    def _show(self, node: Node, failure: TrialBrief) -> None:
        self._tools.say("I run the repaired program on a scene that failed before.", "plan")
        brief = self._tools.run(node.hypothesis, [failure.seed_index], bench=True)[0]
        self._tools.say(f"Trial {brief.trial}: {brief.outcome}. {brief.reason}", "finding")

    def _summary(self, best: Node | None) -> str:
        if best is None:
            return "no program was run"
        names = ", ".join(r.skill for r in self._repairs.get(best.hypothesis, ())) or "none"
        return f"best is H{best.hypothesis}; repairs: {names}"


def _explains(failure: TrialBrief, detail: CallDetail) -> bool:
    return detail.call == failure.implicated


def _weight(group: Sequence[tuple[TrialBrief, CallDetail]]) -> tuple[int, int]:
    """How many failures a call explains, then in how many it went wrong at all."""
    return sum(_explains(*seen) for seen in group), len(group)


def _spread(candidates: list[Candidate]) -> list[Candidate]:
    """First guesses before variations, at the calls that explain failures before what went wrong
    after them; among those each kind of failure in turn, so that two faults get one each before one
    gets two."""
    out: list[Candidate] = []
    for first, explains in itertools.product((True, False), repeat=2):
        kinds: dict[tuple[str, str, int], list[Candidate]] = {}
        for c in candidates:
            if (c.first, c.explains) == (first, explains):
                kinds.setdefault((c.detail.primitive, c.detail.status, c.detail.line), []).append(c)
        turns = itertools.zip_longest(*kinds.values())
        out += [c for turn in turns for c in turn if c is not None]
    return out


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
