"""Where the text of a proposed program comes from: written out, edited, or a draft of a skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aspire_tui.domain import Repair, sha256_hex
from aspire_tui.evolution.tree import Hypothesis
from aspire_tui.improvement.answers import Spliced
from aspire_tui.improvement.edits import Edit, EditError, difference, edited
from aspire_tui.improvement.tools import ToolRefused

NAME_LENGTH: Final = 12


@dataclass
class Drafts:
    """Programs with a skill spliced in that are not in the tree yet, by a short hash."""

    _programs: dict[str, str] = field(default_factory=dict)
    _repairs: dict[str, Repair] = field(default_factory=dict)

    def keep(self, before: str, program: str, repair: Repair) -> Spliced:
        """Note a spliced program; what an agent is told of it."""
        name = sha256_hex(program.encode())[:NAME_LENGTH]
        self._programs[name], self._repairs[program] = program, repair
        return Spliced(name, tuple(difference(before, program)), program)

    def text(
        self, program: str, edits: Sequence[Edit], draft: str, parent: Hypothesis | None
    ) -> str:
        """The one program that is meant.

        Raises:
            ToolRefused: None or several were given, or they do not fit.
        """
        given = sum(bool(way) for way in (program, edits, draft))
        if given != 1:
            raise ToolRefused("give one of program, edits and draft")
        if program:
            return program
        if draft:
            if draft not in self._programs:
                known = ", ".join(self._programs) or "none"
                raise ToolRefused(f"there is no draft {draft}; there are: {known}")
            return self._programs[draft]
        if parent is None:
            raise ToolRefused("edits need a parent: they change its program")
        try:
            return edited(parent.program, edits)
        except EditError as error:
            raise ToolRefused(str(error)) from None

    def repairs(self, program: str, parent: Hypothesis | None, *, anew: bool) -> tuple[Repair, ...]:
        """The repairs by skills on the way to a program; in one written ``anew`` nobody knows."""
        earlier = parent.repairs if parent is not None else ()
        mine = self._repairs.get(program)
        if mine is None:
            return () if anew else earlier
        return (*earlier, mine)
