"""Acts that put things side by side: programs, trials, and all trials of one program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from aspire_tui.session.failures import FailureGroup, failure_groups
from aspire_tui.session.handover import hand_over
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TreeRow, TrialRow
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, Look, Target
from aspire_tui.tui.panes.compare import (
    Sided,
    clusters_body,
    diff_body,
    first_difference,
    trials_body,
)
from aspire_tui.tui.papers import markdown_lines
from aspire_tui.tui.screen.lines import FixedLines

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("beside",)

Named = tuple[str, str]
"""A program's name on the screen, and its text."""


def partner_of(trial: TrialRow, others: list[TrialRow]) -> TrialRow | None:
    """The trial to lay beside: the opposite outcome, of the same program if there is one, near."""
    wanted = "FAIL" if trial.outcome == "PASS" else "PASS"
    found = [t for t in others if t.outcome == wanted and t.task == trial.task]
    return min(
        found,
        key=lambda t: (
            t.program != trial.program,
            t.seed != trial.seed,
            abs(t.trial - trial.trial),
        ),
        default=None,
    )


def read_sides(
    reader: SessionReader, one: int, other: int | None, upto: int
) -> tuple[Sided, Sided]:
    """Two trials with the call at which they part.

    Raises:
        ValueError: There is no second trial to lay beside.
    """
    trial = reader.trial(one, upto)
    if trial is None:
        raise ValueError(f"there is no trial {one}")
    found = partner_of(trial, reader.trials(upto)) if other is None else None
    beside = found if other is None else reader.trial(other, upto)
    if beside is None:
        wanted = "failing" if trial.outcome == "PASS" else "passing"
        raise ValueError(
            f"there is no trial {other}" if other else f"no {wanted} trial to lay beside it yet"
        )
    calls = [tuple(reader.calls(t.trial, upto)) for t in (trial, beside)]
    index = first_difference(*calls)
    sides = []
    for row, mine in zip((trial, beside), calls, strict=True):
        at = None
        number = index if index is not None else _implicated(row, mine)
        if number is not None and number < len(mine):
            at = reader.call(row.trial, mine[number].call, upto)
        sides.append(Sided(row, mine, at))
    return sides[0], sides[1]


def _implicated(row: TrialRow, calls: tuple[object, ...]) -> int | None:
    return len(calls) - 1 if calls and row.implicated is None else (row.implicated or 1) - 1


class Comparing:
    """Reads two things and covers the panes with both."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._trial = 0

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "diff": self._diff,
            "beside": self._type_beside,
            "clusters": self._clusters,
            "since": lambda: self.since(0.0),
        }

    def entered(self, _: str, text: str) -> None:
        """The other trial was typed, or left to be chosen."""
        if text and not text.isdecimal():
            self._console.say(f"beside: type the number of a trial, not {text}", "warn")
            return
        one, other = self._trial, int(text) if text else None
        upto = self._console.moment.snapshot.seq
        self._console.ask(
            lambda reader: read_sides(reader, one, other, upto),
            lambda sides: self._cover("beside", partial(trials_body, *sides)),
        )

    def since(self, wall_s: float) -> None:
        """What happened since a time: the whole session when that is 0."""

        def read(reader: SessionReader) -> str:
            return hand_over(reader, wall_s)

        def show(text: str) -> None:
            self._cover("since", lambda look: _note_body(text, look))

        self._console.ask_aside(read, show)

    def _cover(
        self,
        name: str,
        body: Callable[[Look], Body],
        open_: Callable[[Target], None] | None = None,
    ) -> None:
        self._console.acts.cover_with(Cover(name, body, open_))

    def _type_beside(self) -> None:
        trial = self._console.moment.trial
        if trial is not None:
            self._trial = trial.trial
            hint = f"lay beside trial {trial.trial}: a number; enter alone finds the nearest"
            self._console.acts.type("beside", hint)

    def _diff(self) -> None:
        """The hypothesis under the cursor beside its parent; else the shown program beside it."""
        console = self._console
        tree = console.moment.tree
        target = console.workspace.pane("search").target()
        number = target.number if target is not None and target.kind == "hypothesis" else None
        if number is None and console.moment.trial is not None:
            number = console.moment.trial.hypothesis
        row = tree.hypothesis(number)
        parent = tree.hypothesis(row.parent) if row is not None else None
        if row is None or parent is None:
            console.say("diff: this has no parent to be compared with", "warn")
            return
        console.ask(
            lambda reader: (_named(reader, parent), _named(reader, row)),
            lambda both: self._cover("diff", partial(diff_body, *both)),
        )

    def _clusters(self) -> None:
        trial, upto = self._console.moment.trial, self._console.moment.snapshot.seq
        if trial is None:
            return

        def read(reader: SessionReader) -> tuple[list[TrialRow], list[FailureGroup]]:
            rows = [t for t in reader.trials(upto) if t.program == trial.program]
            return rows, failure_groups(reader, [r for r in rows if r.outcome is not None])

        def show(found: tuple[list[TrialRow], list[FailureGroup]]) -> None:
            self._cover(
                "clusters",
                lambda look: clusters_body(trial.program, *found, look),
                self._open_trial,
            )

        self._console.ask(read, show)

    def _open_trial(self, target: Target) -> None:
        self._console.source.choose(trial=target.number, call=None, picture=None)
        self._console.acts.looking.focus("calls")


def _named(reader: SessionReader, row: TreeRow) -> Named:
    program = reader.program(row.program)
    return f"H{row.hypothesis}", program.text if program is not None else ""


def _note_body(text: str, look: Look) -> Body:
    return Body(
        "What happened",
        FixedLines(markdown_lines(text, look.width)),
        foot="H writes it down, esc closes",
    )
