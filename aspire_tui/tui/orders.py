"""What leaves the console: commands to the engine and HOLD to the cell, never in the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aspire_tui.domain import JSON
from aspire_tui.engine.client import EngineGone
from aspire_tui.tui.ports import EngineClient, StopPort, Verb
from aspire_tui.tui.screen.holdkey import HoldAnswer, HoldLine


@dataclass(frozen=True)
class Answer:
    """What the engine said to one command."""

    verb: Verb
    accepted: bool
    reason: str
    gone: bool = False


class Orders:
    """The two ways out. ``answered`` and ``held`` are called in threads of their own."""

    def __init__(
        self,
        engine: EngineClient | None,
        stop: StopPort | None,
        who: str,
        answered: Callable[[Answer], None],
        held: Callable[[HoldAnswer], None],
    ) -> None:
        self.engine = engine
        self._answered = answered
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="engine-command")
        self.hold_line = HoldLine(stop, who, held) if stop is not None else None

    def send(self, verb: Verb, args: dict[str, JSON] | None = None) -> None:
        """Send one command to the engine; the answer comes to ``answered``."""
        if self.engine is not None:
            self._threads.submit(self._send, self.engine, verb, args or {})

    def close(self) -> None:
        if self.hold_line is not None:
            self.hold_line.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, engine: EngineClient, verb: Verb, args: dict[str, JSON]) -> None:
        try:
            reply = engine.send(verb, args)
        except (EngineGone, OSError) as error:
            self._answered(Answer(verb, False, str(error), gone=True))
        else:
            self._answered(Answer(verb, reply.accepted, reply.reason))
