"""Options that several verbs take when they start an engine."""

from __future__ import annotations

from typing import Annotated

import typer

CellOption = Annotated[str, typer.Option("--cell", help="Cell by name or file.")]
RetriesOption = Annotated[
    int,
    typer.Option(
        "--retries", min=1, max=8, help="Attempts in one trial, each told the failures before it."
    ),
]
NoSandbox = Annotated[
    bool,
    typer.Option(
        "--i-accept-no-sandbox", help="Run where no sandbox can be made; brands the session."
    ),
]
NoNoise = Annotated[
    bool,
    typer.Option("--noise-off", help="Perfect cameras and joints (stand-in); brands the session."),
]
