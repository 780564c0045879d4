"""The operator's editor: it gets the terminal, and the screen comes back whole after it."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

Editor = Callable[[Path], None]


def editor_of(environment: Mapping[str, str]) -> Editor:
    """What opens a file for the operator: ``$VISUAL``, ``$EDITOR``, else vi."""
    command = environment.get("VISUAL") or environment.get("EDITOR") or "vi"

    def edit(path: Path) -> None:
        subprocess.run([*shlex.split(command), str(path)], check=True)

    return edit


class Editing:
    """Edits files and texts. Nothing is drawn meanwhile, and no key reaches the console."""

    def __init__(self, console: Console, editor: Editor | None) -> None:
        self._console = console
        self._editor = editor

    @property
    def possible(self) -> bool:
        return self._editor is not None

    def file(self, path: Path) -> bool:
        """Hand the terminal over. Whether the editor ended well."""
        if self._editor is None:
            self._console.say("no editor: set $EDITOR", "warn")
            return False
        away: AbstractContextManager[None] = (
            nullcontext() if self._console.is_headless else self._console.suspend()
        )
        try:
            with away:
                self._editor(path)
        except (OSError, ValueError, subprocess.SubprocessError, SuspendNotSupported) as error:
            self._console.say(f"the editor failed: {error}", "warn")
            return False
        return True

    def text(self, text: str, name: str) -> str | None:
        """A text after the editor had it; None when it could not be edited."""
        with tempfile.TemporaryDirectory(prefix="aspire-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            edited = self.file(path)
            return path.read_text(encoding="utf-8", errors="replace") if edited else None
