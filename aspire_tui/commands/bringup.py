"""What every step of setting up a cell works with."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aspire_tui.commands.bench_arm import BenchArm
from aspire_tui.commands.person import Person
from aspire_tui.config import PACKAGE
from aspire_tui.errors import ConfigError
from drivers.cameras.calibration.board import BoardSpec
from drivers.cellfile import CellFile, load_cell
from drivers.client import CellClient
from drivers.errors import CellFault
from drivers.runtime_dir import CellPaths, cell_paths
from drivers.spawn import ensure_host, running_host
from drivers.types import ArmSpec

SHIPPED = PACKAGE.parent / "drivers" / "cells"
HARDWARE_SHARE = 0.2
"""Of each joint's fastest speed: people stand at the bench."""
EMULATED_SHARE = 0.7
GONE_WITHIN_S = 15.0


@dataclass
class Bringup:
    """One cell being set up by one person."""

    path: Path
    cell: CellFile
    person: Person
    who: str
    board: BoardSpec
    views: int
    arm_name: str = ""
    """Which arm is meant; the first unless said."""

    @property
    def emulated(self) -> bool:
        return self.cell.info.kind == "emulated"

    @property
    def arm(self) -> ArmSpec:
        """The arm that is led, and that cameras are calibrated against."""
        arms = {arm.name: arm for arm in self.cell.info.arms}
        return arms[self.arm_name or next(iter(arms))]

    @property
    def paths(self) -> CellPaths:
        return cell_paths(self.cell.info.name)

    def reload(self) -> None:
        """After the file was changed."""
        self.cell = load_cell(self.path)

    @contextmanager
    def served(self) -> Iterator[BenchArm]:
        """The cell's host, running, and its arm made ready to move."""
        ensure_host(self.path.resolve(), self.cell.info.name, self.who, timeout_s=60.0)
        client = CellClient(self.cell.info.name, who=self.who)
        try:
            share = EMULATED_SHARE if self.emulated else HARDWARE_SHARE
            box = self.cell.info.workspace
            arm = BenchArm(client, self.arm, box, self.person, self.who, share)
            arm.make_ready()
            yield arm
        finally:
            client.close()

    def restart(self) -> None:
        """Let the host go, so that the next one reads the changed file; the arm holds meanwhile."""
        name = self.cell.info.name
        if running_host(name) is None:
            return
        client = CellClient(name, who=self.who)
        try:
            client.shutdown(self.who)
        finally:
            client.close()
        until_s = time.monotonic() + GONE_WITHIN_S
        while running_host(name) is not None:
            if time.monotonic() > until_s:
                raise CellFault(f"the host of {name} does not end; see {self.paths.log}")
            time.sleep(0.05)


def now_text() -> str:
    """This moment, with its zone, as files have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def require_own(path: Path) -> None:
    """Raises ConfigError for a cell file that ships: those are not written to."""
    if path.resolve().parent == SHIPPED.resolve():
        raise ConfigError(
            f"{path.stem} is a cell that ships and is not written to; make your own: "
            f"aspire-tui cells new my-{path.stem} --from {path.stem}"
        )
