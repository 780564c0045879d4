"""Errors of the session room; each is one line that says what to do."""

from __future__ import annotations

from pathlib import Path


class SessionFileError(ValueError):
    """Not a session this release can read: which file, what is wrong, the way out."""

    def __init__(self, path: Path | str, what: str, mend: str) -> None:
        super().__init__(f"{path}: {what}; {mend}")
        self.path = Path(path)
        self.what = what
        self.mend = mend


class RecorderFull(OSError):
    """The disk is full: this append was *not* written; events without blobs may still be."""


class RecorderClosed(RuntimeError):
    """The recorder was closed, or its writer died; nothing more can be written."""
