"""Plans of the YAM's free moves: made for one or both arms, kept as previews, carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Preview, Workbench
from aspire_tui.environment.motion.execution import Move, execute, prepare, stale
from aspire_tui.environment.motion.pair import PairPlan, execute_pair, plan_pair
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.reach import reach
from aspire_tui.environment.motion.survey import survey
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.display_rpy import tool_rotation

THEIRS: Final[dict[Status, str]] = {
    "IK_FAILED": "IK_Failed",
    "LIMIT": "IK_Failed",
    "PLANNING_ERROR": "Planning_Failed",
    "COLLISION": "Planning_Failed",
    "INVALID": "Invalid",
    "STALE": "Preview_Stale",
}
MISSING: Final = "no preview"


@dataclass(frozen=True, eq=False)
class FreePlan:
    """A plan of one or two arms: tool poses by arm, and how they get there."""

    targets: dict[str, FloatArray]
    move: Move | None
    pair: PairPlan | None
    speed: float

    @property
    def status(self) -> Status:
        if self.move is not None:
            return self.move.status
        return "OK" if self.pair is None else self.pair.status

    @property
    def detail(self) -> str:
        if self.move is not None:
            return self.move.detail
        return "" if self.pair is None else self.pair.detail

    @property
    def steps(self) -> int:
        if self.move is not None:
            return 0 if self.move.trajectory is None else len(self.move.trajectory.t_s)
        legs = () if self.pair is None else self.pair.legs
        return sum(len(leg.samples(0.05)) for leg in legs)


def target_of(
    bench: Workbench, pos: FloatArray | None, rpy: FloatArray | None
) -> FloatArray | None:
    """A tool pose; what is left out stays as it is. None: the arm stays."""
    if pos is None and rpy is None:
        return None
    T = bench.kinematics.tool_pose(bench.joints_commanded()).copy()
    if pos is not None:
        T[:3, 3] = pos
    if rpy is not None:
        T[:3, :3] = tool_rotation(rpy)
    return T


def plan_free(bench: Workbench, targets: dict[str, FloatArray], speed_rad_s: float) -> FreePlan:
    fastest = max(j.vmax_rad_s for b in bench.benches for j in b.arm.joints[:3])
    speed = min(1.0, speed_rad_s / fastest)
    before = [b.speed for b in bench.benches]
    for b in bench.benches:
        b.speed = speed
    try:
        if len(targets) == 2:
            ordered = [targets[b.arm.name] for b in bench.benches]
            return FreePlan(targets, None, plan_pair(bench, ordered), speed)
        (side, T), *_ = targets.items()
        own = bench.of_arm(side)
        return FreePlan(targets, prepare(own, reach(own, T), T), None, speed)
    finally:
        for b, was in zip(bench.benches, before, strict=True):
            b.speed = was


def keep(bench: Workbench, plan: FreePlan) -> str:
    first = bench.benches[0]
    key = f"free-{first.rng.integers(16**8):08x}"
    q = np.concatenate([b.joints() for b in bench.benches])
    versions = "-".join(str(survey(b).version) for b in bench.benches)
    first.previews[key] = Preview(key, q, (plan, versions), np.eye(4))
    return key


def run_free(bench: Workbench, plan: FreePlan) -> PrimitiveOutcome:
    before = [b.speed for b in bench.benches]
    for b in bench.benches:
        b.speed = plan.speed
    try:
        if plan.pair is not None:
            ordered = [plan.targets[b.arm.name] for b in bench.benches]
            return execute_pair(bench, plan.pair, ordered)
        assert plan.move is not None
        (side, _), *_ = plan.targets.items()
        return execute(bench.of_arm(side), plan.move)
    finally:
        for b, was in zip(bench.benches, before, strict=True):
            b.speed = was


def failed(status: Status, detail: str) -> PrimitiveOutcome:
    word = THEIRS.get(status, "Execution_Failed")
    if status == "STALE" and detail.startswith(MISSING):
        word = "Preview_Missing"
    return PrimitiveOutcome(status, None, f"{word}: {detail}", raises=True)


def cached(bench: Workbench, key: str) -> tuple[FreePlan | None, str, Status]:
    kept = bench.benches[0].previews.get(key)
    if kept is None:
        return None, f"{MISSING} {key!r}: any motion ends all previews", "STALE"
    plan, versions = kept.trajectory  # type: ignore[misc]
    assert isinstance(plan, FreePlan)
    for b in bench.benches:
        if why := stale(b, b.own_part(kept.q_start)):
            return None, f"{b.arm.name}: {why}", "STALE"
    if versions != "-".join(str(survey(b).version) for b in bench.benches):
        return None, "what the cameras see has changed since the preview", "STALE"
    return plan, "", "OK"
