"""Acts on the tree: fork with a note or an edited program, borrow, prune, promote."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.session.promotions import PromotionView
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import ProgramRow
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.bars import Asking, Offered
from aspire_tui.tui.panes.promotion import promotion_body
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.situation import Confirm
from aspire_tui.tui.skill_mark import marked_for

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("fork", "fork_note", "borrow", "prune", "admit")
"""Acts whose words are typed first."""
OFFERED: Final = ("admit", "mark_task", "edit_draft", "abandon")
"""What can be done with a draft."""
SKILL_MOST: Final = 64_000
"""Characters of a SKILL.md that are shown."""


def number_of(text: str) -> int | None:
    """``H3`` or ``3``."""
    match = re.fullmatch(r"[Hh]?(\d+)", text.strip())
    return int(match[1]) if match else None


class IdeaActs:
    """Turns keys and typed words into commands about hypotheses."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at = 0
        """The hypothesis that is meant: the cursor may move while words are typed."""
        self._program = ""
        self._skill_text = ""
        self._offered_at = ""
        """What the promotion was when its acts were offered."""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "fork": partial(self._type, "fork", "what the new line should try; the agent does it"),
            "fork_edit": self._edit_fork,
            "borrow": partial(self._type, "borrow", "join its changes into which hypothesis?"),
            "prune": partial(self._type, "prune", "why it is given up; the next round is told"),
            "promote": self._promote,
            "admit": self._type_admit,
            "mark_task": self._mark_task,
            "edit_draft": self._edit_draft,
            "abandon": self._abandon,
        }

    def entered(self, what: str, text: str) -> None:
        """Words were typed for one of :data:`TYPED`."""
        if not text:
            return
        match what:
            case "fork":
                self._console.orders.send("fork", {"hypothesis": self._at, "note": text})
            case "fork_note":
                self._console.orders.send(
                    "fork", {"hypothesis": self._at, "note": text, "program": self._program}
                )
            case "borrow":
                self._borrow(text)
            case "prune":
                self._ask_prune(text)
            case "admit":
                self._admit(text)

    def _here(self) -> int | None:
        """The hypothesis under the cursor, else that of the shown trial, else the best."""
        console = self._console
        target = console.workspace.pane("search").target()
        if target is not None and target.kind == "hypothesis":
            return target.number
        trial = console.moment.trial
        if trial is not None and trial.hypothesis is not None:
            return trial.hypothesis
        best = console.moment.snapshot.best
        return best.hypothesis if best is not None else None

    def _type(self, what: str, hint: str) -> None:
        here = self._here()
        if here is None:
            self._console.say(f"{what}: put the cursor on a hypothesis (pane 5)", "warn")
            return
        self._at = here
        self._console.acts.type(what, f"H{here}: {hint}")

    # -- fork, borrow, prune --------------------------------------------------------------------

    def _edit_fork(self) -> None:
        """The program of the hypothesis in the editor; what comes back is put in as a fork."""
        here = self._here()
        row = self._console.moment.tree.hypothesis(here)
        if here is None or row is None:
            self._console.say("fork: put the cursor on a hypothesis (pane 5)", "warn")
            return
        self._at = here
        self._console.ask(lambda reader: reader.program(row.program), self._edit)

    def _edit(self, row: ProgramRow | None) -> None:
        text = row.text if row is not None else ""
        edited = self._console.editing.text(text, f"H{self._at}.py")
        if edited is None:
            return
        if edited.strip() == text.strip():
            self._console.say("fork: nothing was changed", "warn")
            return
        self._program = edited
        self._console.acts.type("fork_note", f"what your edit of H{self._at} should bring")

    def _borrow(self, text: str) -> None:
        into = number_of(text)
        if into is None or into == self._at:
            self._console.say(f"borrow: type another hypothesis, like H2, not {text}", "warn")
            return
        donor = self._at
        question = f"Join what H{donor} changed into H{into}? A new hypothesis is tried."
        self._ask(
            "borrow",
            Confirm(question, "join"),
            lambda: self._console.orders.send("borrow", {"into": into, "donor": donor}),
        )

    def _ask_prune(self, reason: str) -> None:
        here = self._at
        question = f"Give up H{here}? {clean_line(reason, 80)}"
        self._ask(
            "prune",
            Confirm(question, "give up"),
            lambda: self._console.orders.send("prune", {"hypothesis": here, "reason": reason}),
        )

    def _ask(self, action: str, confirm: Confirm, then: Callable[[], None]) -> None:
        self._console.acts.asking = Asking(action, confirm, "cancel", then)

    # -- promote --------------------------------------------------------------------------------

    @property
    def _promotion(self) -> PromotionView | None:
        return self._console.moment.snapshot.promotion

    def _promote(self) -> None:
        """Draft it, or go on with a draft that waits; then the gate's findings stand beside it."""
        waiting = self._promotion
        if waiting is not None and waiting.waits:
            self.show_draft(asked=True)
            return
        here = self._here()
        if here is None:
            self._console.say("promote: put the cursor on a hypothesis (pane 5)", "warn")
            return
        self._at = here
        question = f"Draft a skill from H{here}? Nothing is admitted yet."
        confirm = Confirm(question, "draft", "go")
        self._ask(
            "promote",
            confirm,
            lambda: self._console.orders.send("promote", {"step": "draft", "hypothesis": here}),
        )

    def went_on(self) -> None:
        """The session went on: once the gate has ruled, what it said is to be read."""
        acts, waiting = self._console.acts, self._promotion
        offered = acts.offered is not None and acts.offered.actions == OFFERED
        if offered and (waiting is None or waiting.standing != self._offered_at):
            acts.offered = None

    def show_draft(self, asked: bool = False) -> None:
        """What was drafted and what the gate says of it; below, what can be done.

        Of what was refused only who asks for it is offered more: the refusal is what is to be read.
        """
        waiting = self._promotion
        if waiting is None:
            return
        path = Path(waiting.folder) / "SKILL.md"

        def read(_: SessionReader) -> str:
            return path.read_text(encoding="utf-8", errors="replace")[:SKILL_MOST]

        if waiting.folder:
            self._console.ask(read, lambda text: self._show(text, asked))
        else:
            self._show("", asked)

    def _show(self, text: str, asked: bool) -> None:
        self._skill_text = text
        console = self._console
        console.acts.cover_with(
            Cover(
                "promotion",
                lambda look: promotion_body(console.moment.snapshot.promotion, text, look),
            )
        )
        waiting = self._promotion
        if waiting is not None and waiting.waits and (asked or waiting.standing == "draft"):
            self._offered_at = waiting.standing
            name = clean_line(waiting.skill, 40)
            console.acts.offered = Offered(f"{name}:", OFFERED)
            console.draw_bars()

    def _type_admit(self) -> None:
        waiting = self._promotion
        if waiting is not None:
            self._console.acts.type("admit", f"type the name of the skill: {waiting.skill}")

    def _admit(self, typed: str) -> None:
        waiting = self._promotion
        if waiting is None or typed != waiting.skill:
            self._console.say("promote: that is not its name; nothing was admitted", "warn")
            return
        self._console.orders.send(
            "promote",
            {"step": "confirm", "skill": waiting.skill, "hypothesis": waiting.hypothesis or 0},
        )

    def _mark_task(self) -> None:
        """The draft is for the shown trial's task alone; then hear what the gate says."""
        waiting, trial = self._promotion, self._console.moment.trial
        if waiting is None or not waiting.folder or trial is None:
            return
        path, task = Path(waiting.folder) / "SKILL.md", trial.task

        def mark(_: SessionReader) -> str:
            path.write_text(marked_for(path.read_text(encoding="utf-8"), task), encoding="utf-8")
            return waiting.skill

        def check(skill: str) -> None:
            self._console.orders.send("promote", {"step": "check", "skill": skill})

        self._console.ask(mark, check)

    def _edit_draft(self) -> None:
        waiting = self._promotion
        if waiting is None or not waiting.folder:
            return
        if self._console.editing.file(Path(waiting.folder) / "SKILL.md"):
            self._console.orders.send("promote", {"step": "check", "skill": waiting.skill})

    def _abandon(self) -> None:
        waiting = self._promotion
        if waiting is not None:
            skill = waiting.skill
            self._console.orders.send("promote", {"step": "abandon", "skill": skill})
