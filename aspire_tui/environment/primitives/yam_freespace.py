"""``freespace_move``: plan for one or both YAM arms, look at it, execute exactly that plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import MotionResult, PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import (
    Count,
    Flag,
    Key,
    Position,
    Width,
    number_between,
)
from aspire_tui.environment.primitives.gripper import to_width
from aspire_tui.environment.primitives.motion import TO_A_POSE
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.primitives.yam_grasps import best_grasp, sample_grasp_pose_anygrasp
from aspire_tui.environment.primitives.yam_hands import to_opening
from aspire_tui.environment.primitives.yam_plans import (
    FreePlan,
    cached,
    failed,
    keep,
    plan_free,
    run_free,
    target_of,
)
from aspire_tui.environment.primitives.yam_results import BatchCandidate, FreespaceResult, Grasps
from aspire_tui.environment.primitives.yam_words import Degrees, Share, Side, yam

RAD_S: Final = 1.5

JointSpeed = Annotated[float, number_between(0.05, 3.0, "rad/s")]
Weight = Annotated[float, number_between(0.0, 100.0, "")]
Tolerance = Annotated[float, number_between(1e-4, 0.5, "metres")]
ToleranceDeg = Annotated[float, number_between(0.01, 90.0, "degrees")]


@yam(
    "motion",
    ("STALE", *TO_A_POSE),
    "FreespaceResult: status 'Success', executed, trajectory_cache_key, trajectory_steps, errors, "
    "planning_mode, batch_candidates, best_candidate",
    moves=True,
    example="freespace_move(left_target_pos=[0.35, 0.2, 0.2], left_target_rpy=[0.0, 0.0, 0.0])",
)
def freespace_move(
    bench: Workbench,
    left_target_pos: Position | None = None,
    left_target_rpy: Degrees | None = None,
    right_target_pos: Position | None = None,
    right_target_rpy: Degrees | None = None,
    ik_error_threshold: Tolerance = 0.005,
    ik_rot_threshold_deg: ToleranceDeg = 2.87,
    ik_xyz_weight: Weight = 1.0,
    ik_rpy_weight: Weight = 0.3,
    left_gripper: Share | None = None,
    right_gripper: Share | None = None,
    left_gripper_target_width: Width | None = None,
    right_gripper_target_width: Width | None = None,
    planning_speed: JointSpeed = RAD_S,
    planner_backend: Key = "rrtconnect",
    solver_speed: Key = "fast",
    preview_only: Flag = False,
    grasp_candidates: Grasps | None = None,
    batch_side: Side = "right",
    batch_top_k: Count = 16,
    batch_validate_trajectory: Flag = False,
    trajectory_cache_key: Key | None = None,
) -> PrimitiveOutcome:
    """Move one or both tools to poses (metres, display RPY degrees) round what the cameras saw.

    An arm without a target stays. ``preview_only`` plans and gives a ``trajectory_cache_key``;
    called with that key the very plan is executed, or refused as STALE when an arm has moved more
    than 0.05 rad or something else was seen since. ``grasp_candidates`` for ``batch_side`` are
    ranked by whether they can be reached, then by score. What fails raises PrimitiveError that
    begins with their word for it. Poses are met to 1 mm and 0.01 rad or refused, whatever the
    thresholds, weights and backends, which are the YAM's.
    """
    chosen: list[BatchCandidate] = []
    mode: Literal["single", "batch", "cached"] = "single"
    if trajectory_cache_key is not None:
        plan, why, status = cached(bench, trajectory_cache_key)
        if plan is None:
            return failed(status, why)
        mode = "cached"
    elif grasp_candidates is not None:
        plan, chosen = best_grasp(
            bench, grasp_candidates, batch_side, min(batch_top_k, 16), planning_speed
        )
        mode = "batch"
        if plan is None:
            why = chosen[0].motion_plan_reason if chosen else "no grasp candidates"
            return failed("IK_FAILED" if chosen else "INVALID", why)
    else:
        wanted = {
            "left": target_of(bench.of_arm("left"), left_target_pos, left_target_rpy),
            "right": target_of(bench.of_arm("right"), right_target_pos, right_target_rpy),
        }
        targets = {side: T for side, T in wanted.items() if T is not None}
        if not targets:
            return failed("INVALID", "no target for either arm")
        plan = plan_free(bench, targets, planning_speed)
    if plan.status != "OK":
        return failed(plan.status, plan.detail)
    if preview_only:
        return _previewed(bench, plan, mode, chosen)
    outcome = run_free(bench, plan)
    if outcome.status != "OK":
        return failed(outcome.status, outcome.summary)
    hands = (
        ("left", left_gripper, left_gripper_target_width),
        ("right", right_gripper, right_gripper_target_width),
    )
    return _gripped(bench, hands) or _moved(plan, mode, chosen, trajectory_cache_key, outcome)


def _side(plan: FreePlan) -> str:
    return next(iter(plan.targets)) if len(plan.targets) == 1 else "both"


def _chosen(tried: list[BatchCandidate]) -> BatchCandidate | None:
    return next((c for c in tried if c.motion_plan_error is False), None)


def _previewed(
    bench: Workbench,
    plan: FreePlan,
    mode: Literal["single", "batch", "cached"],
    tried: list[BatchCandidate],
) -> PrimitiveOutcome:
    key, side = keep(bench, plan), _side(plan)
    shown = FreespaceResult(
        "OK", "", "Success", False, key, plan.steps, mode, "previewed", 0.0,
        side=side, batch_candidates=tried, best_candidate=_chosen(tried),
    )  # fmt: skip
    return PrimitiveOutcome("OK", shown, f"{key}: planned for {side}, {plan.steps} steps")


def _gripped(
    bench: Workbench, hands: Sequence[tuple[str, float | None, float | None]]
) -> PrimitiveOutcome | None:
    """Move the fingers of each hand that is asked for, by width or by share; what went wrong."""
    for arm, opening, width in hands:
        own = bench.of_arm(arm)
        if width is not None:
            gripped = to_width(own, width, 0.5 * own.arm.gripper.max_force_N)
        elif opening is not None:
            gripped = to_opening(own, opening, None, None)
        else:
            continue
        if gripped.status not in ("OK", "EMPTY_GRASP"):
            return failed(gripped.status, f"{arm}: {gripped.summary}")
    return None


def _moved(
    plan: FreePlan,
    mode: Literal["single", "batch", "cached"],
    tried: list[BatchCandidate],
    key: str | None,
    outcome: PrimitiveOutcome,
) -> PrimitiveOutcome:
    result = outcome.value
    assert isinstance(result, MotionResult)
    value = FreespaceResult(
        status="OK",
        detail=outcome.summary,
        says="Success",
        executed=True,
        trajectory_cache_key=key or "",
        trajectory_steps=plan.steps,
        planning_mode=mode,
        ik_error_m=0.0,
        final_pos_error_m=result.error_m,
        final_rot_error_deg=float(np.degrees(result.error_rad or 0.0)),
        side=_side(plan),
        batch_candidates=tried,
        best_candidate=_chosen(tried),
        duration_s=result.duration_s,
    )
    return PrimitiveOutcome(
        "OK", value, outcome.summary, error_m=outcome.error_m, evidence=outcome.evidence
    )


@yam(
    "motion",
    TO_A_POSE,
    "FreespaceResult of a preview: best_candidate, trajectory_cache_key",
    example='select_best_grasp(sample_grasp_pose_anygrasp("red cube"), side="left")',
)
def select_best_grasp(
    bench: Workbench, grasp_candidates: Grasps, side: Side = "right"
) -> PrimitiveOutcome:
    """Plan the grasps for one arm and keep the best that can be reached, as a preview."""
    arguments = {"grasp_candidates": grasp_candidates, "batch_side": side, "preview_only": True}
    return freespace_move.function(bench, **arguments)  # type: ignore[no-any-return]


PRIMITIVES: tuple[Primitive, ...] = (
    freespace_move,
    sample_grasp_pose_anygrasp,
    select_best_grasp,
)
