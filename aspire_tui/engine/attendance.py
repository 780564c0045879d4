"""Who is at the cell, who may act, and what may go on without them: one engine's side of it.

Joins the pure parts (presence, control, grant, approvals) with the session file, the gate and the
cell host. Presence is operator to engine; the host's watchdog (engine to host) is another thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from aspire_tui.domain import sha256_hex
from aspire_tui.engine.approval import Approvals, approval_mode, program_facts
from aspire_tui.engine.control import Control
from aspire_tui.engine.grant import (
    Asked,
    GrantError,
    Trouble,
    Unattendance,
    read_grant,
    template,
)
from aspire_tui.engine.presence import KEY_LIMIT_S, Beat, Presence, Seen, presence_policy
from aspire_tui.events import (
    ApprovalAsked,
    ApprovalGiven,
    ControlChanged,
    GrantEnded,
    GrantGiven,
    PhaseChanged,
    PresenceChanged,
    TrialClosed,
)
from aspire_tui.improvement.answers import OperatorAnswer
from drivers.cellfile import CellFile
from drivers.errors import CellFault

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

LOOK_S: Final = 0.25
PRIMITIVE_AT_MOST_S: Final = 30.0
HOT: Final = frozenset({"hot", "over_temperature"})
"""What a drive complains of when it gets too warm."""


class ProgramRejected(Exception):
    """An operator looked at a program and would not have it run."""


class Attendance:
    """The people of one engine."""

    def __init__(
        self,
        engine: Engine,
        cell: CellFile,
        started_by: str,
        now_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """``started_by``: who started the run at a terminal; empty when none did."""
        self._engine = engine
        self._cell = cell.info
        operation = cell.operation
        self._wall_s = wall_s
        self.policy = presence_policy(cell.info.kind, operation.presence)
        key_limit_s = operation.presence_s if operation.presence_s is not None else KEY_LIMIT_S
        self.presence = Presence(now_s, key_limit_s, started_by)
        self.control = Control()
        self.unattended = Unattendance(wall_s)
        self.approvals = Approvals(approval_mode(cell.info.kind, operation.approval))
        self._seen: Seen | None = None
        self._lapsed = False
        self._speed = 1.0
        """The speed override in force before a grant."""
        self._reacting: asyncio.Task[None] | None = None
        self._waits: tuple[str, asyncio.Future[tuple[bool, str, str]]] | None = None

    # -- what screens say -----------------------------------------------------------------------

    async def beat(self, beat: Beat, operator: bool) -> dict[str, Any]:
        """A screen reports; the answer is what it shows of presence, control and grant."""
        if operator:
            self.presence.beat(beat)
            if self.control.arrive(beat.console, beat.who):
                await self._control_changed("first at the cell", "")
            before = self.control.holder.who if self.control.holder else ""
            if self.control.rename(beat.console, beat.who):
                await self._control_changed("another name", before)
        return self.told(beat.console)

    async def leave(self, console: str) -> None:
        before = self.control.holder
        self.presence.left(console)
        if self.control.left(console) and before is not None:
            await self._control_changed("left", before.who)

    def told(self, console: str) -> dict[str, Any]:
        """Presence, control and grant as values."""
        seen, holder, grant = self.presence.look(), self.control.holder, self.unattended.grant
        return {
            "present": seen.present,
            "age_s": seen.age_s if seen.age_s < 1e9 else None,
            "cause": seen.cause,
            "policy": self.policy,
            "control": holder.who if holder else "",
            "mine": holder is not None and holder.console == console,
            "take": self.control.sentence(),
            "grant_until_s": grant.until_s if grant and self.unattended.stands else None,
            "grant_template": template(self._about(holder.who if holder else "NAME")),
        }

    async def take_control(self, console: str, who: str, typed: str) -> str:
        """Take over. Returns why not."""
        before = self.control.holder
        why = self.control.take(console, who, typed)
        if not why:
            await self._control_changed("taken over", before.who if before else "")
        return why

    async def _control_changed(self, cause: str, before: str) -> None:
        holder = self.control.holder
        who, console = (holder.who, holder.console) if holder else ("", "")
        await self._engine.book.write(ControlChanged(who, console, cause, before))

    # -- what may go on -------------------------------------------------------------------------

    def why_not_move(self) -> str:
        """Why nothing may begin to move now; empty when it may."""
        if self.policy == "goes-on" or self.unattended.stands:
            return ""
        seen = self.presence.look()
        return "" if seen.present else f"nobody is present: {seen.cause}"

    def someone(self) -> bool:
        """Whether a question could be answered by a person now."""
        return self.presence.look().present

    async def ask(self, question: str) -> OperatorAnswer:
        """A program asks whoever is there; without anybody a grant says what becomes of the run."""
        answer = await self._engine.conversation.ask(question, "program")
        if answer.status != "OK" and not self.someone():
            # Not awaited: what a grant says begins with the end of the call that asks.
            why = f"a program asks: {question}"
            reacting = asyncio.create_task(self.trouble("needs_operator", why))
            self._reacting = self._engine.watched(reacting)
        return answer

    async def watch(self) -> None:
        """Look for as long as the engine runs."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Record what changed; HOLD where presence has lapsed and nothing stands in for it."""
        lost = self.control.lapse(self.presence.alive())
        if lost is not None:
            await self._control_changed("the screen has fallen silent", lost.who)
        seen, before = self.presence.look(), self._seen
        if before is None or seen.present != before.present:
            await self._engine.book.write(
                PresenceChanged(seen.present, seen.cause, seen.who, min(seen.age_s, 1e9))
            )
        self._seen = seen
        if not seen.present:
            self._engine.conversation.withdraw()
        over = self.unattended.over()
        if over:
            await self.end_grant(over, "engine")
        if self._waits is not None and self.unattended.stands and not seen.present:
            await self.trouble("needs_operator", "a program waits for approval")
        why = self.why_not_move()
        if why and not self._lapsed:
            self._lapsed = True
            await self._hold(why)
        elif not why:
            self._lapsed = False

    async def _hold(self, why: str, park: bool = False) -> None:
        """The primitive in flight finishes, then HOLD. Nothing new starts from now on.

        Whoever resumes meanwhile is heard: what is left of this does not undo it.
        """
        e = self._engine
        if e.bench is None or e.stopping.is_set():
            return  # in workers nothing real moves
        resumed = e.trials.resumed
        resumed.clear()
        e.pool.hold(True)
        e.bench.gate.hold(why)
        await e.bench.call_ended()
        await self._primitive_of_a_reset_ended()
        if resumed.is_set():
            return
        await e.bench.stand_held()
        if park and e.host is not None and not resumed.is_set():
            e.bench.park("unattended grant")
            await asyncio.to_thread(e.host.wait_until_parked)
        if e.host is not None:
            with contextlib.suppress(CellFault):  # a host that is gone moves nothing by our word
                await e.host.hold_unless(resumed.is_set, "presence")

    async def _primitive_of_a_reset_ended(self) -> None:
        """A reset asks no gate: its motion ends, and the cell holds before the next one."""
        bench, host = self._engine.bench, self._engine.host
        if bench is None or host is None or not bench.moves_by_itself:
            return
        bench.hold_next("presence")
        until_s = time.monotonic() + PRIMITIVE_AT_MOST_S
        resumed = self._engine.trials.resumed
        while bench.moves_by_itself and time.monotonic() < until_s and not resumed.is_set():
            if host.seen is not None and host.seen.held:
                return
            await asyncio.sleep(LOOK_S / 5)

    # -- grants ---------------------------------------------------------------------------------

    def _about(self, who: str) -> Asked:
        now = datetime.datetime.fromtimestamp(self._wall_s()).astimezone()
        task = self._engine.job.tasks[0].name
        can_park = all(arm.rest_rad for arm in self._cell.arms)
        return Asked(who, self._engine.job.spec.cell, task, self._cell.workspace, now, can_park)

    async def give_grant(self, sentence: str, who: str, id: str) -> str:
        """Take a typed sentence for a grant. Returns why not."""
        if self._engine.bench is None:
            return "a session in workers needs no grant: nothing moves"
        try:
            grant = read_grant(sentence, self._about(who))
        except GrantError as error:
            return str(error)
        host = self._engine.host
        if not self.unattended.stands:
            status = None if host is None else await asyncio.to_thread(host.status)
            self._speed = 1.0 if status is None else status.speed
        self.unattended.give(grant)
        await self._engine.book.write(GrantGiven(grant, id))
        self._engine.bench.bound(grant, self._speed)
        return ""

    async def end_grant(self, cause: str, who: str) -> bool:
        """The grant is over. Whether there was one."""
        if self.unattended.end() is None:
            return False
        if self._engine.bench is not None:
            self._engine.bench.bound(None, self._speed)
        await self._engine.book.write(GrantEnded(cause, who))
        return True

    async def trouble(self, kind: Trouble, why: str) -> None:
        """Something a person should see while nobody is there: do what the grant says."""
        if self.policy == "goes-on" or self.presence.look().present:
            return
        park = self.unattended.reaction(kind) == "park"
        if await self.end_grant(why, "engine"):
            self._lapsed = True
            await self._hold(why, park)

    async def trial_ended(self, closed: TrialClosed) -> None:
        """Count resets that failed in a row."""
        failed = closed.outcome is None and closed.reason.startswith("reset ")
        if self.unattended.reset_ended(ok=not failed):
            await self.trouble("failed_resets", f"resets failed in a row: {closed.reason}")

    async def alarms(self, codes: tuple[str, ...]) -> None:
        """What the cell complains of."""
        for code in HOT.intersection(codes):
            await self.trouble("heat", f"a drive reports {code}")

    # -- approval -------------------------------------------------------------------------------

    async def approve_first(self, program: str) -> None:
        """Wait until somebody approved this program, where the cell asks for that.

        Raises:
            ProgramRejected: Somebody looked at it and said no, or the run was stopped.
        """
        sha = sha256_hex(program.encode())
        why = self.approvals.why_ask(sha, self.unattended.stands)
        if not why:
            return
        e = self._engine
        decided: asyncio.Future[tuple[bool, str, str]] = asyncio.get_running_loop().create_future()
        self._waits = (sha, decided)
        trial = e.book.numbered + 1
        await e.book.write(
            ApprovalAsked(sha, why, await self._facts(program)),
            PhaseChanged(trial, "needs_operator", why, self._cell_s(), "Y approve, X reject"),
        )
        await self.trouble("needs_operator", why)
        stopping = asyncio.ensure_future(e.stopping.wait())
        try:
            await asyncio.wait((decided, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            self._waits = None
        if not decided.done():
            return  # the run is being stopped; the trial will not start
        approved, who, reason = decided.result()
        self.approvals.decide(sha, approved)
        await e.book.write(
            ApprovalGiven(sha, approved, who, reason),
            PhaseChanged(trial, "idle", "approved" if approved else "rejected", self._cell_s()),
        )
        if not approved:
            raise ProgramRejected(f"{who} rejected the program" + (f": {reason}" if reason else ""))

    def decide(self, program: str, approved: bool, who: str, reason: str) -> str:
        """An operator's word on the program that waits. Returns why not."""
        if self._waits is None or self._waits[1].done():
            return "no program waits for approval"
        sha, decided = self._waits
        if not program or not sha.startswith(program):
            return f"another program waits: {sha[:12]}"
        decided.set_result((approved, who, reason))
        return ""

    async def _facts(self, program: str) -> dict[str, Any]:
        """Of the engine and the cell, nothing of the author's: the text's calls, pose, speed."""
        facts = program_facts(program, self._engine.names)
        host = self._engine.host
        status = None if host is None else await asyncio.to_thread(host.status)
        if status is not None:
            facts["state"] = status.state
            facts["speed"] = status.speed
            facts["q_rad"] = [[round(q, 3) for q in arm.q_rad] for arm in status.arms]
            facts["width_m"] = [round(arm.width_m, 4) for arm in status.arms]
        return facts

    def _cell_s(self) -> float:
        return 0.0 if self._engine.bench is None else self._engine.bench.cell_s
