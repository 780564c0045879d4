"""The perception stacks of one cell, and which of them programs get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aspire_tui.environment.model import Model, NoModel
from aspire_tui.environment.perception.model_sight import ModelSight
from aspire_tui.environment.perception.server_sight import Servers, ServerSight
from aspire_tui.environment.perception.sight import CLASSICAL, ClassicalSight, Sight
from aspire_tui.environment.services import ServiceFailed
from drivers.types import PerceptionSection

STACKS: Final = (CLASSICAL, "server", "vlm")


@dataclass(frozen=True)
class Stacks:
    """By name. A call that names none gets ``chosen``."""

    chosen: str = CLASSICAL
    known: Mapping[str, Sight] = field(default_factory=lambda: {CLASSICAL: ClassicalSight()})

    @classmethod
    def of(cls, section: PerceptionSection, model: Model | None = None, chosen: str = "") -> Stacks:
        """Those a cell file and a run offer.

        Args:
            chosen: What the run was started with; empty: what the cell file says.
        """
        known: dict[str, Sight] = {
            CLASSICAL: ClassicalSight(),
            "server": ServerSight(
                Servers(
                    section.segment_url, section.point_url, section.point_model, section.within_s
                )
            ),
            "vlm": ModelSight(model or NoModel()),
        }
        return cls(chosen or section.stack, known)

    def named(self, name: str | None) -> Sight:
        """The stack a call asks for. Raises ServiceFailed with INVALID for one there is not."""
        found = self.known.get(name or self.chosen)
        if found is None:
            told = ", ".join(self.known)
            raise ServiceFailed("INVALID", f"no perception stack {name!r}; there are {told}")
        return found
