"""Primitives that look: pictures and where things are (masks: ``masks``). Nothing here moves.

Each call keeps the pictures it used. What is not found is NOT_FOUND with the reason; calls that
gave an empty value upstream give it here, and those that cannot (a pose) raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aspire_tui.domain import Evidence, Keyframe
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.motion.survey import enter
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.camera import quaternion
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.overlay import draw_box
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.sight import CLASSICAL
from aspire_tui.environment.perception.without_depth import blind
from aspire_tui.environment.primitives.arguments import Flag, Key, Prompt
from aspire_tui.environment.primitives.registry import Primitive, primitive

ALL_CAMERAS = "all"
EVERYWHERE = ("capx", "libero", "robosuite", "r1pro", "yam")
LOW_LEVEL = ("S3", "S4")


def fixed_camera(bench: Workbench) -> str:
    """The camera that overlooks the scene: the first one that does not ride on an arm."""
    for camera in bench.cell.info.cameras:
        if camera.mount == "base":
            return camera.name
    return bench.cell.info.cameras[0].name


def hand_camera(bench: Workbench) -> str | None:
    """The first camera that rides on an arm."""
    for camera in bench.cell.info.cameras:
        if camera.mount != "base":
            return camera.name
    return None


class NoSuchCamera(ValueError):
    """A program named a camera the cell does not have."""


def views_of(bench: Workbench, camera: str | None) -> list[View]:
    """Look with the named camera: the fixed one for None, every one for ``all``.

    Where the fixed camera measures no depth, one view says too little: then None is every camera.

    Raises:
        NoSuchCamera: The cell has no camera of that name.
    """
    if camera is None:
        first = bench.look(fixed_camera(bench))
        if not blind(first):
            return [first]
        return [first, *(bench.look(n) for n in bench.cameras() if n != first.camera)]
    if camera == ALL_CAMERAS:
        return [bench.look(name) for name in bench.cameras()]
    if camera not in bench.cameras():
        raise NoSuchCamera(f"no camera {camera!r}; there are {', '.join(bench.cameras())}, all")
    return [bench.look(camera)]


def find(
    bench: Workbench, name: str, views: Sequence[View], stack: str | None = None
) -> tuple[ObjectEstimate | NotFound, tuple[Keyframe, ...]]:
    """Locate a thing by the named stack or the cell's, keeping every picture with the box drawn in.

    Raises:
        ServiceFailed: What the stack asks is down, or there is no such stack.
    """
    sight = bench.stacks.named(stack)
    found = locate(views, name, table_z_m=bench.table_z_m, by=sight.search)
    if isinstance(found, ObjectEstimate) and all(blind(v) for v in views):
        # No depth shows it to the planner: what was asked for is what is known to stand there.
        enter(bench, found.position, found.extent)
    if isinstance(found, ObjectEstimate) and sight.name != CLASSICAL:
        found = replace(found, notes=(*found.notes, f"found by {sight.name}"))
    frames = []
    for view in views:
        overlay = None
        if isinstance(found, ObjectEstimate):
            own = [e for e in found.per_camera or (found,) if e.cameras[0] == view.camera]
            if own:
                overlay = draw_box(view.rgb, own[0], view.K, view.T_base_cam)
        frames.append(bench.evidence.keyframe(view, overlay))
    return found, tuple(frames)


def _observe(bench: Workbench, fixed_alias: str) -> PrimitiveOutcome:
    obs: dict[str, Any] = {}
    frames = []
    seen = []
    for name in bench.cameras():
        view = bench.look(name)
        T = view.T_base_cam
        frames.append(bench.evidence.keyframe(view, None))
        obs[name] = {
            "images": {"rgb": view.rgb, "depth": view.depth_m},
            "intrinsics": view.K,
            "pose_mat": T,
            "pose": np.concatenate([T[:3, 3], quaternion(T[:3, :3])]),
        }
        seen.append(f"{name} {view.rgb.shape[1]}x{view.rgb.shape[0]}")
    # Programs written for other cells know cameras by those names; the pictures are the same.
    obs.setdefault(fixed_alias, obs[fixed_camera(bench)])
    hand = hand_camera(bench)
    if hand is not None:
        obs.setdefault("robot0_eye_in_hand", obs[hand])
    sample = bench.sample()
    q = np.array(sample.q_rad)
    opening = float(np.clip(sample.width_m / bench.arm.gripper.open_width_m, 0.0, 1.0))
    T = bench.kinematics.tool_pose(q)
    obs["robot_joint_pos"] = np.append(q, opening)
    obs["robot_cartesian_pos"] = np.array([*T[:3, 3], *quaternion(T[:3, :3]), opening])
    obs["full_prompt"] = bench.task_language
    where = "({:.3f}, {:.3f}, {:.3f})".format(*T[:3, 3])
    return PrimitiveOutcome(
        "OK",
        obs,
        f"{', '.join(seen)}; tool at {where} m, gripper {sample.width_m * 1000:.0f} mm open",
        evidence=Evidence(keyframes=tuple(frames)),
    )


@primitive(
    group="perception",
    statuses=("OK",),
    returns="dict: per camera images.rgb (H,W,3) uint8, images.depth (H,W) metres, intrinsics 3x3, "
    "pose_mat 4x4 camera to base, pose (7); robot_joint_pos (n+1), robot_cartesian_pos (8), "
    "full_prompt",
    tiers=LOW_LEVEL,
    profiles=("capx", "robosuite"),
)
def get_observation(bench: Workbench) -> PrimitiveOutcome:
    """What the cameras and joints say now.

    ``robot_joint_pos`` ends with the gripper, 0 closed to 1 open; ``robot_cartesian_pos`` is xyz,
    wxyz, gripper. The fixed camera is also there as ``robot0_robotview``, the one on the hand as
    ``robot0_eye_in_hand``.
    """
    return _observe(bench, "robot0_robotview")


@primitive(
    name="get_observation",
    group="perception",
    statuses=("OK",),
    returns=get_observation.returns,
    tiers=("S1", *LOW_LEVEL),
    profiles=("libero",),
)
def get_observation_libero(bench: Workbench) -> PrimitiveOutcome:
    """What the cameras and joints say now; the fixed camera is also there as ``agentview``."""
    return _observe(bench, "agentview")


def _pose_outcome(
    bench: Workbench, name: str, camera: str | None, stack: str | None
) -> tuple[ObjectEstimate | None, PrimitiveOutcome]:
    try:
        views = views_of(bench, camera)
    except NoSuchCamera as error:
        return None, PrimitiveOutcome("INVALID", None, str(error), raises=True)
    found, frames = find(bench, name, views, stack)
    if isinstance(found, NotFound):
        evidence = Evidence(keyframes=frames, notes=found.seen)
        return None, PrimitiveOutcome(
            "NOT_FOUND", None, found.reason, raises=True, evidence=evidence
        )
    unknown = parse(name).unknown
    notes = found.notes + ((f"could not use: {' '.join(unknown)}",) if unknown else ())
    return found, PrimitiveOutcome(
        "OK", None, describe(found), evidence=Evidence(keyframes=frames, notes=notes)
    )


def describe(thing: ObjectEstimate) -> str:
    """One line about where a thing is."""
    where = "({:.3f}, {:.3f}, {:.3f})".format(*thing.position)
    size = "x".join(f"{1000 * v:.0f}" for v in thing.extent)
    line = (
        f"{where} m ±{1000 * thing.sigma_m:.0f} mm, yaw {np.rad2deg(thing.yaw_rad):.0f}°, "
        f"{size} mm, score {thing.score:.2f} by {'+'.join(thing.cameras)}"
    )
    if len(thing.per_camera) > 1:
        line += f", {1000 * thing.spread_m:.0f} mm apart"
    return line


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,), extent (3,) full sides or None)",
    tiers=("S2",),
    profiles=("capx",),
)
def get_object_pose(
    bench: Workbench,
    object_name: Prompt,
    return_bbox_extent: Flag = False,
    camera: Key | None = None,
    stack: Key | None = None,
) -> PrimitiveOutcome:
    """Centre, yaw-only orientation and size of a thing's box, base frame.

    Judged by the fixed camera, or by the one named; ``all`` joins what every camera sees. Not found
    raises PrimitiveError with NOT_FOUND. ``stack``: classical, server or vlm, not the cell's.
    """
    found, outcome = _pose_outcome(bench, object_name, camera, stack)
    if found is None:
        return outcome
    extent = found.extent if return_bbox_extent else None
    return _with(outcome, (found.position, found.wxyz, extent))


@primitive(
    name="get_object_pose",
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,)), or (None, None)",
    tiers=("S2",),
    profiles=("libero",),
)
def get_object_pose_libero(
    bench: Workbench,
    object_name: Prompt,
    use_multiview: Flag = True,
    stack: Key | None = None,
) -> PrimitiveOutcome:
    """Centre and yaw-only orientation of a thing, base frame, from all cameras or the fixed one."""
    camera = ALL_CAMERAS if use_multiview else None
    found, outcome = _pose_outcome(bench, object_name, camera, stack)
    if found is None:
        return PrimitiveOutcome(
            outcome.status, (None, None), outcome.summary, evidence=outcome.evidence
        )
    return _with(outcome, (found.position, found.wxyz))


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,), extent (3,) full sides)",
    tiers=(),
    profiles=EVERYWHERE,
)
def look_at_object(
    bench: Workbench, object_name: Prompt, camera: Key = "wrist", stack: Key | None = None
) -> PrimitiveOutcome:
    """Where a thing is by one named camera's own judgement, ``all`` for every camera joined.

    Not found raises PrimitiveError with NOT_FOUND.
    """
    found, outcome = _pose_outcome(bench, object_name, camera, stack)
    if found is None:
        return outcome
    return _with(outcome, (found.position, found.wxyz, found.extent))


def _with(outcome: PrimitiveOutcome, value: Any) -> PrimitiveOutcome:
    return PrimitiveOutcome(outcome.status, value, outcome.summary, evidence=outcome.evidence)


@primitive(
    group="perception",
    statuses=("OK",),
    returns="text",
    tiers=("S1", "S2", "S3", "S4"),
    profiles=EVERYWHERE,
)
def task_language(bench: Workbench) -> PrimitiveOutcome:
    """The task in words."""
    return PrimitiveOutcome("OK", bench.task_language, bench.task_language)


PRIMITIVES: tuple[Primitive, ...] = (
    get_observation,
    get_observation_libero,
    get_object_pose,
    get_object_pose_libero,
    look_at_object,
    task_language,
)
