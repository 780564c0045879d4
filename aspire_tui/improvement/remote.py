"""The tool set as the agent worker sees it: every call crosses to the engine."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from aspire_tui.domain import JSON, Repair
from aspire_tui.environment.task import TaskDef
from aspire_tui.improvement import wire
from aspire_tui.improvement.answers import Spliced
from aspire_tui.improvement.tools import (
    CallBrief,
    CallDetail,
    CheckBrief,
    Judged,
    Opened,
    Raced,
    RoundBrief,
    SkillMatch,
    ToolRefused,
    TrialBrief,
)
from aspire_tui.session.redaction import Redactor

T = TypeVar("T")


class RemoteTools:
    """Implements :class:`aspire_tui.improvement.tools.Tools` over the worker's socket.

    Args:
        redactor: Knows the keys this process holds; none of them goes out by this pipe.
    """

    def __init__(self, sock: socket.socket, redactor: Redactor | None = None) -> None:
        self._sock = sock
        self._redactor = redactor or Redactor()
        self._id = 0

    def _ask(self, kind: type[T], tool: str, /, **args: JSON) -> T:
        return msgspec.convert(self._plain(tool, args), kind)

    def _plain(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        self._id += 1
        wire.send(self._sock, wire.ToolCall(self._id, tool, self._clean(args)))
        answer = msgspec.json.decode(wire.receive(self._sock), type=wire.ToolAnswer)
        if answer.refused:
            raise ToolRefused(answer.refused)
        return answer.value

    def _clean(self, args: Mapping[str, JSON]) -> dict[str, JSON]:
        cleaned: dict[str, JSON] = self._redactor.value(msgspec.to_builtins(args))
        return cleaned

    def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        """Any tool by name, its answer as plain JSON: for agents that are not written in Python."""
        return self._plain(tool, args)

    def report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        """Tell the engine of tokens, prompts and streamed text: no tool, and not for the agent."""
        return self._plain(f"{wire.REPORT}{what}", fields)

    def task(self) -> TaskDef:
        return self._ask(TaskDef, "task")

    def say(self, text: str, role: str = "message") -> None:
        self._ask(type(None), "say", text=text, role=role)

    def open_hypothesis(
        self,
        *,
        claim: str,
        difference: str,
        if_wrong: str,
        program: str,
        parent: int | None,
        repairs: tuple[Repair, ...] = (),
    ) -> Opened:
        return self._ask(
            Opened,
            "open_hypothesis",
            claim=claim,
            difference=difference,
            if_wrong=if_wrong,
            program=program,
            parent=parent,
            repairs=repairs,
        )

    def run(self, hypothesis: int, seed_indices: list[int], *, bench: bool) -> list[TrialBrief]:
        return self._ask(
            list[TrialBrief], "run", hypothesis=hypothesis, seed_indices=seed_indices, bench=bench
        )

    def calls(self, trial: int) -> list[CallBrief]:
        return self._ask(list[CallBrief], "calls", trial=trial)

    def call(self, trial: int, call: int) -> CallDetail:
        return self._ask(CallDetail, "call", trial=trial, call=call)

    def checks(self, trial: int) -> list[CheckBrief]:
        return self._ask(list[CheckBrief], "checks", trial=trial)

    def match_skills(self, trial: int, call: int, program: str) -> list[SkillMatch]:
        return self._ask(list[SkillMatch], "match_skills", trial=trial, call=call, program=program)

    def apply_skill(
        self, skill: str, trial: int, call: int, program: str, parameters: dict[str, float]
    ) -> str:
        spliced = self._ask(
            Spliced,
            "apply_skill",
            skill=skill,
            trial=trial,
            call=call,
            program=program,
            parameters=parameters,
        )
        return str(spliced.program)

    def judge(self, hypothesis: int) -> Judged:
        return self._ask(Judged, "judge", hypothesis=hypothesis)

    def program(self, hypothesis: int) -> str:
        return self._ask(str, "program", hypothesis=hypothesis)

    def round(self) -> RoundBrief:
        return self._ask(RoundBrief, "round")

    def race(self, hypotheses: list[int]) -> Raced:
        return self._ask(Raced, "race", hypotheses=hypotheses)

    def borrow(self, into: int, donor: int) -> Opened:
        return self._ask(Opened, "borrow", into=into, donor=donor)

    def prune(self, hypothesis: int, reason: str) -> None:
        self._ask(type(None), "prune", hypothesis=hypothesis, reason=reason)

    def finish(self, best: int | None, summary: str) -> None:
        self._ask(type(None), "finish", best=best, summary=summary)
