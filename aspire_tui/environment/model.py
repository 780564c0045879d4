"""The model a program may ask about pictures, behind whatever holds its key. No key is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aspire_tui.environment.services import ServiceFailed

Picture = tuple[str, bytes]
"""Media type and bytes."""


class Model(Protocol):
    """A vision-language model."""

    @property
    def name(self) -> str:
        """As it was chosen, ``PROVIDER:NAME``."""
        ...

    def ask(self, question: str, pictures: Sequence[Picture], temperature: float) -> str:
        """Its answer. Raises ServiceFailed when it cannot be asked."""
        ...


class NoModel:
    """Nobody chose a model for this run."""

    name = ""

    def ask(self, question: str, pictures: Sequence[Picture], temperature: float) -> str:
        raise ServiceFailed(
            "FAULT", "no model was chosen for programs: start with --perception-model PROVIDER:NAME"
        )
