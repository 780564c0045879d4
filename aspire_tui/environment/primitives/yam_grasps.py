"""Grasps for the YAM's free moves: sampled from one look, and the best one that a way leads to."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.pose import pose_matrix
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.perception.topdown import grasp_on_box
from aspire_tui.environment.primitives.arguments import Count, Flag, Fraction, Key, Prompt
from aspire_tui.environment.primitives.display_rpy import rpy_of, tool_rotation
from aspire_tui.environment.primitives.grasping import OPEN_MARGIN_M, gripper_shape
from aspire_tui.environment.primitives.perception import NoSuchCamera, find
from aspire_tui.environment.primitives.yam_plans import THEIRS, FreePlan, plan_free
from aspire_tui.environment.primitives.yam_results import BatchCandidate, GraspChoice
from aspire_tui.environment.primitives.yam_words import camera_named, no_camera, yam


def best_grasp(
    bench: Workbench, grasps: list[GraspChoice], side: str, top_k: int, speed_rad_s: float
) -> tuple[FreePlan | None, list[BatchCandidate]]:
    """The best-scored grasp that a way leads to, and what was found about each that was tried."""
    order = sorted(range(len(grasps)), key=lambda i: -grasps[i].score)[:top_k]
    out: list[BatchCandidate] = []
    for rank, index in enumerate(order):
        grasp = grasps[index]
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = tool_rotation(grasp.rpy), grasp.position
        plan = plan_free(bench, {side: T}, speed_rad_s)
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
