"""Errors of the drivers; the class says who must act."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.types import Finding


class CellFileError(ValueError):
    """The cell file is wrong: the person who wrote it must mend it."""


class CellRefused(Exception):
    """The driver refused a command, nothing moved. ``code`` is stable, ``text`` is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class CellFault(Exception):
    """The cell cannot go on: hardware or host is gone or in FAULT. A person must look."""


class DeviceFinding(OSError):
    """A device cannot be used; ``finding`` says why and what to do."""

    def __init__(self, finding: Finding, text: str) -> None:
        super().__init__(text)
        self.finding = finding


class DeviceGone(OSError):
    """The device is no longer there (unplugged, its port closed): waiting will not bring it back.

    Raised by drivers from ``read`` and ``write``; any other OSError means "not in this period".
    """
