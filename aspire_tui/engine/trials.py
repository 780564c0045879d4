"""Runs trials for the engine: at the bench one at a time, in the workers as many as fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from aspire_tui.domain import QueuedTrial, SeedSet, SourceChange, sha256_hex
from aspire_tui.engine.bench import Bench, BenchLost
from aspire_tui.engine.book import Book, BudgetExhausted
from aspire_tui.engine.evaluation import Evaluation, EvaluationRefused, in_words
from aspire_tui.engine.resume import FinishedTrials, TrialKey
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import BenchQueue, EvaluationChanged, HandAct, Note, TrialClosed
from aspire_tui.rollout.in_force import OtherCode
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.link import ByHand
from aspire_tui.rollout.pool import TRIES, BrokenProcessPool, Pool, WorkerLost
from aspire_tui.rollout.trial import TrialSpec
from aspire_tui.session.keeping import Room


class Stopped(Exception):
    """The operator ended the run."""


class AgentGone(Stopped):
    """Nobody is left who asked for these trials; those in flight end, no new one starts."""

    closed: dict[tuple[int | None, int], TrialClosed]


class Asked(NamedTuple):
    """One trial somebody wants: a program on a scene, and the hypothesis it speaks for."""

    program: str
    hypothesis: int | None
    seed: int
    seed_set: SeedSet


class NoRoom(Exception):
    """There is still room to say so, and none for another trial; the text is for the operator."""


async def _nothing(_: object) -> None:
    """Where nobody asks."""


@dataclass
class Trials:
    """The one place that starts trials."""

    book: Book
    task: TaskDef
    pool: Pool
    bench: Bench | None
    evaluation: Evaluation
    room: Room
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: int = 1
    """Tries of one trial, each seeing the failures before it."""
    bench_only: bool = False
    """The cell is not simulated: there is one of it, and no worker has a copy."""
    approve_first: Callable[[str], Awaitable[None]] = _nothing
    """Waits for whoever must approve a program before it moves the cell."""
    bench_ended: Callable[[TrialClosed], Awaitable[None]] = _nothing
    """Told of every trial that ended at the bench."""
    before_bench: Callable[[str], Awaitable[None]] = _nothing
    after_bench: Callable[[TrialClosed], Awaitable[None]] = _nothing
    """Around every trial at the bench, with its program before and its end after."""
    worker_ended: Callable[[TrialClosed], Awaitable[None]] = _nothing
    """Told of every trial that a worker ended, or the bench where there are none, once it is
    recorded and the bench is free."""
    finished: FinishedTrials = field(default_factory=FinishedTrials)
    """Trials of a run that is resumed: handed out, not run again."""
    agent_lost: bool = False
    """The agent died: no trial starts any more."""
    _refused: list[tuple[SourceChange, ...]] = field(default_factory=list)

    _hands: set[asyncio.Task[None]] = field(default_factory=set)
    _bench_is_free: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: list[QueuedTrial] = field(default_factory=list)
    _slots: asyncio.Semaphore | None = None
    """One per worker, whoever asks."""

    def __post_init__(self) -> None:
        self.resumed.set()

    async def at_bench(
        self,
        program: str,
        hypothesis: int | None,
        seed: int,
        seed_set: SeedSet,
        task: TaskDef | None = None,
        own: Evaluation | None = None,
        attempts: int = 0,
    ) -> TrialClosed:
        """One attended trial; in a headless session it runs in a worker instead.

        Whoever comes while another trial is at the bench waits for its end. Without ``task`` it is
        the run's own; ``own`` are files that judge this one and not the run.
        """
        if self.bench is None:
            return (
                await self.in_workers(program, hypothesis, [seed], seed_set, task, own, attempts)
            )[0]
        past = self._past(program, seed, seed_set, "bench")
        if past is not None:
            return past
        async with self._turn(QueuedTrial(hypothesis, seed_set, sha256_hex(program.encode()))):
            await self.approve_first(program)
            await self._may_start(own)
            await self.before_bench(program)
            closed = await self.bench.run(
                self._spec(program, hypothesis, seed, seed_set, "bench", "wall", task, attempts)
            )
            await self.after_bench(closed)
            await self.bench_ended(closed)
        await self.book.write(self.book.spent())
        if self.bench_only:
            await self.worker_ended(closed)
        return closed

    async def known_good(self, program: str, seed: int, task: TaskDef) -> TrialClosed:
        """The canary's trial at the bench. It waits for its turn and for whoever must approve what
        moves, and is always run: what it said before a resume was of the world then."""
        assert self.bench is not None
        async with self._turn(QueuedTrial(None, "operator", sha256_hex(program.encode()))):
            await self.approve_first(program)
            await self._may_start()
            closed = await self.bench.run(
                self._spec(program, None, seed, "operator", "bench", "wall", task, 1)
            )
            await self.bench_ended(closed)
        await self.book.write(self.book.spent())
        return closed

    @asynccontextmanager
    async def _turn(self, waits: QueuedTrial) -> AsyncIterator[None]:
        """The bench, to itself; who has to wait for it is told while it waits."""
        shown = self._bench_is_free.locked()
        try:
            if shown:
                self._waiting.append(waits)
                await self.book.write(BenchQueue(tuple(self._waiting)))
            await self._bench_is_free.acquire()
        finally:
            if shown:
                self._waiting.remove(waits)
                await self.book.write(BenchQueue(tuple(self._waiting)))
        try:
            yield
        finally:
            self._bench_is_free.release()

    @property
    def bench_is_taken(self) -> bool:
        """A trial or an act by hand has the bench, or waits for its turn."""
        return self._bench_is_free.locked()

    def take_bench(self, asked: ByHand) -> None:
        """Have the bench do something outside of any trial; none starts before it is done."""
        task = asyncio.create_task(self._by_hand(asked))
        self._hands.add(task)
        task.add_done_callback(self._hands.discard)

    async def _by_hand(self, asked: ByHand) -> None:
        assert self.bench is not None
        async with self._bench_is_free:
            try:
                await self.bench.do_by_hand(asked)
            except BenchLost as lost:
                await self.book.write(
                    HandAct(asked.act, asked.who, asked.id, done=False, text=str(lost))
                )

    async def in_workers(
        self,
        program: str,
        hypothesis: int | None,
        seeds: Sequence[int],
        seed_set: SeedSet,
        task: TaskDef | None = None,
        own: Evaluation | None = None,
        attempts: int = 0,
    ) -> list[TrialClosed]:
        """One trial per seed, in parallel and in order; a lost worker loses no trial."""
        wanted = [Asked(program, hypothesis, s, seed_set) for s in seeds]
        return await self.batch(wanted, task, own, attempts)

    async def batch(
        self,
        wanted: Sequence[Asked],
        task: TaskDef | None = None,
        own: Evaluation | None = None,
        attempts: int = 0,
    ) -> list[TrialClosed]:
        """Programs and scenes together, as many at a time as there are workers; in order.

        On a cell that no worker can have they run at the bench, one after the other.

        Raises:
            BudgetExhausted, AgentGone: With those that were still run, by hypothesis and seed.
        """
        if self.bench_only:
            return await self._one_by_one(wanted, task, own, attempts)
        tasks = [asyncio.ensure_future(self._in_worker(w, task, own, attempts)) for w in wanted]
        try:
            out = await asyncio.gather(*tasks)
        except (BudgetExhausted, AgentGone) as no_more:
            # What was started ends and is kept; none of the others starts.
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            no_more.closed = {
                (w.hypothesis, w.seed): closed
                for w, closed in zip(wanted, ended, strict=True)
                if isinstance(closed, TrialClosed)
            }
            raise
        except BaseException:
            for t in tasks:
                t.cancel()
            raise
        finally:
            await self.book.write(self.book.spent())
        return list(out)

    async def _one_by_one(
        self, wanted: Sequence[Asked], task: TaskDef | None, own: Evaluation | None, attempts: int
    ) -> list[TrialClosed]:
        """At the bench, each told as waiting until its turn comes."""
        waits = [
            QueuedTrial(w.hypothesis, w.seed_set, sha256_hex(w.program.encode())) for w in wanted
        ]
        self._waiting += waits
        out: list[TrialClosed] = []
        try:
            for w in wanted:
                self._waiting.remove(waits.pop(0))
                await self.book.write(BenchQueue(tuple(self._waiting)))
                out.append(
                    await self.at_bench(
                        w.program, w.hypothesis, w.seed, w.seed_set, task, own, attempts
                    )
                )
        finally:
            for left in waits:
                self._waiting.remove(left)
            if waits:
                await self.book.write(BenchQueue(tuple(self._waiting)))
        return out

    async def _in_worker(
        self, w: Asked, task: TaskDef | None, own: Evaluation | None, attempts: int
    ) -> TrialClosed:
        past = self._past(w.program, w.seed, w.seed_set, "worker")
        if past is not None:
            return past
        if self._slots is None:
            self._slots = asyncio.Semaphore(self.pool.workers)
        async with self._slots:
            await self._may_start(own)
            spec = self._spec(
                w.program, w.hypothesis, w.seed, w.seed_set, "worker", "sim", task, attempts
            )
            journal = await self._survive(spec)
            await self.book.write_trial(journal)
            closed = _closed(journal)
            await self.worker_ended(closed)
            return closed

    def _past(self, program: str, seed: int, seed_set: SeedSet, where: str) -> TrialClosed | None:
        """This very trial, if it was finished before the run was resumed."""
        name = sha256_hex(program.encode())
        return self.finished.take(TrialKey(name, seed, seed_set, where))

    async def _survive(self, spec: TrialSpec) -> MemoryJournal:
        for attempt in range(1, TRIES + 1):
            try:
                return await asyncio.wrap_future(self.pool.submit(spec))
            except OtherCode as other:
                await self._refuse(await self._seen_by_worker(other.names), "worker")
            except BrokenProcessPool:
                await self.book.write(
                    Note(
                        f"a worker died under trial {spec.trial}; trying again ({attempt})",
                        "warn",
                        "worker_lost",
                    )
                )
                self.pool.restart()
        raise WorkerLost(f"trial {spec.trial} took its worker down {TRIES} times")

    async def _may_start(self, own: Evaluation | None = None) -> None:
        await self.resumed.wait()
        if self.stopping.is_set():
            raise Stopped("stopped by the operator")
        if self.agent_lost:
            raise AgentGone("the agent is gone")
        if lacking := await asyncio.to_thread(self.room.lacking):
            raise NoRoom(lacking)
        changes = await asyncio.to_thread(self.evaluation.changes)
        if own is not None:
            changes += await asyncio.to_thread(own.changes)
        if changes:
            await self._refuse(changes, "engine")

    async def _seen_by_worker(self, names: Sequence[str]) -> tuple[SourceChange, ...]:
        """What a worker that began later runs of other code: the files' differences, as far as
        they can be seen from here, else the names."""
        seen = await asyncio.to_thread(self.evaluation.changes)
        known = {change.name for change in seen}
        here = tuple(change for change in seen if change.name in names)
        return here + tuple(SourceChange(n, "", "", "", "") for n in names if n not in known)

    async def _refuse(self, changes: tuple[SourceChange, ...], found_by: str) -> NoReturn:
        """What judges is not what the session began with: say so once, refuse every time."""
        if changes not in self._refused:
            self._refused.append(changes)
            await self.book.write(EvaluationChanged(changes, found_by))
        raise EvaluationRefused(in_words(changes))

    def _spec(
        self,
        program: str,
        hypothesis: int | None,
        seed: int,
        seed_set: SeedSet,
        where: str,
        clock: str,
        task: TaskDef | None = None,
        attempts: int = 0,
    ) -> TrialSpec:
        return TrialSpec(
            trial=self.book.next_trial(),
            task=task or self.task,
            seed=seed,
            seed_set=seed_set,
            program=program,
            program_id=sha256_hex(program.encode()),
            hypothesis=hypothesis,
            where=where,
            clock=clock,
            attempts=attempts or self.attempts,
        )


def _closed(journal: MemoryJournal) -> TrialClosed:
    last = journal.events[-1]
    if not isinstance(last, TrialClosed):
        raise RuntimeError("a trial ended without being closed")
    return last
