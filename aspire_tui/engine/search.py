"""The search: rounds of candidates, raced on development scenes, decided on selection scenes.

An agent asks what a round knows (``round``), opens its candidates and has them raced (``race``).
What is judged, merged, given up or stopped is decided here, the same for every agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.trials import Asked
from aspire_tui.events import RoundBegan, RoundEnded
from aspire_tui.evolution.diversity import choose
from aspire_tui.evolution.growing import STANDING, Idea, TreeError
from aspire_tui.evolution.halving import cut, plan
from aspire_tui.evolution.rounds import TOP, apart, order_of_scenes, ranked, worth_judging
from aspire_tui.evolution.stopping import Rules, Stop, stop
from aspire_tui.improvement.tools import Fate, Offer, Raced, RoundBrief, TopIdea, TrialBrief, Wish
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow

LEAST_DISTANCE = 0.002
"""Nearer programs are the same one in another layout."""
JUDGED = 2
"""Candidates of one race that go on to selection scenes."""
MERGES = 2
FAILURES_TOLD = 24
SCENES_MOST = 1000
"""Development scenes there are at all."""


def _everything(_: Idea) -> bool:
    return True


def _nothing() -> Sequence[Idea]:
    return ()


@dataclass
class Search:
    """Rounds over one tree."""

    ideas: Ideas
    reader: SessionReader
    rules: Rules
    candidates: int
    rounds: list[RoundEnded] = field(default_factory=list)
    """Those that have ended, oldest first."""
    by: str = ""
    """The member whose search it is, where there are several."""
    mine: Callable[[Idea], bool] = _everything
    """Which ideas are of this search's branch."""
    offered: Callable[[], Sequence[Idea]] = _nothing
    """Kept ideas of other members, which may be borrowed and nothing else."""
    _racing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def stop(self) -> Stop | None:
        """Whether and why the search ends: success, budget, plateau or rounds."""
        best = self.best()
        so_far = msgspec.structs.replace(
            self.ideas.book.so_far(),
            outcomes=()
            if best is None
            else tuple(best.selection[s] for s in sorted(best.selection)),
            best_by_round=tuple(r.k / r.n if r.n else 0.0 for r in self.rounds),
            rounds=len(self.rounds),
        )
        return stop(self.rules, self.ideas.book.budget, so_far)

    def best(self) -> Idea | None:
        """What the next round is measured against, kept verbatim."""
        alive = self.ranked()
        return alive[0] if alive else None

    def ranked(self) -> list[Idea]:
        """The ideas of this branch that are not given up, the best first."""
        return [i for i in ranked(self.ideas.tree.ideas) if self.mine(i)]

    async def brief(self) -> RoundBrief:
        """What the next round is conditioned on."""
        tree, best, ending = self.ideas.tree, self.best(), self.stop()
        if best is not None and ending is None:
            await self._run([best.number], range(self.ideas.task_def.criterion.dev_n))
        at = {self._seed(s): s for s in range(SCENES_MOST)}
        rows = await asyncio.to_thread(self.reader.trials)
        top = [
            TopIdea(
                hypothesis=i.number,
                claim=i.claim,
                status=i.status,
                dev_passed=sum(i.dev.values()),
                dev_run=len(i.dev),
                failures=tuple(
                    TrialBrief(
                        trial=r.trial,
                        seed_index=at[r.seed],
                        outcome=r.outcome or "none",
                        ended=r.ended or "none",
                        reason=r.reason[:300],
                        implicated=r.implicated,
                    )
                    for r in sorted(
                        (r for r in _failures(rows, i.number) if r.seed in at),
                        key=lambda r: at[r.seed],
                    )
                )[:FAILURES_TOLD],
            )
            for i in self.ranked()[:TOP]
        ]
        return RoundBrief(
            round=len(self.rounds) + 1,
            candidates=self.candidates,
            baseline=None if best is None else best.number,
            top=tuple(top),
            eliminated=tuple(
                f"H{i.number} {i.claim}: {i.reason}"
                for i in tree.nodes.values()
                if i.status == "pruned" and self.mine(i)
            ),
            offers=tuple(
                Offer(i.number, i.claim, i.author, sum(i.selection.values()), len(i.selection))
                for i in self.offered()
            ),
            wishes=tuple(Wish(*f) for f in self.ideas.forks_asked),
            stop=_in_words(ending),
        )

    async def race(self, candidates: Sequence[int], author: str) -> Raced:
        """One round: the most different of these race, the survivors are judged, branches that fix
        different scenes are joined and judged anew.

        Raises:
            TreeError: There is nothing to race, or the search has ended.
            ConfigError: The budget does not carry the first rung.
        """
        async with self._racing:
            return await self._race(tuple(dict.fromkeys(candidates)), author)

    async def _race(self, asked: tuple[int, ...], author: str) -> Raced:
        ideas, ending, baseline = self.ideas, self.stop(), self.best()
        if ending is not None:
            raise TreeError(f"the search has ended: {ending.why}, {ending.text}")
        if baseline is None or baseline.number in asked:
            raise TreeError("a race needs a baseline that was opened before, and candidates to it")
        if len(asked) > self.candidates:
            raise TreeError(f"{len(asked)} candidates; this run races {self.candidates} a round")
        closed = [n for n in asked if ideas.tree.get(n).status != "open"]
        if closed or not asked:
            raise TreeError(f"not open any more: {closed}" if closed else "no candidate was named")
        scenes = ideas.task_def.criterion.dev_n
        left = ideas.book.trials_left()
        # The baseline has run its scenes already, so the budget is the candidates'.
        plan(len(asked), scenes, left)
        rungs = plan(len(asked) + 1, scenes)
        number = len(self.rounds) + 1
        taken, stopped = self._different(baseline, asked)
        await ideas.book.write(RoundBegan(number, baseline.number, tuple(taken), self.by))
        ideas.forks_asked[:] = [
            f
            for f in ideas.forks_asked
            if f.hypothesis not in {ideas.tree.get(n).parent for n in taken}
        ]
        screened = await ideas.screened(baseline.number, taken)
        stopped |= screened
        alive = [baseline.number, *(n for n in taken if n not in screened)]
        order = await self._order(baseline.number, scenes)
        for i, rung in enumerate(rungs if len(alive) > 1 else ()):
            part = order[rung.start : rung.stop]
            await self._run(alive, part)
            so_far = [self._seed(s) for s in order[: rung.stop]]
            ended = await self._ended(alive)
            outcomes = {n: [self._passed(n, s) or s in ended[n] for s in so_far] for n in alive}
            keep = rungs[i + 1].alive if i + 1 < len(rungs) else len(alive)
            gone = cut(outcomes, keep, baseline.number)
            also = " (passed, or the failure it names is gone)" if any(ended.values()) else ""
            stopped |= {n: why + also for n, why in gone.stopped.items()}
            alive = [n for n in alive if n in gone.alive]
            if len(alive) == 1:
                break
        before = ideas.tree.get(baseline.number).dev
        survivors = {n: dict(ideas.tree.get(n).dev) for n in alive if n != baseline.number}
        parents = await self._parents(survivors, baseline.number, order)
        ended = await self._ended(survivors)
        chosen, left_out = worth_judging(before, survivors, JUDGED, ended, parents)
        stopped |= left_out
        for n, why in stopped.items():
            await self._give_up(n, why)
        kept, merged = await self._judge(chosen, author)
        best = self.best() or baseline
        results = best.selection
        told = RoundEnded(
            round=number,
            stopped=stopped,
            kept=tuple(kept),
            merged=tuple(merged),
            best=best.number,
            k=sum(results.values()),
            n=len(results),
            by=self.by,
        )
        self.rounds.append(told)
        told = msgspec.structs.replace(told, stop=_in_words(self.stop()))
        await ideas.book.write(told)
        whose = dict.fromkeys((*asked, *merged))
        fates = tuple(Fate(n, ideas.tree.get(n).reason) for n in whose)
        return Raced(number, told.best, told.kept, told.merged, fates, told.stop)

    def _different(self, baseline: Idea, asked: Sequence[int]) -> tuple[list[int], dict[int, str]]:
        """The candidates that differ, from the baseline, each other and what was given up."""
        tree = self.ideas.tree
        programs = [baseline.program, *(tree.get(n).program for n in asked)]
        gone = [i.program for i in tree.nodes.values() if i.status == "pruned" and self.mine(i)]
        chosen = choose(programs, len(programs), gone, LEAST_DISTANCE)
        taken = [asked[i - 1] for i in chosen.taken if i]
        return taken, {asked[i - 1]: why for i, why in chosen.left.items()}

    async def _parents(
        self, survivors: Iterable[int], baseline: int, scenes: Sequence[int]
    ) -> dict[int, dict[int, bool]]:
        """What the parents that are not the baseline do on these scenes, by candidate."""
        parent = {n: self.ideas.tree.get(n).parent for n in survivors}
        other = {n: p for n, p in parent.items() if p is not None and p != baseline}
        await self._run(sorted(set(other.values())), scenes)
        return {n: dict(self.ideas.tree.get(p).dev) for n, p in other.items()}

    async def _order(self, baseline: int, scenes: int) -> list[int]:
        await self._run([baseline], list(range(scenes)))
        rows = await asyncio.to_thread(self.reader.trials)
        at = {self._seed(s): s for s in range(scenes)}
        failing: dict[int, Hashable] = {
            at[r.seed]: r.implicated for r in _failures(rows, baseline) if r.seed in at
        }
        return order_of_scenes(failing, scenes)

    async def _run(self, numbers: Sequence[int], scenes: Sequence[int]) -> None:
        """All of them on these scenes, in one batch; what has run is not run again."""
        ideas = self.ideas
        seeds = [self._seed(s) for s in scenes]
        wanted = [
            Asked(ideas.tree.get(n).program, n, s, "dev")
            for s in seeds
            for n in numbers
            if s not in ideas.tree.get(n).dev
        ]
        ran = await ideas.trials.batch(wanted, ideas.task_def)
        for n in numbers:
            closed = {w.seed: c for w, c in zip(wanted, ran, strict=True) if w.hypothesis == n}
            if closed:
                await ideas.scored(n, "dev", closed)

    async def _judge(self, chosen: Sequence[int], author: str) -> tuple[list[int], list[int]]:
        """Selection scenes for each; then the branches that hold are joined, best pair first."""
        ideas, kept, merged = self.ideas, [], []
        for n in chosen:
            if ideas.tree.get(n).status == "open" and (await ideas.judge(n)).status == "kept":
                kept.append(n)
        own = [i.number for i in self.ranked() if i.status in STANDING]
        standing = [*own, *(i.number for i in self.offered())] if own else []
        tips = [
            n
            for n in standing
            if not any(i.parent == n and i.status in STANDING for i in ideas.tree.nodes.values())
        ]
        ended = {n: await ideas.ended(n, "selection") for n in tips}
        pairs = [(a, b) if a in own else (b, a) for a, b in apart(ideas.tree.ideas, tips, ended)]
        for into, donor in [p for p in pairs if p[0] in own][:MERGES]:
            try:
                joined = await ideas.borrow(into, donor, author)
            except TreeError as conflict:
                await ideas.say(f"not merged: {conflict}")
                continue
            merged.append(joined.number)
            if (await ideas.judge(joined.number)).status == "kept":
                kept.append(joined.number)
        return kept, merged

    async def _ended(self, numbers: Iterable[int]) -> dict[int, frozenset[int]]:
        """Dev seeds on which each has ended the failure it names."""
        return {n: await self.ideas.ended(n, "dev") for n in numbers}

    async def _give_up(self, number: int, why: str) -> None:
        if self.ideas.tree.get(number).status == "open":
            await self.ideas.prune(number, why)

    def _seed(self, scene: int) -> int:
        return self.ideas.seeds.take("dev", 1, scene)[0]

    def _passed(self, number: int, seed: int) -> bool:
        return self.ideas.tree.get(number).dev.get(seed, False)


def _failures(rows: Sequence[TrialRow], hypothesis: int) -> list[TrialRow]:
    """Judged dev trials of a hypothesis that did not pass, oldest first, one per scene."""
    found: dict[int, TrialRow] = {}
    for r in rows:
        if r.hypothesis == hypothesis and r.seed_set == "dev" and r.outcome in ("FAIL", "UNSURE"):
            found.setdefault(r.seed, r)
    return list(found.values())


def _in_words(ending: Stop | None) -> str:
    return "" if ending is None else f"{ending.why}: {ending.text}"


def rounds_of(reader: SessionReader, by: str = "") -> list[RoundEnded]:
    """The rounds a stopped run has ended, of one member where there are several."""
    ended = (e.event for e in reader.events(kinds=("round_ended",)))
    return [e for e in ended if isinstance(e, RoundEnded) and e.by == by]
