"""``--perception`` and ``--perception-model``: how programs see, told before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.provider import choose_model, missing_for
from aspire_tui.strict_toml import suggestion

STACKS: Final = ("classical", "server", "vlm")
MODEL_STACK: Final = "vlm"

PerceptionOption = Annotated[
    str,
    typer.Option("--perception", help="How programs see: classical, server or vlm; the cell's."),
]
PerceptionModel = Annotated[
    str,
    typer.Option(
        "--perception-model", help="PROVIDER:NAME programs may ask about pictures; vlm needs one."
    ),
]
PerceptionUrl = Annotated[
    str, typer.Option("--perception-url", help="Where that model answers, if not its provider.")
]


@dataclass(frozen=True)
class SightChoice:
    """Fields of a run's specification."""

    stack: str
    model: str
    base_url: str


def sight_choice(
    stack: str, model: str, base_url: str, environment: Mapping[str, str] = os.environ
) -> SightChoice:
    """What was asked for, checked.

    Raises:
        ConfigError: An unknown stack, or a model that cannot be asked.
    """
    if stack not in ("", *STACKS):
        raise ConfigError(f"--perception {stack}: unknown; {suggestion(stack, STACKS)}")
    if stack == MODEL_STACK and not model:
        raise ConfigError("--perception vlm asks a model: --perception-model PROVIDER:NAME")
    if base_url and not model:
        raise ConfigError("--perception-url goes with --perception-model")
    if model:
        missing = missing_for(choose_model(model, base_url), environment)
        if missing:
            raise ConfigError(f"--perception-model: {missing}")
    return SightChoice(stack, model, base_url)
