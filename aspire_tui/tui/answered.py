"""What becomes of an order on the screen: the engine's answer, and the cell's to a HOLD."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from textual.message import Message

from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.drawing import DrawnConsole
from aspire_tui.tui.orders import Answer
from aspire_tui.tui.people import seen_in
from aspire_tui.tui.screen.holdkey import HoldAnswer, HoldLine
from aspire_tui.tui.source import SessionSource


class AnsweredConsole(DrawnConsole):
    """The half of the console that hears what its orders came to."""

    class Told(Message):
        """What a question to the session file came to, and who wants to know."""

        def __init__(self, then: Callable[[Any], None], found: Any) -> None:
            super().__init__()
            self.then = then
            self.found = found

    class Answered(Message):
        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    class Held(Message):
        def __init__(self, answer: HoldAnswer) -> None:
            super().__init__()
            self.answer = answer

    source: SessionSource

    @property
    def hold_line(self) -> HoldLine | None:
        """Where the input thread sends HOLD; None when no cell is attached."""
        return self.orders.hold_line if self.mode == "live" else None

    def post(self, message: Message) -> None:
        """From any thread; a console that is leaving has no use for it."""
        if self._running:
            self.post_message(message)

    def ask(self, question: Callable[[SessionReader], Any], then: Callable[[Any], None]) -> None:
        """Ask the session file something in the reading thread; ``then`` gets it in this one."""
        self.source.ask(question, lambda found: self.post(self.Told(then, found)))

    def tell(self, then: Callable[[Any], None], found: Any) -> None:
        """From any thread: ``then`` gets it in this one."""
        self.post(self.Told(then, found))

    def ask_aside(
        self, question: Callable[[SessionReader], Any], then: Callable[[Any], None]
    ) -> None:
        """As :meth:`ask`, in a thread of its own: for what takes seconds."""

        def work() -> None:
            try:
                with SessionReader(self.source.path) as reader:
                    found = question(reader)
            except (SessionFileError, OSError, ValueError) as error:
                found = error
            self.post(self.Told(then, found))

        threading.Thread(target=work, name="aside", daemon=True).start()

    def on_answered_console_told(self, message: Told) -> None:
        if isinstance(message.found, Exception):
            self.say(str(message.found), "alarm")
        else:
            message.then(message.found)

    def on_answered_console_answered(self, message: Answered) -> None:
        answer = message.answer
        if self.live.engine_gone and not answer.gone:
            self.notice = ("", "")  # it was only slow
        self.live = replace(self.live, engine_gone=answer.reason if answer.gone else "")
        if answer.gone and self.moment.snapshot.ended is None:
            self.say(
                "engine gone: the session is kept; q leaves, aspire-tui run starts anew", "alarm"
            )
        elif answer.verb == "present":
            if answer.accepted:
                self.live = replace(self.live, people=seen_in(answer.data))
        elif not answer.accepted and answer.data.get("standing") is not None:
            self._show_findings(answer)  # its event says the rest
        elif not answer.accepted:
            self.say(f"{answer.verb} refused: {answer.reason}", "alarm")
        elif answer.verb == "hold":
            if self.hold_line is None:
                self.hold_word(f"HOLD {answer.reason}")
        elif answer.verb == "promote":
            self.say(f"promote: {answer.reason}", "ok")
            self._show_findings(answer)
        elif self.notice[1] != "alarm":
            self.say(f"{answer.verb}: {answer.reason or 'accepted'}", "ok")
        if answer.accepted and answer.verb in ("resume", "step"):
            self.live = replace(self.live, hold="")
        self.draw_bars()

    def _show_findings(self, answer: Answer) -> None:
        """The gate spoke: what it found is shown once it is in the session."""
        if answer.data.get("standing") is not None:
            self.ask(lambda reader: reader.last_seq(), lambda _: self.acts.ideas.show_draft())

    def on_answered_console_held(self, message: Held) -> None:
        answer = message.answer
        if answer.confirmed:
            self.hold_word(f"HOLD confirmed {answer.took_ms:.0f} ms")
        else:
            self.hold_word("HOLD NOT CONFIRMED")
            self.say(f"HOLD was not confirmed by the cell: {answer.error}", "alarm")
