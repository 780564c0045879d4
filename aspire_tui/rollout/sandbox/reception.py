"""What happens to one call: throttle, decode, declared, within budget, served, answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from aspire_tui.rollout.sandbox.api import Abort, Answer, Call, Namespace, ProgramLimits, Serve
from aspire_tui.rollout.sandbox.frames import (
    CallFrame,
    Message,
    NotKnown,
    Outgoing,
    Unsendable,
    decode_arguments,
    one_line,
)
from aspire_tui.rollout.sandbox.lent import LentArrays
from aspire_tui.rollout.sandbox.pictures import PictureRing

Clock = Callable[[], float]
Refused = Callable[[Call, str], None]

CALLS_PER_S = 2000
BURST = 2000
OVERRUN = 50
"""Calls beyond the budget that are answered before the program is killed."""
_LAST_LINE = 1 << 30


class Malformed(ValueError):
    """A call that no honest program can make."""


class TokenBucket:
    """How often something may happen."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at_s = burst, now_s

    def take(self, now_s: float) -> float:
        """Take one token; or, when there is none, the seconds until there is."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1 - 1e-6:  # a whole one, whatever rounding left of it
            return (1 - self._tokens) / self._per_s
        self._tokens -= 1
        return 0.0


class Reception:
    """Answers the calls of one program through ``serve``."""

    def __init__(
        self,
        namespace: Namespace,
        serve: Serve,
        limits: ProgramLimits,
        on_refused: Refused | None,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        *,
        ring: PictureRing | None = None,
    ) -> None:
        self._declared = {
            f.name: (
                {p.name for p in f.parameters},
                {p.name for p in f.parameters if p.required},
            )
            for f in namespace.functions
        }
        self._serve = serve
        self._limits = limits
        self._on_refused = on_refused
        self._clock = clock
        self._sleep = sleep
        self._bucket = TokenBucket(CALLS_PER_S, BURST, clock())
        self._lent = LentArrays()
        self._ring = ring
        self.calls = 0
        self.served_s = 0.0
        """Time spent in ``serve``: the program's clocks stand still meanwhile."""

    def answer(self, message: Message, frame: CallFrame) -> tuple[dict[str, Any], Outgoing]:
        """The answer to one call, ready to send.

        Raises:
            Abort: ``serve`` wants the program killed, or it went on calling after its budget.
            Malformed: The arguments make no sense.
        """
        while (wait_s := self._bucket.take(self._clock())) > 0:
            self._sleep(wait_s)
        try:
            arguments = decode_arguments(frame, message.arrays, self._lent)
            why = self._objection(frame)
        except NotKnown:
            return {"t": "again", "n": frame.n}, Outgoing()
        except Unsendable as error:
            arguments, why = _in_words(frame.a), str(error)
        except (ValueError, msgspec.MsgspecError) as error:
            raise Malformed("a call with arguments that make no sense") from error
        self.calls += 1
        if self.calls > self._limits.calls + OVERRUN:
            raise Abort("killed", f"went on calling after its {self._limits.calls} calls")
        call = Call(self.calls, frame.f, arguments, max(0, min(frame.line, _LAST_LINE)))
        if why is None and self.calls > self._limits.calls:
            why = f"the program's budget of {self._limits.calls} calls is used up"
        if why is not None:
            if self._on_refused is not None:
                self._on_refused(call, why)
            return self._packed(frame.n, Answer(error=("INVALID", why)))
        began = self._clock()
        try:
            given = self._serve(call)
        finally:
            self.served_s += self._clock() - began
        return self._packed(frame.n, given)

    def sent(self, outgoing: Outgoing) -> None:
        """Keep what an answer carried, to know it when the program hands it back.

        After the answer went out: the program is at work meanwhile.
        """
        self._lent.remember(outgoing.keepable())

    def _objection(self, frame: CallFrame) -> str | None:
        declared = self._declared.get(frame.f)
        if declared is None:
            return f"{one_line(frame.f)[:60]!r} is not a declared primitive"
        names, required = declared
        for name in frame.a:
            if name not in names:
                return f"{frame.f} has no argument {one_line(name)[:60]!r}"
        missing = required - frame.a.keys()
        return f"{frame.f} needs the argument {min(missing)}" if missing else None

    def _packed(self, n: int, answer: Answer) -> tuple[dict[str, Any], Outgoing]:
        outgoing = Outgoing(self._ring)
        if answer.error is not None:
            status, detail = answer.error
            return {"t": "err", "n": n, "status": status, "detail": detail}, outgoing
        return {"t": "ok", "n": n, "v": outgoing.encode(answer.value)}, outgoing


def _in_words(value: Any) -> Any:
    """Arguments that cannot be used, as the record shows them."""
    if isinstance(value, list):
        return [_in_words(v) for v in value[:100]]
    if isinstance(value, dict):
        if value.get("$") in ("x", "a", "d"):
            return str(value.get("w", "an array"))[:200]
        if value.get("$") == "t":
            return _in_words(value.get("v"))
        return {str(k): _in_words(v) for k, v in list(value.items())[:100]}
    return value
