"""The failure an idea says it ends, and whether traces of the session show it gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aspire_tui.domain import SeedSet
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.evolution.growing import Idea
from aspire_tui.evolution.named_failure import Kind, Step, Trace, improved, past
from aspire_tui.evolution.selection import Named
from aspire_tui.session.reader import SessionReader


class Claim(NamedTuple):
    """What a repair answers in its parent's program."""

    what: str
    line: int


@dataclass(frozen=True)
class Claims:
    """Reads claims and traces; what joins branches and what names nothing has no claim here."""

    reader: SessionReader
    names: Mapping[str, Primitive]

    async def named(self, idea: Idea, parent: Idea, seeds: Iterable[int]) -> Named | None:
        """Who got past the named failure on these selection scenes, sorted; None where nothing was
        named beforehand or a trace is missing."""
        return await asyncio.to_thread(self._named, idea, parent, sorted(seeds))

    async def ended(self, idea: Idea, parent: Idea, which: SeedSet) -> frozenset[int]:
        """Seeds on which the parent failed where the idea says, and the idea got past that."""
        return await asyncio.to_thread(self._ended, idea, parent, which)

    def _named(self, idea: Idea, parent: Idea, seeds: list[int]) -> Named | None:
        claim = self._claim(idea, parent)
        if claim is None:
            return None
        before, after = self._traces(parent, "selection"), self._traces(idea, "selection")
        if not all(s in before and s in after for s in seeds):
            return None
        old, new = past(parent.program, idea.program, claim.line, before, after)
        return Named(claim.what, [old[s] for s in seeds], [new[s] for s in seeds])

    def _ended(self, idea: Idea, parent: Idea, which: SeedSet) -> frozenset[int]:
        claim = self._claim(idea, parent)
        if claim is None:
            return frozenset()
        before, after = self._traces(parent, which), self._traces(idea, which)
        old, new = past(parent.program, idea.program, claim.line, before, after)
        return improved(before, old, new)

    def _claim(self, idea: Idea, parent: Idea) -> Claim | None:
        """The last repair's call, where it is a call of the parent's own program."""
        if idea.borrowed_from or not idea.repairs or idea.repairs == parent.repairs:
            return None
        repair = idea.repairs[-1]
        trial = self.reader.trial(repair.trial)
        call = self.reader.call(repair.trial, repair.call)
        if trial is None or call is None or trial.hypothesis != parent.number:
            return None
        line = call.intent.line
        return Claim(f"{repair.primitive} {repair.status} at line {line}", line)

    def _traces(self, idea: Idea, which: SeedSet) -> dict[int, Trace]:
        """Each judged trial's last attempt by seed; of several the newest."""
        found: dict[int, Trace] = {}
        for row in self.reader.trials(hypothesis=idea.number):
            if row.seed_set != which or row.outcome is None:
                continue
            calls = self.reader.calls(row.trial)
            last = max((c.attempt for c in calls), default=0)
            steps = tuple(
                Step(c.line, self._kind(c.primitive), c.status) for c in calls if c.attempt == last
            )
            found[row.seed] = Trace(row.outcome == "PASS", steps)
        return found

    def _kind(self, called: str) -> Kind:
        primitive = self.names.get(called)
        if primitive is None:
            return "other"
        if primitive.group == "gripper":
            return "hand"
        return "move" if primitive.moves else "other"
