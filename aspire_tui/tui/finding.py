"""Finding words in a whole session: its events, and the programs they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from aspire_tui.events import (
    AgentSaid,
    CallIntent,
    CallResult,
    Note,
    ProgramStored,
    Recorded,
    encode,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target, nothing
from aspire_tui.tui.panes.format import clock, value_text
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import fit, line, pad

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("find",)
FOUND_MOST: Final = 200
AROUND: Final = 60
"""Characters shown before what was found."""


class Hit(NamedTuple):
    """One place where the words stand."""

    seq: int
    wall_s: float
    kind: str
    words: str
    trial: int | None = None
    call: int | None = None


def search_session(reader: SessionReader, words: str) -> list[Hit]:
    """Where some words occur: in events, oldest first, and in the code of programs."""
    hits = _in_programs(reader, words)
    seq: int | None = 0
    while seq is not None and len(hits) < FOUND_MOST:
        found = reader.search(words, seq, limit=FOUND_MOST - len(hits))
        for number in found.seqs:
            recorded = reader.event(number)
            if recorded is not None:
                hits.append(_hit(recorded, words))
        seq = found.goes_on_from
    return sorted(hits)


def _in_programs(reader: SessionReader, words: str) -> list[Hit]:
    hits = []
    for recorded in reader.events(kinds=("program",)):
        assert isinstance(recorded.event, ProgramStored)
        row = reader.program(recorded.event.program)
        lines = row.text.split("\n") if row is not None else []
        for number, text in enumerate(lines, 1):
            if words.lower() in text.lower():
                said = f"{recorded.event.program[:8]} line {number}: {text.strip()}"
                hits.append(Hit(recorded.seq, recorded.wall_s, "code", said))
    return hits[:FOUND_MOST]


def _hit(recorded: Recorded, words: str) -> Hit:
    event = recorded.event
    kind = str(type(event).__struct_config__.tag)
    at = (recorded.seq, recorded.wall_s)
    match event:
        case CallIntent(trial=trial, call=call, primitive=name, args=args):
            return Hit(*at, "call", f"{trial}.{call} {name} {value_text(args)}", trial, call)
        case CallResult(trial=trial, call=call, primitive=name, status=status, summary=summary):
            return Hit(*at, "call", f"{trial}.{call} {name} {status} {summary}", trial, call)
        case AgentSaid(text=text):
            return Hit(*at, "agent", _around(text, words))
        case Note(text=text):
            return Hit(*at, "note", _around(text, words))
    trial = msgspec.to_builtins(event).get("trial")
    number = trial if isinstance(trial, int) else None
    return Hit(*at, kind, _around(encode(event).decode(), words), number)


def _around(text: str, words: str) -> str:
    """The part of a text that holds the words."""
    at = text.lower().find(words.lower())
    start = max(0, at - AROUND)
    return ("…" if start else "") + text[start : start + 400]


class Finding:
    """Asks for words, shows where they are, and goes there."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._hits: list[Hit] = []
        self._words = ""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"find": lambda: self._console.acts.type("find", "find in the whole session")}

    def entered(self, _: str, text: str) -> None:
        if text:
            self._words = text
            self._console.say(f"looking for “{text}” …", "note")
            self._console.ask_aside(lambda reader: search_session(reader, text), self._show)

    def go(self, seq: int, trial: int | None = None, call: int | None = None) -> None:
        """Show a moment of a replay; of a live session only trial and call, for time goes on."""
        if self._console.mode == "replay":
            self._console.acts.replaying.go_to(seq)
            if trial is not None:
                self._console.source.choose(trial=trial, call=call)
        elif trial is not None:
            self._console.source.choose(trial=trial, call=call, picture=None)
        else:
            self._console.say("that is no trial: a live screen stays at the present", "note")

    def _show(self, hits: list[Hit]) -> None:
        self._hits = hits
        self._console.notice = ("", "")
        self._console.acts.cover_with(Cover("found", self._body, self._open))

    def _open(self, target: Target) -> None:
        hit = self._hits[target.number]
        self.go(hit.seq, hit.trial, hit.call)

    def _body(self, look: Look) -> Body:
        title = f"Found “{clean_line(self._words, 40)}”"
        if not self._hits:
            return nothing(title, line(("nowhere in calls, texts or code", "dim")))
        rows = [
            fit(
                line(
                    (f"{clock(hit.wall_s)} ", "dim"),
                    (pad(hit.kind, 9), "dim"),
                    clean_line(hit.words, 400),
                ),
                look.width,
            )
            for hit in self._hits
        ]
        more = f"the first {FOUND_MOST}, " if len(self._hits) >= FOUND_MOST else ""
        return Body(
            title, FixedLines(rows),
            ListedTargets({i: Target("hit", i) for i in range(len(rows))}), selected=0,
            foot=f"{more}enter goes there, esc closes",
        )  # fmt: skip
