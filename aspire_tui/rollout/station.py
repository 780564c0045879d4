"""One cell made ready for trials: kinematics once, a fresh workbench for every trial."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from aspire_tui.domain import Keyframe
from aspire_tui.environment import referee, reset
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.evidence import (
    encode_depth_png,
    encode_rgb_jpeg,
    encode_rgb_png,
)
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import Primitive, catalogue
from aspire_tui.environment.task import TaskDef
from aspire_tui.rollout.journal import Journal
from aspire_tui.rollout.metered import MeteredCell
from drivers.cell import Cell


class StandIn(reset.Setter, referee.TruthSource, Protocol):
    """What only a simulated cell can do: set a scene, tell the truth."""


@dataclass(frozen=True)
class JournalEvidence:
    """Keeps pictures losslessly in the journal of the trial."""

    journal: Journal

    def keyframe(self, view: View, overlay: np.ndarray | None = None) -> Keyframe:
        depth = view.frame.depth
        return Keyframe(
            camera=view.camera,
            t_s=view.frame.t_s,
            rgb=self.journal.blob(encode_rgb_png(view.rgb), "image/png"),
            depth=None
            if depth is None
            else self.journal.blob(encode_depth_png(depth), "image/png"),
            depth_unit_m=view.frame.depth_unit_m,
            K=_rows(view.K),
            T_base_cam=_rows(view.T_base_cam),
            overlay=None
            if overlay is None
            else self.journal.blob(encode_rgb_jpeg(overlay), "image/jpeg"),
        )


def _rows(a: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in a)


@dataclass
class Station:
    """A cell, its stand-in powers and the arm's kinematics."""

    cell: MeteredCell
    stand_in: StandIn
    kinematics: Kinematics
    tier: str = ""
    _names: dict[str, dict[str, Primitive]] = field(default_factory=dict)

    @classmethod
    def on(cls, cell: Cell, stand_in: StandIn, tier: str = "") -> Station:
        """Build a station on a cell with one arm."""
        metered = MeteredCell(cell)
        return cls(metered, stand_in, Kinematics(cell.info.arms[0]), tier)

    def names(self, task: TaskDef) -> dict[str, Primitive]:
        """What a program for this task may call."""
        if task.api not in self._names:
            self._names[task.api] = catalogue(ALL, task.api, self.tier)
        return self._names[task.api]

    def workbench(self, task: TaskDef, seed: int, journal: Journal) -> Workbench:
        """A workbench that has seen nothing yet; its random numbers follow from the seed."""
        return Workbench(
            cell=self.cell,
            arm=self.cell.info.arms[0],
            kinematics=self.kinematics,
            task_language=task.instruction,
            rng=np.random.default_rng([seed, zlib.crc32(b"workbench")]),
            evidence=JournalEvidence(journal),
        )
