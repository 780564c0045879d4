"""When no signature fits: skills whose words fit the failure, by BM25, with the words shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from aspire_tui.library.load import Library
from aspire_tui.library.match import Failure, Match, match
from aspire_tui.library.skill import Skill

if TYPE_CHECKING:
    from rank_bm25 import BM25Okapi

MOST = 8
"""Skills offered by text: a hint to read, where a signature is a claim."""
_WORD = re.compile(r"[a-z0-9]+")
_EMPTY = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "into", "is", "it", "its", "of", "on"}
    | {"or", "that", "the", "to", "was", "with"}
)


class TextIndex:
    """A library's words, counted once. Superseded skills are not in it."""

    def __init__(self, library: Library) -> None:
        superseded = library.superseded()
        self._skills = [s for s in library.skills if s.name not in superseded]
        self._words = [words_of(_text(s)) for s in self._skills]
        self._holding: dict[str, set[int]] = {}
        for i, words in enumerate(self._words):
            for word in words:
                self._holding.setdefault(word, set()).add(i)

    @cached_property
    def _index(self) -> BM25Okapi:
        from rank_bm25 import BM25Okapi  # numpy; only who searches by text pays

        return BM25Okapi(self._words)

    def search(
        self, text: str, declared: Collection[str] | None = None, most: int = MOST
    ) -> tuple[Match, ...]:
        """The skills that share telling words with a text, best first.

        A word that most skills have tells nothing, and is not asked for.
        """
        half = max(1, len(self._skills) // 2)
        asked = [
            w for w in dict.fromkeys(words_of(text)) if 0 < len(self._holding.get(w, ())) <= half
        ]
        candidates = sorted(set().union(*(self._holding[w] for w in asked)))
        if declared is not None:
            names = set(declared)
            candidates = [i for i in candidates if not set(self._skills[i].uses) - names]
        if not candidates:
            return ()
        scores = self._index.get_batch_scores(asked, candidates)
        ranked = sorted(zip(scores, candidates, strict=True), key=lambda p: (-p[0], p[1]))
        return tuple(self._match(i, float(score), asked) for score, i in ranked[:most])

    def _match(self, i: int, score: float, asked: Sequence[str]) -> Match:
        shared = [w for w in asked if i in self._holding[w]]
        why = f"no signature fits; shares the words {', '.join(shared[:6])}"
        return Match(self._skills[i], round(score, 6), why)


def match_or_search(
    failure: Failure,
    library: Library,
    index: TextIndex,
    words: str = "",
    declared: Collection[str] | None = None,
) -> tuple[Match, ...]:
    """By signature; only where none fits, by the words of the failure and of what was said."""
    found = match(failure, library, declared)
    return found or index.search(f"{_said(failure)} {words}", declared)


def words_of(text: str) -> list[str]:
    """Words as they are compared: lower case, split at underscores, without the empty ones."""
    return [w for w in _WORD.findall(text.lower()) if w not in _EMPTY and len(w) > 1]


def _text(skill: Skill) -> str:
    d = skill.definition
    parts: Sequence[str] = (
        skill.name,
        skill.description,
        skill.text,
        d.applies.when,
        *d.signature.primitives,
        *d.signature.statuses,
        *d.signature.checks,
    )
    return " ".join(parts)


def _said(failure: Failure) -> str:
    return " ".join((failure.primitive, failure.status, *failure.checks))
