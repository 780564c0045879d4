"""Acts beside the run: speed, home, reset, verify, an override, a note, another try."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, get_args

from aspire_tui.domain import Outcome
from aspire_tui.events import HandAct
from aspire_tui.tui.guards import next_speed
from aspire_tui.tui.panes.bars import Asking
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.situation import Confirm

if TYPE_CHECKING:
    from aspire_tui.session.rows import TrialRow
    from aspire_tui.tui.app import Console

TYPED: Final = ("override", "note", "retry")
"""Acts whose words are typed first."""
OVERRIDE_HINT: Final = "PASS, FAIL or UNSURE, then why: UNSURE the lamp flickered"
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)


def override_of(text: str) -> tuple[str, str] | None:
    """Outcome and note as they were typed; None when that is no override."""
    word, _, note = text.strip().partition(" ")
    if word.upper() not in OUTCOMES or not note.strip():
        return None
    return word.upper(), note.strip()


def retry_words(trial: TrialRow, call: str, hint: str) -> str:
    """What the agent reads when it is to try again."""
    failed = f"call {trial.implicated} ({call})" if trial.implicated else "no single call"
    why = f": {trial.reason}" if trial.reason else ""
    told = f" Hint from the operator: {hint}" if hint else ""
    return (
        f"Try again from trial {trial.trial}{why}. {failed} explains its failure."
        f" Repair that program and run it.{told}"
    )


def hand_words(event: HandAct) -> tuple[str, str]:
    """What an act by hand came to, on one line, and the role to say it in."""
    role = "ok" if event.done else "alarm"
    if event.verdict is not None:
        role = {"PASS": "ok", "FAIL": "bad"}.get(event.verdict.outcome, "unsure")
    return f"{event.act}: {clean_line(event.text, 200)} (by hand, counts nowhere)", role


class ByHandActs:
    """Turns keys and typed words into commands; the engine decides whether the cell is free."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._trial = 0
        """Whose verdict is being overridden: what is shown may change while words are typed."""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "slower": partial(self._speed, up=False),
            "faster": partial(self._speed, up=True),
            "home": partial(self._order, "home"),
            "reset": partial(self._order, "reset"),
            "verify": partial(self._order, "verify"),
            "override": self._type_override,
            "note": partial(self._type, "note", "note, for whoever reads this session later"),
            "retry": partial(self._type, "retry", "hint for the agent; enter alone sends none"),
        }

    def entered(self, what: str, text: str) -> None:
        """Words were typed for one of :data:`TYPED`."""
        orders = self._console.orders
        if what == "note" and text:
            orders.send("note", {"text": text})
        elif what == "override" and text:
            self._ask_override(text)
        elif what == "retry":
            self._retry(text)

    def _speed(self, up: bool) -> None:
        fraction = next_speed(self._console.situation().speed, up)
        self._console.orders.send("speed", {"fraction": fraction})

    def _order(self, what: str) -> None:
        orders = self._console.orders
        match what:
            case "home":
                orders.send("home")
            case "reset":
                orders.send("reset")
            case _:
                orders.send("verify")

    def _type(self, what: str, hint: str) -> None:
        self._console.acts.type(what, hint)

    def _type_override(self) -> None:
        trial = self._console.moment.trial
        if trial is not None:
            self._trial = trial.trial
            self._type("override", f"trial {trial.trial}: {OVERRIDE_HINT}")

    def _ask_override(self, text: str) -> None:
        said = override_of(text)
        if said is None:
            self._console.say(f"override: type {OVERRIDE_HINT}", "warn")
            return
        outcome, note = said
        trial = self._trial
        question = f"Trial {trial} is {outcome} by your word? The verifier's verdict stays beside."
        self._console.acts.asking = Asking(
            "override",
            Confirm(question, "override"),
            "cancel",
            lambda: self._console.orders.send(
                "override", {"trial": trial, "outcome": outcome, "note": note}
            ),
        )

    def _retry(self, hint: str) -> None:
        moment = self._console.moment
        if moment.trial is None:
            return
        number = moment.trial.implicated
        name = next((c.primitive for c in moment.calls if c.call == number), "")
        text = retry_words(moment.trial, name, hint)
        self._console.orders.send("tell", {"text": text, "interrupt": True})
