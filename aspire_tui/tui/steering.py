"""Acts towards the agent: write to it, answer what it asks, allow or deny what it wants to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aspire_tui.session.views import AgentView
from aspire_tui.tui.actions import Confirm
from aspire_tui.tui.panes.bars import Asking
from aspire_tui.tui.screen.safe import clean_line

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("message", "reply")
"""Acts whose words are typed first."""
MESSAGE_HINT: Final = "to the agent, read at its next step; begin with ! to break it off"
SHOWN: Final = 160


class SteeringActs:
    """Turns keys and typed words into commands to the engine about its agent."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._question: int | None = None
        """What the words that are being typed answer."""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "message": self._type_message,
            "reply": self._type_reply,
            "allow": self._ask_allow,
            "deny": self._deny,
        }

    def entered(self, what: str, text: str) -> None:
        """Words were typed for one of :data:`TYPED`."""
        if not text:
            return
        if what == "reply" and self._question is not None:
            self._console.orders.send("reply", {"question": self._question, "text": text})
        elif what == "message":
            interrupt = text.startswith("!")
            said = text.removeprefix("!").strip()
            self._console.orders.send("tell", {"text": said, "interrupt": interrupt})

    @property
    def _agent(self) -> AgentView:
        return self._console.moment.snapshot.agent

    def _type_message(self) -> None:
        self._console.acts.type("message", MESSAGE_HINT)

    def _type_reply(self) -> None:
        self._question = self._agent.asked
        self._console.acts.type("reply", f"answer: {clean_line(self._agent.question, SHOWN)}")

    def _ask_allow(self) -> None:
        """The number is kept with the question: what comes next is never allowed by mistake."""
        number, what = self._agent.asked, clean_line(self._agent.question, SHOWN)
        self._console.acts.asking = Asking(
            "allow",
            Confirm(f"Allow the agent, once: {what}", "allow"),
            "cancel",
            lambda: self._console.orders.send("permit", {"question": number, "allow": True}),
        )

    def _deny(self) -> None:
        self._console.orders.send("permit", {"question": self._agent.asked, "allow": False})
