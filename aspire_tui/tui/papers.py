"""What a screen writes beside the session: the hand-over note, the hypotheses as a repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aspire_tui.session.handover import hand_over
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean
from aspire_tui.tui.screen.text import Line, line, wrap
from aspire_tui.tui.verbs import run_verb

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console


def markdown_lines(text: str, width: int) -> list[Line]:
    """Plain Markdown as lines: headings stand out, nothing is rendered."""
    lines: list[Line] = []
    for row in clean(text).split("\n"):
        if row.startswith("#"):
            lines.append(line((row.lstrip("# "), "title")))
        else:
            lines += wrap(row, width, "", "", "  ")
    return lines


class Papers:
    """Writes files in the reading thread and says where they are."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""
        self._path = ""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"hand_over": self._hand_over, "export": self._export}

    def _folder(self) -> Path:
        """Beside the session where that can be written, else the workspace."""
        keeps = self._console.keeps
        return keeps.parent / "papers" if keeps is not None else self._console.source.path.parent

    def _hand_over(self) -> None:
        path = self._folder() / f"{self._console.source.path.stem}-hand-over.md"

        def write(reader: SessionReader) -> tuple[Path, str]:
            text = hand_over(reader)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return path, text

        self._console.ask_aside(write, self._handed_over)

    def _handed_over(self, written: tuple[Path, str]) -> None:
        path, self._text = written
        self._path = str(path)
        self._record(f"hand-over note written: {path}")
        self._console.acts.cover_with(Cover("hand over", self._body))

    def _export(self) -> None:
        folder = self._folder() / f"{self._console.source.path.stem}-git"

        def write(reader: SessionReader) -> str:
            folder.parent.mkdir(parents=True, exist_ok=True)
            said = run_verb(self._workspace(), "export", str(reader.path.resolve()), str(folder))
            return said.splitlines()[0]

        self._console.ask_aside(write, lambda said: self._record(f"exported: {said}"))

    def _workspace(self) -> Path | None:
        keeps = self._console.keeps
        return keeps.parent if keeps is not None else None

    def _record(self, text: str) -> None:
        """In the session while it is written; on the screen in any case."""
        if self._console.mode == "live" and not self._console.live.engine_gone:
            self._console.orders.send("note", {"text": text})
        self._console.say(text, "ok")

    def _body(self, look: Look) -> Body:
        return Body(
            "Hand-over",
            FixedLines(markdown_lines(self._text, look.width)),
            foot=f"{self._path}  esc closes",
        )
