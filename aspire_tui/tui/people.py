"""Acts between people: who has control, who may be absent, whose name it is, what is approved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aspire_tui.domain import JSON
from aspire_tui.tui.screen.safe import clean_line

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("take_control", "unattended", "iam")
"""Acts whose words are typed first."""
NAME_CHARACTERS: Final = 24


@dataclass(frozen=True)
class PeopleSeen:
    """What the engine last said of people."""

    policy: str = ""
    """``hold``: without anybody the cell holds. Empty until the engine has said anything."""
    present: bool = False
    age_s: float | None = None
    cause: str = ""
    control: str = ""
    mine: bool = False
    take: str = "take control"
    grant_until_s: float | None = None
    template: str = ""


UNTOLD: Final = PeopleSeen()
"""Before the engine has said anything."""


def seen_in(data: Mapping[str, JSON]) -> PeopleSeen:
    """The engine's answer to a report, checked field by field. Pure."""
    age, until = data.get("age_s"), data.get("grant_until_s")
    return PeopleSeen(
        policy=str(data.get("policy", "")),
        present=data.get("present") is True,
        age_s=float(age) if isinstance(age, int | float) else None,
        cause=clean_line(str(data.get("cause", "")), 80),
        control=clean_line(str(data.get("control", "")), NAME_CHARACTERS),
        mine=data.get("mine") is True,
        take=clean_line(str(data.get("take", "take control")), 80),
        grant_until_s=float(until) if isinstance(until, int | float) else None,
        template=clean_line(str(data.get("grant_template", "")), 300),
    )


class PeopleActs:
    """Turns keys and typed words into commands."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "take_control": lambda: self._type("take_control", self._seen.take),
            "unattended": self._unattended,
            "iam": lambda: self._type("iam", "your name, for everything you do from now on"),
            "approve": lambda: self._decide("approve"),
            "reject": lambda: self._decide("reject"),
        }

    def entered(self, what: str, text: str) -> None:
        """Words were typed for one of :data:`TYPED`."""
        orders = self._console.orders
        match what:
            case "take_control":
                orders.send("take_control", {"typed": text})
            case "unattended" if text:
                orders.send("grant", {"sentence": text})
            case "iam":
                self.rename(text)

    def rename(self, name: str) -> None:
        """Everything done here is done by this person from now on."""
        name = clean_line("-".join(name.split()), NAME_CHARACTERS)
        if not name:
            self._console.say("iam: type a name", "warn")
            return
        self._console.orders.rename(name)
        self._console.say(f"you are {name}", "ok")

    @property
    def _seen(self) -> PeopleSeen:
        return self._console.live.people

    def _type(self, what: str, placeholder: str) -> None:
        self._console.acts.type(what, f"type: {placeholder}")

    def _unattended(self) -> None:
        if self._seen.grant_until_s is not None:
            self._console.orders.send("revoke_grant")
        else:
            self._type("unattended", self._seen.template)

    def _decide(self, verb: str) -> None:
        program = self._console.moment.snapshot.people.asked_program
        if verb == "approve":
            self._console.orders.send("approve", {"program": program})
        else:
            self._console.orders.send("reject", {"program": program})
