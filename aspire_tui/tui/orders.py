"""What leaves the console: commands to the engine and HOLD to the cell, never in the UI thread."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aspire_tui.domain import JSON
from aspire_tui.engine.client import EngineGone
from aspire_tui.tui.attachment import Attached, Attachment
from aspire_tui.tui.ports import EngineClient, StopPort, Verb
from aspire_tui.tui.screen.holdkey import HoldAnswer, HoldLine

NOBODY = Attached(False, "the terminal is not known")


@dataclass(frozen=True)
class Answer:
    """What the engine said to one command."""

    verb: Verb
    accepted: bool
    reason: str
    gone: bool = False
    data: Mapping[str, JSON] = field(default_factory=dict)


class Orders:
    """The two ways out. ``answered`` and ``held`` are called in threads of their own."""

    def __init__(
        self,
        engine: EngineClient | None,
        stop: StopPort | None,
        who: str,
        answered: Callable[[Answer], None],
        held: Callable[[HoldAnswer], None],
        attachment: Attachment | None = None,
    ) -> None:
        """``attachment``: whether the terminal is there; None reports nobody."""
        self.engine = engine
        self._attachment = attachment
        self._answered = answered
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="engine-command")
        self.hold_line = HoldLine(stop, who, held) if stop is not None else None

    def send(self, verb: Verb, args: dict[str, JSON] | None = None) -> None:
        """Send one command to the engine; the answer comes to ``answered``."""
        if self.engine is not None:
            self._threads.submit(self._send, self.engine, verb, args or {})

    def report(self, key_age_s: float) -> None:
        """Tell the engine that this screen is here, and how long ago a key was pressed."""
        if self.engine is not None:
            self._threads.submit(self._report, self.engine, key_age_s)

    def rename(self, who: str) -> None:
        """From now on every act is this person's."""
        if self.engine is not None:
            self.engine.who = who

    def close(self) -> None:
        """Say that this screen leaves, without waiting for anybody."""
        if self.engine is not None:
            self._threads.submit(self._leave, self.engine)
        if self.hold_line is not None:
            self.hold_line.close()
        self._threads.shutdown(wait=False)

    def _send(self, engine: EngineClient, verb: Verb, args: dict[str, JSON]) -> None:
        try:
            reply = engine.send(verb, args)
        except (EngineGone, OSError) as error:
            self._answered(Answer(verb, False, str(error), gone=True))
        else:
            self._answered(Answer(verb, reply.accepted, reply.reason, data=reply.data))

    def _report(self, engine: EngineClient, key_age_s: float) -> None:
        found = self._attachment.look() if self._attachment is not None else NOBODY
        self._send(
            engine,
            "present",
            {"key_age_s": key_age_s, "attached": found.there, "how": found.how},
        )

    def _leave(self, engine: EngineClient) -> None:
        with contextlib.suppress(EngineGone, OSError):  # it is gone too: nothing to say
            engine.send("leave", {})
