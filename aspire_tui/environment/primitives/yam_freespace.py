"""``freespace_move``: plan for one or both YAM arms, look at it, execute exactly that plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Preview, Workbench
from aspire_tui.environment.motion.execution import Move, execute, prepare, stale
from aspire_tui.environment.motion.pair import PairPlan, execute_pair, plan_pair
from aspire_tui.environment.motion.pose import FloatArray, pose_matrix
from aspire_tui.environment.motion.reach import reach
from aspire_tui.environment.motion.survey import survey
from aspire_tui.environment.outcome import MotionResult, PrimitiveOutcome
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.perception.topdown import grasp_on_box
from aspire_tui.environment.primitives.arguments import (
    Count,
    Flag,
    Fraction,
    InvalidArgument,
    Key,
    Position,
    Prompt,
    Width,
    finite,
    number_between,
)
from aspire_tui.environment.primitives.display_rpy import rpy_of, tool_rotation
from aspire_tui.environment.primitives.grasping import OPEN_MARGIN_M, gripper_shape
from aspire_tui.environment.primitives.gripper import to_width
from aspire_tui.environment.primitives.motion import TO_A_POSE
from aspire_tui.environment.primitives.perception import NoSuchCamera, find
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.primitives.yam import (
    Degrees,
    Share,
    Side,
    camera_named,
    no_camera,
    to_opening,
    yam,
)

THEIRS: Final[dict[Status, str]] = {
    "IK_FAILED": "IK_Failed",
    "LIMIT": "IK_Failed",
    "PLANNING_ERROR": "Planning_Failed",
    "COLLISION": "Planning_Failed",
    "INVALID": "Invalid",
    "STALE": "Preview_Stale",
}
RAD_S: Final = 1.5
MISSING: Final = "no preview"


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
JointSpeed = Annotated[float, number_between(0.05, 3.0, "rad/s")]
Weight = Annotated[float, number_between(0.0, 100.0, "")]
Tolerance = Annotated[float, number_between(1e-4, 0.5, "metres")]
ToleranceDeg = Annotated[float, number_between(0.01, 90.0, "degrees")]


@dataclass(frozen=True, eq=False)
class _Both:
    """A previewed plan of one or two arms."""

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


def _target(bench: Workbench, pos: FloatArray | None, rpy: FloatArray | None) -> FloatArray | None:
    """A tool pose; what is left out stays as it is. None: the arm stays."""
    if pos is None and rpy is None:
        return None
    T = bench.kinematics.tool_pose(bench.joints_commanded()).copy()
    if pos is not None:
        T[:3, 3] = pos
    if rpy is not None:
        T[:3, :3] = tool_rotation(rpy)
    return T


def _plan(bench: Workbench, targets: dict[str, FloatArray], speed_rad_s: float) -> _Both:
    fastest = max(j.vmax_rad_s for b in bench.benches for j in b.arm.joints[:3])
    speed = min(1.0, speed_rad_s / fastest)
    before = [b.speed for b in bench.benches]
    for b in bench.benches:
        b.speed = speed
    try:
        if len(targets) == 2:
            ordered = [targets[b.arm.name] for b in bench.benches]
            return _Both(targets, None, plan_pair(bench, ordered), speed)
        (side, T), *_ = targets.items()
        own = bench.of_arm(side)
        return _Both(targets, prepare(own, reach(own, T), T), None, speed)
    finally:
        for b, was in zip(bench.benches, before, strict=True):
            b.speed = was


def _keep(bench: Workbench, plan: _Both) -> str:
    first = bench.benches[0]
    key = f"free-{first.rng.integers(16**8):08x}"
    q = np.concatenate([b.joints() for b in bench.benches])
    versions = "-".join(str(survey(b).version) for b in bench.benches)
    first.previews[key] = Preview(key, q, (plan, versions), np.eye(4))
    return key


def _run(bench: Workbench, plan: _Both) -> PrimitiveOutcome:
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


def _failed(status: Status, detail: str) -> PrimitiveOutcome:
    word = THEIRS.get(status, "Execution_Failed")
    if status == "STALE" and detail.startswith(MISSING):
        word = "Preview_Missing"
    return PrimitiveOutcome(status, None, f"{word}: {detail}", raises=True)


def _cached(bench: Workbench, key: str) -> tuple[_Both | None, str, Status]:
    kept = bench.benches[0].previews.get(key)
    if kept is None:
        return None, f"{MISSING} {key!r}: any motion ends all previews", "STALE"
    plan, versions = kept.trajectory  # type: ignore[misc]
    assert isinstance(plan, _Both)
    for b in bench.benches:
        if why := stale(b, b.own_part(kept.q_start)):
            return None, f"{b.arm.name}: {why}", "STALE"
    if versions != "-".join(str(survey(b).version) for b in bench.benches):
        return None, "what the cameras see has changed since the preview", "STALE"
    return plan, "", "OK"


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
        plan, why, status = _cached(bench, trajectory_cache_key)
        if plan is None:
            return _failed(status, why)
        mode = "cached"
    elif grasp_candidates is not None:
        plan, chosen = _best_grasp(
            bench, grasp_candidates, batch_side, min(batch_top_k, 16), planning_speed
        )
        mode = "batch"
        if plan is None:
            why = chosen[0].motion_plan_reason if chosen else "no grasp candidates"
            return _failed("IK_FAILED" if chosen else "INVALID", why)
    else:
        wanted = {
            "left": _target(bench.of_arm("left"), left_target_pos, left_target_rpy),
            "right": _target(bench.of_arm("right"), right_target_pos, right_target_rpy),
        }
        targets = {side: T for side, T in wanted.items() if T is not None}
        if not targets:
            return _failed("INVALID", "no target for either arm")
        plan = _plan(bench, targets, planning_speed)
    if plan.status != "OK":
        return _failed(plan.status, plan.detail)
    side = next(iter(plan.targets)) if len(plan.targets) == 1 else "both"
    best = next((c for c in chosen if c.motion_plan_error is False), None)
    if preview_only:
        key = _keep(bench, plan)
        shown = FreespaceResult(
            "OK", "", "Success", False, key, plan.steps, mode, "previewed", 0.0,
            side=side, batch_candidates=chosen, best_candidate=best,
        )  # fmt: skip
        return PrimitiveOutcome("OK", shown, f"{key}: planned for {side}, {plan.steps} steps")
    outcome = _run(bench, plan)
    if outcome.status != "OK":
        return _failed(outcome.status, outcome.summary)
    for arm, opening, width in (
        ("left", left_gripper, left_gripper_target_width),
        ("right", right_gripper, right_gripper_target_width),
    ):
        own = bench.of_arm(arm)
        if width is not None:
            gripped = to_width(own, width, 0.5 * own.arm.gripper.max_force_N)
        elif opening is not None:
            gripped = to_opening(own, opening, None, None)
        else:
            continue
        if gripped.status not in ("OK", "EMPTY_GRASP"):
            return _failed(gripped.status, f"{arm}: {gripped.summary}")
    result = outcome.value
    assert isinstance(result, MotionResult)
    value = FreespaceResult(
        status="OK",
        detail=outcome.summary,
        says="Success",
        executed=True,
        trajectory_cache_key=trajectory_cache_key or "",
        trajectory_steps=plan.steps,
        planning_mode=mode,
        ik_error_m=0.0,
        final_pos_error_m=result.error_m,
        final_rot_error_deg=float(np.degrees(result.error_rad or 0.0)),
        side=side,
        batch_candidates=chosen,
        best_candidate=best,
        duration_s=result.duration_s,
    )
    return PrimitiveOutcome(
        "OK", value, outcome.summary, error_m=outcome.error_m, evidence=outcome.evidence
    )


def _best_grasp(
    bench: Workbench, grasps: list[GraspChoice], side: str, top_k: int, speed_rad_s: float
) -> tuple[_Both | None, list[BatchCandidate]]:
    """The best-scored grasp that a way leads to, and what was found about each that was tried."""
    order = sorted(range(len(grasps)), key=lambda i: -grasps[i].score)[:top_k]
    out: list[BatchCandidate] = []
    for rank, index in enumerate(order):
        grasp = grasps[index]
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = tool_rotation(grasp.rpy), grasp.position
        plan = _plan(bench, {side: T}, speed_rad_s)
        unreachable = plan.status in ("IK_FAILED", "LIMIT")
        error: bool | None = None if unreachable else plan.status != "OK"
        out.append(
            BatchCandidate(
                rank, index, grasp.position, grasp.rpy, grasp.score, grasp.width,
                None if unreachable else 0.0, not unreachable,
                "Success" if plan.status == "OK" else THEIRS.get(plan.status, "Planning_Failed"),
                error, plan.detail, plan.steps, "",
            )
        )  # fmt: skip
        if plan.status == "OK":
            return plan, out
    return None, out


@yam(
    "grasping",
    ("OK", "NOT_FOUND"),
    "list of objects with position (metres), rpy (display degrees), score, width; best first",
    example='sample_grasp_pose_anygrasp("red cube")',
)
def sample_grasp_pose_anygrasp(
    bench: Workbench,
    object_name: Prompt,
    camera: Key = "top",
    max_grasps: Count = 10,
    top_down_only: Flag = False,
    vertical_threshold: Fraction = 0.8,
) -> PrimitiveOutcome:
    """Grasps from above on a thing, across its narrow side first. Not found raises PrimitiveError.

    Planned here from one look, without an external server.
    """
    try:
        view = bench.look(camera_named(bench, camera))
    except NoSuchCamera as error:
        return no_camera(error)
    found, _ = find(bench, object_name, [view])
    if isinstance(found, NotFound):
        return PrimitiveOutcome("NOT_FOUND", None, found.reason, raises=True)
    shape = gripper_shape(bench)
    position, wxyz, width = grasp_on_box(found, bench.table_z_m, shape)
    if width > shape.opening_m - OPEN_MARGIN_M:
        why = f"{1000 * width:.0f} mm wide, opens {1000 * shape.opening_m:.0f} mm"
        return PrimitiveOutcome("NOT_FOUND", None, f"no grasp: {why}", raises=True)
    R = pose_matrix(np.zeros(3), wxyz)[:3, :3]
    half_turn = R @ np.diag((-1.0, -1.0, 1.0))
    value = [
        GraspChoice(position, rpy_of(each), found.score - 0.01 * i, width)
        for i, each in enumerate((R, half_turn)[: min(2, max_grasps)])
    ]
    where = "({:.3f}, {:.3f}, {:.3f}) m".format(*position)
    return PrimitiveOutcome("OK", value, f"{len(value)} grasps at {where}")


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
