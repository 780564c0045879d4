"""What operators and viewers may ask of a running engine; every answer is recorded."""

from __future__ import annotations

import importlib.metadata
import math
import sys
from typing import TYPE_CHECKING

from aspire_tui.domain import JSON
from aspire_tui.engine.conversation import when_heard
from aspire_tui.engine.exec_queue import brief
from aspire_tui.engine.hand_acts import HandVerbs
from aspire_tui.engine.presence import Beat
from aspire_tui.engine.promotions import Promotions
from aspire_tui.engine.protocol import PROTO, Command, Reply, refusal
from aspire_tui.engine.standing import StandingVerbs
from aspire_tui.events import OperatorAct

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

UNRECORDED = frozenset({"hello", "present", "job"})
"""Said every few seconds by every screen; what follows from it is recorded."""
MESSAGE_LONGEST = 4000
"""Characters of one message to an agent."""


class Commands:
    """Decides and acts. HOLD is always accepted; resume is its own, confirmed act."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._standing = StandingVerbs(engine)
        self._promotions = Promotions(engine)
        self._hands = HandVerbs(engine)
        self._done: dict[str, Reply] = {}

    async def handle(self, command: Command) -> Reply:
        """Answer one command; the same id is answered the same, once."""
        if command.id in self._done:
            return self._done[command.id]
        refused = refusal(command) or self._engine.attendance.control.refusal(
            command.verb, command.console, command.who
        )
        reply = Reply(command.id, False, refused) if refused else await self._act(command)
        if command.verb not in UNRECORDED:
            self._done[command.id] = reply
            await self._engine.book.write(
                OperatorAct(
                    id=command.id,
                    verb=command.verb,
                    who=command.who,
                    role=command.role,
                    accepted=reply.accepted,
                    reason=reply.reason,
                    args=brief(command),
                )
            )
        return reply

    async def _act(self, c: Command) -> Reply:
        match c.verb:
            case "hello":
                return Reply(c.id, True, data=self._ourselves())
            case "present" | "leave" | "take_control" | "grant" | "revoke_grant":
                return await self._people(c)
            case "approve" | "reject":
                program, reason = str(c.args.get("program", "")), str(c.args.get("reason", ""))
                why = self._engine.attendance.decide(program, c.verb == "approve", c.who, reason)
                return Reply(c.id, not why, why)
            case "hold":
                return await self._hold(c)
            case "resume":
                return await self._resume(c)
            case "step":
                return await self._step(c)
            case "abort":
                return self._abort(c)
            case "pause_agent":
                return self._pause_agent(c)
            case "stop":
                self._engine.stop(c.who)
                return Reply(c.id, True, "HOLD; the last trial is closed, then the engine exits")
            case "break" | "unbreak" | "run_call" | "skip_call" | "edit_call":
                if c.verb == "run_call" and (why := self._nobody()):
                    return Reply(c.id, False, why)
                return await self._standing.act(c)
            case "dry_run":
                return await self._engine.dry_runs.act(c)
            case "exec" | "cancel" | "job":
                return await self._engine.execs.act(c)
            case "fork" | "borrow" | "prune":
                return await self._engine.idea_verbs.act(c)
            case "speed" | "home" | "reset" | "verify" | "note" | "bookmark" | "override":
                return await self._hands.act(c)
            case "tell" | "reply" | "permit":
                return await self._talk(c)
            case "promote":
                return await self._promotions.act(c)

    def _ourselves(self) -> dict[str, JSON]:
        return {
            "proto": PROTO,
            "session": self._engine.job.session,
            "cell": self._engine.job.spec.cell,
            "attended": self._engine.job.spec.attended,
            "release": importlib.metadata.version("aspire-tui"),
            "command": f"{sys.executable} -m aspire_tui.cli",
        }

    async def _people(self, c: Command) -> Reply:
        """Presence, control and grants."""
        people = self._engine.attendance
        match c.verb:
            case "present":
                beat = Beat(
                    c.console,
                    c.who,
                    _seconds(c.args.get("key_age_s")),
                    c.args.get("attached") is True,
                    str(c.args.get("how", ""))[:80],
                )
                return Reply(c.id, True, data=await people.beat(beat, c.role == "operator"))
            case "leave":
                await people.leave(c.console)
                return Reply(c.id, True)
            case "take_control":
                why = await people.take_control(c.console, c.who, str(c.args.get("typed", "")))
                return Reply(c.id, not why, why or f"{c.who} has control")
            case "grant":
                why = await people.give_grant(str(c.args.get("sentence", "")), c.who, c.id)
                return Reply(c.id, not why, why or "the cell may go on unattended")
            case _:
                ended = await people.end_grant("revoked", c.who)
                return Reply(c.id, ended, "" if ended else "no grant stands")

    async def _hold(self, c: Command) -> Reply:
        e = self._engine
        if e.host is not None:
            await e.host.hold_unless(lambda: False, c.who)
        await e.held(f"HOLD by {c.who}")
        if e.host is None:
            return Reply(c.id, True, "no new trial starts; simulated time stands still")
        return Reply(c.id, True, "the cell holds")

    async def _resume(self, c: Command) -> Reply:
        e = self._engine
        if e.host is not None:
            await e.host.settled()
        if why := self._nobody():
            return Reply(c.id, False, why)
        if e.bench is not None and e.bench.gate.mode == "aborting":
            # Its end holds the cell: a resume before that would be forgotten.
            return Reply(c.id, False, "an abort is under way; resume when the trial is closed")
        held = not e.trials.resumed.is_set()
        e.pool.hold(False)
        e.trials.resumed.set()
        if e.bench is not None:
            held = e.bench.gate.resume() or held
            if held:
                e.bench.resume_cell(c.who)
                if e.bench.gate.mode != "standing":
                    await e.bench.go_on()
            e.bench.gate_changed()
        if not held:
            return Reply(c.id, False, "nothing is held")
        if e.bench is not None and e.bench.gate.mode == "standing":
            return Reply(c.id, True, "HOLD is over; the program stands where it stood: R runs on")
        return Reply(c.id, True, "goes on from the measured pose")

    def _nobody(self) -> str:
        """Why nothing may begin to move for want of a person; empty when it may."""
        return self._engine.attendance.why_not_move() if self._engine.bench is not None else ""

    async def _step(self, c: Command) -> Reply:
        e = self._engine
        if e.host is not None:
            await e.host.settled()
        if e.bench is None:
            return Reply(c.id, False, "a headless session has no bench to step")
        if why := self._nobody():
            return Reply(c.id, False, why)
        if not e.bench.gate.step():
            return Reply(c.id, False, "an abort is under way")
        e.trials.resumed.set()
        e.bench.resume_cell(c.who)
        e.bench.gate_changed()
        return Reply(c.id, True, "one call, then HOLD")

    def _abort(self, c: Command) -> Reply:
        e = self._engine
        if e.bench is not None and e.bench.by_hand:
            e.bench.kill_program(c.who)
            return Reply(c.id, True, f"{e.bench.by_hand} ends")
        if e.bench is None or e.bench.trial is None:
            return Reply(c.id, False, "no trial is running at the bench")
        e.trials.resumed.clear()
        e.bench.gate.abort(f"aborted by {c.who}")
        e.bench.gate_changed()
        e.bench.kill_program(c.who)
        return Reply(
            c.id, True, f"trial {e.bench.trial}: HOLD, the program ends; R goes on with the run"
        )

    async def _talk(self, c: Command) -> Reply:
        """What a person says to the agent: a message, an answer, a permission."""
        if c.verb == "tell" and self._engine.toolbox is None:
            return Reply(c.id, False, "this session has no agent")
        talk = self._engine.conversation
        text = str(c.args.get("text", "")).strip()[:MESSAGE_LONGEST]
        question = c.args.get("question")
        number = question if isinstance(question, int) else 0
        match c.verb:
            case "tell":
                interrupts = c.args.get("interrupt") is True
                why = await talk.tell(c.id, c.who, text, interrupts) if text else "say something"
                told = when_heard(self._engine.job.spec.agent, interrupts)
                return Reply(c.id, not why, why or told)
            case "reply":
                why = await talk.answer(number, c.who, text) if text else "say something"
                return Reply(c.id, not why, why or "your answer is told")
            case _:
                allowed = c.args.get("allow") is True
                why = await talk.permit(number, c.who, allowed)
                return Reply(c.id, not why, why or ("allowed, once" if allowed else "denied"))

    def _pause_agent(self, c: Command) -> Reply:
        e = self._engine
        if e.toolbox is None:
            return Reply(c.id, False, "this session has no agent")
        pause = bool(c.args.get("on", e.toolbox.paused.is_set()))
        if pause:
            e.toolbox.paused.clear()
        else:
            e.toolbox.paused.set()
        return Reply(c.id, True, "the agent waits; the robot is untouched" if pause else "goes on")


def _seconds(value: JSON) -> float:
    """A number of seconds; not one that could be taken for a key when it is none."""
    return float(value) if isinstance(value, int | float) else math.inf
