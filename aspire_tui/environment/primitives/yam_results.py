"""What the YAM's free moves and grasp searches take and give: grasps, candidates, results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Status
from aspire_tui.environment.primitives.arguments import InvalidArgument, finite


class GraspChoice(msgspec.Struct, frozen=True):
    """One way to hold a thing: tool position in metres, display RPY in degrees."""

    position: NDArray[np.float64]
    rpy: NDArray[np.float64]
    score: float
    width: float


class BatchCandidate(msgspec.Struct, frozen=True):
    """One of several grasps as planning found it."""

    rank: int
    source_index: int
    position: NDArray[np.float64]
    rpy: NDArray[np.float64]
    score: float
    width: float
    ik_error_m: float | None
    within_ik_threshold: bool
    planner_status: str
    motion_plan_error: bool | None
    """False: it can be executed. None: no joints reach it. True: no way leads there."""
    motion_plan_reason: str
    trajectory_steps: int
    trajectory_cache_key: str


class FreespaceResult(msgspec.Struct, frozen=True):
    """How a free move was planned and, unless it was a preview, how it ended."""

    status: Status
    detail: str
    says: str
    executed: bool
    trajectory_cache_key: str
    trajectory_steps: int
    planning_mode: Literal["single", "batch", "cached"]
    reason: str = ""
    ik_error_m: float | None = None
    final_pos_error_m: float | None = None
    final_rot_error_deg: float | None = None
    side: str = ""
    batch_candidates: list[BatchCandidate] = []
    best_candidate: BatchCandidate | None = None
    duration_s: float = 0.0


def _fields(grasp: Any) -> dict[str, Any]:
    """A grasp as a dict, a struct, or what a program got and hands back."""
    if isinstance(grasp, dict):
        return grasp
    if isinstance(grasp, GraspChoice):
        return msgspec.structs.asdict(grasp)
    return dict(getattr(grasp, "fields", {}))


def _grasps(value: Any) -> list[GraspChoice]:
    """list of at most 64 grasps, each with position (metres), rpy (degrees), score, width"""
    if not isinstance(value, (list, tuple)) or len(value) > 64:
        raise InvalidArgument("is not a list of at most 64 grasps")
    out = []
    for each in value:
        known = _fields(each)
        try:
            p = finite((3,), "position in metres", 10.0)(known["position"])
            rpy = finite((3,), "rpy in degrees", 1e4)(known["rpy"])
        except KeyError as missing:
            raise InvalidArgument(f"has a grasp without {missing}") from None
        score, width = float(known.get("score", 0.0)), float(known.get("width", 0.0))
        out.append(GraspChoice(p, rpy, score, width))
    return out


Grasps = Annotated[list[GraspChoice], _grasps]
