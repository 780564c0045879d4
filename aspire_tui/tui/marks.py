"""Bookmarks: in the session while it is written, beside it for whoever replays it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from aspire_tui.domain import Struct
from aspire_tui.events import Bookmarked, HandAct, Note, Recorded, VerdictOverridden
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.by_hand import hand_words
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target, nothing
from aspire_tui.tui.panes.format import clock
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import fit, line, pad

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("bookmark",)
KINDS: Final = ("bookmark", "note", "override", "hand_act")


class Mark(Struct, frozen=True):
    """A bookmark of one's own."""

    seq: int
    name: str
    wall_s: float


class OwnMarks:
    """Bookmarks of a recorded session, in a file of the workspace: the recording stays as it is."""

    def __init__(self, folder: Path | None, session: Path) -> None:
        self._path = folder / f"{session.stem}.json" if folder is not None else None

    def all(self) -> list[Mark]:
        """In order of time; none when there is no file or it is none of ours."""
        if self._path is None or not self._path.is_file():
            return []
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=list[Mark])
        except (msgspec.DecodeError, OSError):
            return []
        return sorted(found, key=lambda m: m.seq)

    def add(self, mark: Mark) -> str:
        """Keep one more. Returns why not; empty when it is kept."""
        if self._path is None:
            return "no workspace to keep it in"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(msgspec.json.encode([*self.all(), mark]))
        except OSError as error:
            return f"{self._path}: {error.strerror}"
        return ""


def mark_row(recorded: Recorded) -> tuple[int, str, str, str]:
    """Where a mark leads, its kind, its words and their role."""
    event = recorded.event
    match event:
        case Bookmarked(seq=seq, name=name, who=who):
            return seq, "mark", f"{clean_line(name, 80)} ({clean_line(who, 24)})", "accent"
        case VerdictOverridden(trial=trial, before=before, outcome=outcome, note=note, who=who):
            was = before or "not judged"
            words = f"trial {trial}: {was}, {outcome} says {clean_line(who, 24)}: "
            return recorded.seq, "override", words + clean_line(note, 200), "warn"
        case HandAct():
            words, role = hand_words(event)
            return recorded.seq, "by hand", f"{words}, {clean_line(event.who, 24)}", role
        case Note(text=text, severity=severity):
            role = {"error": "bad", "warn": "warn"}.get(severity, "")
            return recorded.seq, "note", clean_line(text, 300), role
    return recorded.seq, "", "", ""


class Marks:
    """Sets bookmarks and lists what people and engine wrote down."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept = OwnMarks(console.keeps, console.source.path)
        self._found: list[Recorded] = []

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"bookmark": self._type, "marks": self._ask}

    def own(self) -> list[tuple[int, str]]:
        """Bookmarks of whoever replays."""
        return [(m.seq, m.name) for m in self._kept.all()]

    def entered(self, _: str, text: str) -> None:
        console = self._console
        if console.mode == "live":
            console.orders.send("bookmark", {"name": text})
            return
        snapshot = console.moment.snapshot
        name = text or f"event {snapshot.seq}"
        why = self._kept.add(Mark(snapshot.seq, name, snapshot.wall_s))
        console.say(why or f"bookmarked, beside the session: {name}", "warn" if why else "ok")

    def _type(self) -> None:
        self._console.acts.type("bookmark", "name of this moment; enter alone takes its number")

    def _ask(self) -> None:
        def find(reader: SessionReader) -> list[Recorded]:
            return reader.events(kinds=KINDS)

        self._console.ask(find, self._list)

    def _list(self, found: list[Recorded]) -> None:
        self._found = found
        self._console.acts.cover_with(
            Cover("marks", self._body, lambda target: self._console.acts.finding.go(target.number))
        )

    def _body(self, look: Look) -> Body:
        rows = [(r.wall_s, *mark_row(r)) for r in self._found]
        rows += [(m.wall_s, m.seq, "mark", f"{m.name} (yours)", "accent") for m in self._kept.all()]
        if not rows:
            return nothing("Marks", line(("none yet: ' sets one, \" writes a note", "dim")))
        rows.sort(key=lambda row: row[0])
        lines = [
            fit(line((f"{clock(at)} ", "dim"), (pad(kind, 9), "dim"), (words, role)), look.width)
            for at, _, kind, words, role in rows
        ]
        targets = {i: Target("event", row[1]) for i, row in enumerate(rows)}
        return Body(
            "Marks", FixedLines(lines), ListedTargets(targets), selected=len(rows) - 1,
            foot="enter goes there, esc closes",
        )  # fmt: skip
