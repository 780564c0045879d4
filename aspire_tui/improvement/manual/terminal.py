"""The operator's terminal and editor: the two things a manual agent needs of a machine."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

ROLES = {"ok": "\x1b[32m", "bad": "\x1b[31m", "dim": "\x1b[2m", "strong": "\x1b[1m"}
PLAIN = "\x1b[0m"


class EditorFailed(Exception):
    """The editor could not be run; one line says why."""


@dataclass(frozen=True)
class Terminal:
    """Shows lines, asks for one, opens the editor on a file."""

    source: TextIO
    sink: TextIO
    editor: Callable[[Path], None]
    colour: bool = True

    def show(self, text: str = "", role: str = "") -> None:
        inert = "".join(c if c.isprintable() else "\ufffd" for c in text)
        code = ROLES.get(role, "") if self.colour else ""
        self.sink.write(f"{code}{inert}{PLAIN if code else ''}\n")
        self.sink.flush()

    def ask(self, prompt: str) -> str | None:
        """One line; None when the terminal is gone."""
        self.sink.write(f"{prompt} ")
        self.sink.flush()
        line = self.source.readline()
        return line.strip() if line else None


def editor_of(environment: Mapping[str, str]) -> Callable[[Path], None]:
    """The operator's editor: ``$VISUAL``, ``$EDITOR``, else vi."""
    command = environment.get("VISUAL") or environment.get("EDITOR") or "vi"

    def edit(path: Path) -> None:
        try:
            done = subprocess.run([*shlex.split(command), str(path)], check=False)
        except (OSError, ValueError) as error:
            raise EditorFailed(f"{command}: {error}; set EDITOR to your editor") from error
        if done.returncode != 0:
            raise EditorFailed(f"{command} ended with {done.returncode}; nothing was taken over")

    return edit
