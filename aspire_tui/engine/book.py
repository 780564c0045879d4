"""The engine's side of the session file: numbers trials, counts the budget, writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aspire_tui.domain import Blob, Budget, Tokens, sha256_hex
from aspire_tui.engine.resume import Past, Replay
from aspire_tui.events import (
    AnyEvent,
    BudgetSpent,
    Note,
    ProgramStored,
    Samples,
    TrialClosed,
    VideoFrame,
)
from aspire_tui.evolution.stopping import SoFar, used_up
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.policy import PolicyFinding
from aspire_tui.session.recorder import Recorder

ADVICE_SHOWN = 5


class BudgetExhausted(Exception):
    """A limit of the run is reached; the text names it.

    ``closed`` holds the trials that were still run of those asked for together, by hypothesis and
    seed.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.closed: dict[tuple[int | None, int], TrialClosed] = {}


@dataclass
class Book:
    """Everything the engine writes goes through here."""

    recorder: Recorder
    budget: Budget
    clock: Callable[[], float] = time.monotonic
    trials: int = 0
    """Of the budget: trials that were started here, or finished before a resume."""
    numbered: int = 0
    """The highest trial number in the file."""
    spent_minutes: float = 0.0
    """Minutes used before a resume."""
    replay: Replay = field(default_factory=Replay)
    saw: Callable[[AnyEvent], None] = lambda _: None
    """Told of every event once it is durable."""
    hypotheses: int = 0
    model_calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    _programs: set[str] = field(default_factory=set)
    _earlier: int = 0

    def __post_init__(self) -> None:
        self._began = self.clock()

    async def write(
        self,
        *events: AnyEvent,
        blobs: Mapping[str, tuple[str, bytes]] | None = None,
        samples: Sequence[Samples] = (),
        video: Sequence[VideoFrame] = (),
    ) -> int:
        """Make these durable, in one transaction; returns the last sequence number."""
        fresh = self.replay.fresh(events)
        seq = await asyncio.to_thread(
            self.recorder.append, fresh, blobs or {}, tuple(samples), tuple(video)
        )
        for event in fresh:
            self.saw(event)
        return seq

    async def write_trial(self, journal: MemoryJournal) -> None:
        """A whole bulk trial in one transaction."""
        await self.write(
            *journal.events, blobs=journal.blobs, samples=journal.sampled, video=journal.frames
        )

    async def program(self, text: str, author: str) -> str:
        """Keep a program text once; returns its hash."""
        data = text.encode()
        name = sha256_hex(data)
        if name not in self._programs:
            self._programs.add(name)
            blob = Blob(name, "text/x-python", len(data))
            await self.write(
                ProgramStored(name, blob, author), blobs={name: ("text/x-python", data)}
            )
        return name

    async def advise(self, findings: Sequence[PolicyFinding]) -> None:
        """Say what was found in a program that runs all the same: people read it, too."""
        said = [f for f in findings if f.severity == "warn"][:ADVICE_SHOWN]
        if said:
            await self.write(*(Note(f"line {f.line}: {f.text}", "warn", "policy") for f in said))

    def go_on(self, past: Past) -> None:
        """Count on from where a stopped run was."""
        self.trials, self.numbered = past.trials, past.last_trial
        self.spent_minutes, self.tokens = past.minutes, past.tokens
        self.model_calls = past.model_calls
        self.replay = past.replay
        self._earlier = past.last_hypothesis
        self._programs |= past.programs

    def earlier_hypotheses(self) -> int:
        """Numbers that are taken: none while a resumed agent still repeats what it once did."""
        return self._earlier if self.replay.live else 0

    def next_trial(self) -> int:
        """The number of the next trial, if the budget allows one.

        Raises:
            BudgetExhausted: Trials, minutes, tokens or cost are used up.
        """
        spent = self.exhausted()
        if spent:
            raise BudgetExhausted(spent)
        self.replay.went_live()
        self.trials += 1
        self.numbered += 1
        return self.numbered

    def minutes(self) -> float:
        return self.spent_minutes + (self.clock() - self._began) / 60.0

    def spend(self, tokens: Tokens) -> None:
        """Count one answer of a model."""
        self.model_calls += 1
        self.tokens = self.tokens + tokens

    def exhausted(self) -> str:
        """Which limit is reached, in words; empty when none is."""
        return used_up(self.budget, self.so_far())

    def so_far(self) -> SoFar:
        """What of the budget is gone."""
        return SoFar(
            trials=self.trials,
            minutes=self.minutes(),
            tokens=self.tokens.total,
            cost_usd=self.tokens.cost_usd,
            model_calls=self.model_calls,
        )

    def trials_left(self) -> int | None:
        """How many more the budget allows; None without a limit, and while a resumed agent only
        repeats what was paid for already."""
        most = self.budget.max_trials
        return None if most is None or not self.replay.live else max(0, most - self.trials)

    def spent(self) -> BudgetSpent:
        return BudgetSpent(
            budget=self.budget,
            trials=self.trials,
            minutes=round(self.minutes(), 3),
            tokens=self.tokens.total,
            model_calls=self.model_calls,
            cost_usd=self.tokens.cost_usd,
            exhausted=self.exhausted(),
        )
