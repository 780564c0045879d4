"""An emulated cell of one's own in a workspace of one's own; nothing is left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from typist import CHECKOUT, Typist

from drivers.emu.fault_socket import NAME, FaultClient
from drivers.hostlock import holder_of

CELLS = CHECKOUT / "drivers" / "cells"


@dataclass
class Served:
    """A workspace, its runtime folder, and one emulated cell's file."""

    name: str
    workspace: Path
    runtime: Path
    typists: list[Typist] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.workspace / "cells" / f"{self.name}.toml"

    @property
    def folder(self) -> Path:
        return self.runtime / "aspire" / f"cell-{self.name}"

    def type(self, *arguments: str) -> Typist:
        typist = Typist(arguments, self.workspace, self.runtime)
        self.typists.append(typist)
        return typist

    def inject(self, fault: str, **given: float | str) -> None:
        with FaultClient(self.folder / NAME) as faults:
            faults.inject(fault, **given)


@contextlib.contextmanager
def served(name: str) -> Iterator[Served]:
    # Not tmp_path: a Unix socket's path ends at 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    made = Served(name, folder / "ws", folder)
    made.path.parent.mkdir(parents=True)
    text = (CELLS / "so101-emulated.toml").read_text()
    text = text.replace('name = "so101-emulated"', f'name = "{name}"')
    made.path.write_text(text)
    shutil.copy(CELLS / "so101-emulated.json", made.path.parent)
    try:
        yield made
    finally:
        for typist in made.typists:
            typist.close()
        holder = holder_of(made.folder / "lock")
        if holder is not None:
            fd = os.pidfd_open(holder.pid)
            os.kill(holder.pid, signal.SIGTERM)
            Typist.gone(fd)
        shutil.rmtree(folder, ignore_errors=True)
