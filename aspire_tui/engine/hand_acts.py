"""What an operator does beside the run: home, reset, verify, speed; notes, bookmarks, overrides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from aspire_tui.domain import Outcome, SeedSet
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.events import Bookmarked, HandAct, Note, VerdictOverridden
from aspire_tui.evolution.seeds import SeedBook
from aspire_tui.rollout.link import ByHand
from aspire_tui.session.reader import SessionReader

if TYPE_CHECKING:
    from aspire_tui.engine.bench import Bench
    from aspire_tui.engine.engine import Engine

NO_BENCH = "a headless session has no bench"
WRITTEN_LONGEST = 2000
"""Characters of one note."""
SLOWEST = 0.05


def set_of(seed: int) -> SeedSet:
    """The set a scene seed belongs to: its two low bits tell."""
    sets: tuple[SeedSet, ...] = get_args(SeedSet)
    book = SeedBook("", 0, b"")
    return next(name for name in sets if (book.take(name, 1)[0] ^ seed) & 3 == 0)


class _Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fraction: float


class _Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seed: int | None = None


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class _Bookmark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str = ""
    seq: int = 0
    """0: now."""


class _Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trial: int
    outcome: Outcome
    note: str


class HandVerbs:
    """``speed``, ``home``, ``reset``, ``verify``, ``note``, ``bookmark`` and ``override``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._resets = 0

    async def act(self, c: Command) -> Reply:
        """Carry out one command, or say in words why not."""
        try:
            match c.verb:
                case "speed":
                    return await self._speed(c, msgspec.convert(c.args, _Speed).fraction)
                case "home" | "reset" | "verify":
                    return self._motion(c, c.verb, msgspec.convert(c.args, _Act).seed)
                case "note":
                    return await self._note(c, msgspec.convert(c.args, _Note).text)
                case "bookmark":
                    return await self._bookmark(c, msgspec.convert(c.args, _Bookmark))
                case _:
                    return await self._override(c, msgspec.convert(c.args, _Override))
        except msgspec.ValidationError as error:
            return Reply(c.id, False, f"{c.verb}: {error}")

    async def _speed(self, c: Command, fraction: float) -> Reply:
        bench, host = self._engine.bench, self._engine.host
        if bench is None or host is None:
            return Reply(c.id, False, NO_BENCH)
        if not SLOWEST <= fraction <= 1.0:
            return Reply(c.id, False, f"speed is {SLOWEST:.0%} to 100 %")
        now = host.seen.speed if host.seen is not None else 0.0
        if fraction > now and self._engine.attendance.unattended.stands:
            return Reply(c.id, False, "an unattended grant never goes faster; end it first (U)")
        bench.set_speed(fraction, c.who)
        text = f"{100 * fraction:.0f} %"
        await self._engine.book.write(HandAct("speed", c.who, c.id, text=text, cell_s=bench.cell_s))
        return Reply(c.id, True, f"{text} of full speed")

    def _motion(
        self, c: Command, act: Literal["home", "reset", "verify"], seed: int | None
    ) -> Reply:
        engine = self._engine
        if engine.bench is None:
            return Reply(c.id, False, NO_BENCH)
        task = engine.job.tasks[0]
        if seed is None:
            book = SeedBook(task.name, engine.job.spec.seed, b"")
            (seed,) = book.take("operator", 1, self._resets)
            self._resets += 1
        if set_of(seed) not in ("dev", "operator"):
            return Reply(
                c.id, False, f"seed {seed} is of a {set_of(seed)} scene; nobody looks at it"
            )
        why = engine.attendance.why_not_move() or self._why_not_now(engine.bench)
        if why:
            return Reply(c.id, False, why)
        asked = ByHand(act, task, seed, c.who, c.id)
        engine.trials.take_bench(asked)
        return Reply(c.id, True, f"{act} begins")

    def _why_not_now(self, bench: Bench) -> str:
        trials = self._engine.trials
        if self._engine.stopping.is_set():
            return "the run is ending"
        if not trials.resumed.is_set():
            return "the cell is held; R resumes first"
        if bench.by_hand:
            return f"{bench.by_hand} is under way"
        if bench.trial is not None or trials.bench_is_taken:
            return "a trial is at the bench; p pauses the agent, or A aborts the trial"
        return ""

    async def _note(self, c: Command, text: str) -> Reply:
        text = text.strip()[:WRITTEN_LONGEST]
        if not text:
            return Reply(c.id, False, "write something")
        await self._engine.book.write(Note(f"{c.who}: {text}", "info", "operator"))
        return Reply(c.id, True, "noted")

    async def _bookmark(self, c: Command, wanted: _Bookmark) -> Reply:
        last = self._engine.book.recorder.last_seq
        seq = wanted.seq or last
        if not 1 <= seq <= last:
            return Reply(c.id, False, f"the session has events 1 to {last}")
        name = wanted.name.strip()[:80] or f"event {seq}"
        await self._engine.book.write(Bookmarked(seq, name, c.who, c.id))
        return Reply(c.id, True, f"bookmarked: {name}")

    async def _override(self, c: Command, wanted: _Override) -> Reply:
        """Recorded beside the verdict, never in its place: what was counted stays counted."""
        note = wanted.note.strip()[:WRITTEN_LONGEST]
        if not note:
            return Reply(c.id, False, "say why: an override needs a note")
        with SessionReader(Path(self._engine.job.session)) as reader:
            row = reader.trial(wanted.trial)
        if row is None or row.closed_seq is None:
            return Reply(c.id, False, f"trial {wanted.trial} is not closed")
        before = row.outcome
        await self._engine.book.write(
            VerdictOverridden(wanted.trial, before, wanted.outcome, note, c.who, c.id)
        )
        was = before or "not judged"
        return Reply(c.id, True, f"trial {wanted.trial}: {was}, {wanted.outcome} says {c.who}")
