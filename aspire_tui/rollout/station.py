"""One cell made ready for trials: kinematics once, a fresh workbench for every trial."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Keyframe
from aspire_tui.environment import referee, reset
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.evidence import (
    encode_depth_png,
    encode_rgb_jpeg,
    encode_rgb_png,
    rows,
)
from aspire_tui.environment.model import Model, NoModel
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.people import Nobody, Operator
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import Primitive, catalogue, embodiment_of
from aspire_tui.environment.stacks import Stacks
from aspire_tui.environment.task import TaskDef
from aspire_tui.rollout.journal import Journal
from aspire_tui.rollout.metered import MeteredCell
from aspire_tui.rollout.model_link import ModelBySocket, SightSpec
from drivers.cell import Cell

VIEWS_KEPT = 4
PRIVILEGED = "S1"
"""The tier whose programs are told the truth."""


class StandIn(reset.Setter, referee.TruthSource, Protocol):
    """What only a simulated cell can do: set a scene, tell the truth."""


@dataclass(frozen=True)
class JournalEvidence:
    """Keeps pictures losslessly in the journal of the trial."""

    journal: Journal
    kept: list[tuple[View, Keyframe]] = field(default_factory=list)
    """The newest views with their keyframes: encoding one again costs as much as looking."""

    def keyframe(self, view: View, overlay: NDArray[np.uint8] | None = None) -> Keyframe:
        bare = next((k for v, k in self.kept if v is view), None) or self._keep(view)
        if overlay is None:
            return bare
        drawn = self.journal.blob(encode_rgb_jpeg(overlay), "image/jpeg")
        return msgspec.structs.replace(bare, overlay=drawn)

    def _keep(self, view: View) -> Keyframe:
        depth, blob = view.frame.depth, self.journal.blob
        keyframe = Keyframe(
            camera=view.camera,
            t_s=view.frame.t_s,
            rgb=blob(encode_rgb_png(view.rgb), "image/png"),
            depth=None if depth is None else blob(encode_depth_png(depth), "image/png"),
            depth_unit_m=view.frame.depth_unit_m,
            K=rows(view.K),
            T_base_cam=rows(view.T_base_cam),
        )
        self.kept.append((view, keyframe))
        del self.kept[:-VIEWS_KEPT]
        return keyframe


@dataclass
class Station:
    """A cell, its stand-in powers and the arm's kinematics."""

    cell: MeteredCell
    stand_in: StandIn
    kinematics: tuple[Kinematics, ...]
    """Of every arm of the cell."""
    tier: str = ""
    operator: Operator = field(default_factory=Nobody)
    stacks: Stacks = field(default_factory=Stacks)
    model: Model = field(default_factory=NoModel)
    _names: dict[str, dict[str, Primitive]] = field(default_factory=dict)

    @classmethod
    def on(
        cls,
        cell: Cell,
        stand_in: StandIn,
        tier: str = "",
        operator: Operator | None = None,
        sight: SightSpec | None = None,
    ) -> Station:
        """Build a station on a cell."""
        sight = sight or SightSpec()
        model = ModelBySocket(sight.model, sight.socket) if sight.model else NoModel()
        stacks = Stacks.of(cell.info.perception, model, sight.stack)
        metered = MeteredCell(cell)
        kinematics = tuple(Kinematics(arm) for arm in cell.info.arms)
        return cls(metered, stand_in, kinematics, tier, operator or Nobody(), stacks, model)

    def names(self, task: TaskDef) -> dict[str, Primitive]:
        """What a program for this task may call."""
        if task.api not in self._names:
            self._names[task.api] = catalogue(
                ALL, task.api, self.tier, embodiment_of(self.cell.info)
            )
        return self._names[task.api]

    def workbench(self, task: TaskDef, seed: int, journal: Journal) -> Workbench:
        """A workbench that has seen nothing yet; its random numbers follow from the seed."""
        rng = np.random.default_rng([seed, zlib.crc32(b"workbench")])
        evidence = JournalEvidence(journal)
        truth = None
        if self.tier == PRIVILEGED:
            truth = partial(referee.true_places, task, self.stand_in)
        return Workbench.joined(
            [
                Workbench(
                    cell=self.cell,
                    arm=kinematics.arm,
                    kinematics=kinematics,
                    task_language=task.instruction,
                    rng=rng,
                    evidence=evidence,
                    operator=self.operator,
                    stacks=self.stacks,
                    model=self.model,
                    truth=truth,
                )
                for kinematics in self.kinematics
            ]
        )
