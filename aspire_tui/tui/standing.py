"""Acts on a program that stands at the bench: breakpoints, and what becomes of its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aspire_tui.domain import JSON
from aspire_tui.session.views import StandingView
from aspire_tui.tui.actions import Confirm
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.bars import Asking, Offered
from aspire_tui.tui.panes.standing import breakpoints_body
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.typed_acts import (
    BREAK_HINT,
    EDIT_HINT,
    SKIP_HINT,
    NotUnderstood,
    arguments_of,
    arguments_typed,
    breakpoint_of,
    result_of,
)

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

ANSWERS: Final = ("run_call", "step", "skip_call", "edit_call", "abort")
TYPED: Final = ("break", "skip_call", "edit_call")
"""Acts whose words are typed first."""


class StandingActs:
    """Turns keys and typed words into commands; decides nothing about the robot itself."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._refused: dict[str, str] = {}
        """What was typed and not understood, to be mended instead of typed again."""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "answer": self._offer,
            "break": self._type_break,
            "breakpoints": self._list,
            "skip_call": lambda: self._type("skip_call", SKIP_HINT, "OK"),
            "edit_call": self._type_edit,
            "dry_run": self._dry_run,
        }

    def entered(self, what: str, text: str) -> None:
        """Words were typed for one of :data:`TYPED`."""
        if not text:
            return
        try:
            if what == "break":
                self._console.orders.send("break", breakpoint_of(text, self._program))
            elif what == "edit_call":
                self._edit(text)
            else:
                self._ask_skip(result_of(text))
            self._refused.pop(what, None)
        except NotUnderstood as error:
            self._refused[what] = text
            self._console.say(str(error), "warn")

    def remove(self, number: int) -> None:
        self._console.orders.send("unbreak", {"number": number})

    @property
    def _standing(self) -> StandingView | None:
        return self._console.moment.snapshot.standing

    @property
    def _program(self) -> str:
        program = self._console.moment.program
        return program.program if program is not None else ""

    def _offer(self) -> None:
        standing = self._standing
        if standing is not None:
            question = f"{clean_line(standing.primitive, 24)} (call {standing.call}):"
            self._console.acts.offered = Offered(question, ANSWERS)

    def _type_break(self) -> None:
        call = self._console.moment.call
        here = ""
        if call is not None:
            by_line = self._console.acts.looking.showing_code and call.intent.line
            here = f"line {call.intent.line}" if by_line else call.intent.primitive
        self._type("break", BREAK_HINT, here)

    def _type_edit(self) -> None:
        standing = self._standing
        if standing is not None:
            self._type("edit_call", EDIT_HINT, arguments_typed(standing))

    def _type(self, what: str, hint: str, text: str) -> None:
        self._console.acts.type(what, hint, self._refused.get(what, text))

    def _edit(self, text: str) -> None:
        standing = self._standing
        if standing is None:
            raise NotUnderstood("no call stands any more")
        changes = arguments_of(text, standing)
        if not changes and text.strip() != "{}":
            raise NotUnderstood("nothing was changed; {} takes earlier edits back")
        self._console.orders.send("edit_call", {"args": changes})

    def _ask_skip(self, said: dict[str, JSON]) -> None:
        standing = self._standing
        if standing is None:
            raise NotUnderstood("no call stands any more")
        name = clean_line(standing.primitive, 24)
        question = f"Skip {name} (call {standing.call})? The program gets {said['status']}."
        self._console.acts.asking = Asking(
            "skip_call",
            Confirm(question, "skip"),
            "cancel",
            lambda: self._console.orders.send("skip_call", said),
        )

    def _list(self) -> None:
        console = self._console
        console.acts.cover_with(
            Cover(
                "breakpoints",
                lambda look: breakpoints_body(console.moment.snapshot, look),
                lambda target: self.remove(target.number),
                stays=True,
            )
        )

    def _dry_run(self) -> None:
        self._console.orders.send("dry_run", {"program": self._program})
