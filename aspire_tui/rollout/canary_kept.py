"""What a cell's canary is compared with, kept in the workspace from one session to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aspire_tui.rollout.canary import CanaryReport, Reference, compare, identity_of, in_words
from aspire_tui.skill_events import CanaryCheck

FOLDER: Final = "canaries"


class Compared(msgspec.Struct, frozen=True):
    """A canary beside its reference. ``reason`` is empty when the world is the same."""

    checks: tuple[CanaryCheck, ...]
    reason: str
    first: bool
    """There was no reference; if it held, it is one now."""


@dataclass(frozen=True)
class KeptCanary:
    """The reference of one cell, good for one cell file and one state of the code."""

    place: Path
    cell_file: Path
    noise: bool

    @classmethod
    def of(cls, workspace: Path, cell: str, cell_file: Path, *, noise: bool) -> KeptCanary:
        return cls(workspace / FOLDER / f"{cell}.json", cell_file, noise)

    def reference(self) -> Reference | None:
        """None when there is none, or it was made with another cell file or other code."""
        try:
            kept = msgspec.json.decode(self.place.read_bytes(), type=Reference)
        except (OSError, msgspec.DecodeError):
            return None
        return kept if kept.identity == self._identity() else None

    def compared(self, report: CanaryReport, reference: Reference | None) -> Compared:
        """Judge a report; the first that holds is kept."""
        checks = compare(report, report if reference is None else reference.report)
        reason = in_words(checks, report)
        if not reason and reference is None:
            self._keep(report)
        return Compared(checks, reason, reference is None)

    def _identity(self) -> str:
        return identity_of(self.cell_file.read_bytes(), self.noise)

    def _keep(self, report: CanaryReport) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        beside = self.place.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(Reference(self._identity(), report)))
        beside.replace(self.place)
