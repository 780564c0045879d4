"""When a run counts as successful: one rule, said in words, found again in the event log. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError

_WINDOW = re.compile(r"(\d+)/(\d+)\Z")
_ROW = re.compile(r"row:(\d+)\Z")


class Criterion(Struct, frozen=True):
    """``k`` passes among the last ``n`` judged trials of one program, the window full.

    ``k == 0`` means the run's own word: it ended with PASS on held-out scenes.
    """

    k: int = 0
    n: int = 0

    def in_words(self) -> str:
        if self.k == 0:
            return "the run ended with PASS by its task's own criterion"
        if self.k == self.n == 1:
            return "the first PASS"
        if self.k == self.n:
            return f"{self.n} PASS in a row of one program"
        return f"{self.k} PASS in the last {self.n} trials of one program"

    def met(self, outcomes: Sequence[bool]) -> bool:
        """Whether the newest window of one program's outcomes fulfils it."""
        if self.k == 0 or len(outcomes) < self.n:
            return False
        return sum(outcomes[len(outcomes) - self.n :]) >= self.k


RUN = Criterion()


def parse_criterion(text: str) -> Criterion:
    """``run``, ``first``, ``K/N`` or ``row:N``.

    Raises:
        ConfigError: It is none of these.
    """
    if text == "run":
        return RUN
    if text == "first":
        return Criterion(1, 1)
    if row := _ROW.match(text):
        k = n = int(row[1])
    elif window := _WINDOW.match(text):
        k, n = int(window[1]), int(window[2])
    else:
        k = n = 0
    if not 1 <= k <= n:
        raise ConfigError(f"criterion {text!r}: say run, first, K/N with 1 ≤ K ≤ N, or row:N")
    return Criterion(k, n)


def until(text: str, scenes: int) -> Criterion:
    """When a search has nothing left to gain: as asked, or every selection scene passed.

    Raises:
        ConfigError: It asks for more than there are scenes.
    """
    if not text:
        return Criterion(scenes, scenes)
    asked = parse_criterion(text)
    if asked.n > scenes:
        raise ConfigError(f"--until {text}: the task has {scenes} selection scenes")
    return asked
