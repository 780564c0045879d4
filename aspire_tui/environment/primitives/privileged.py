"""Tier S1, for CaP-Bench alone: where things really are, as no robot could know.

These names look at the simulator. They are offered with ``--tier S1`` only, and the session of such
a run is branded ``privileged``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aspire_tui.domain import Evidence, GraspCandidate
from aspire_tui.environment.bench import TruePlace, Workbench
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix, quaternion
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.grasps import TABLE_CLEARANCE_M
from aspire_tui.environment.perception.topdown import DEEPEST_BITE_M, down_pose
from aspire_tui.environment.primitives.arguments import Flag, Prompt
from aspire_tui.environment.primitives.registry import Primitive, primitive


class NoTruth(Exception):
    """There is nothing of that name, or nobody here knows the truth; one line."""


def _places(bench: Workbench) -> dict[str, TruePlace]:
    if bench.truth is None:
        raise NoTruth("nobody here knows where things really are: this is no simulated cell")
    T = invert(bench.T_room())
    out = {}
    for name, place in bench.truth().items():
        own = T @ pose_matrix(np.array(place.xyz_m), np.array(place.wxyz))
        out[name] = TruePlace(_three(own[:3, 3]), _four(quaternion(own[:3, :3])), place.size_m)
    return out


def _three(v: FloatArray) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


def _four(v: FloatArray) -> tuple[float, float, float, float]:
    return float(v[0]), float(v[1]), float(v[2]), float(v[3])


def _named(bench: Workbench, asked: str) -> tuple[str, TruePlace]:
    """The thing whose name is asked for, or contains what is asked for."""
    places = _places(bench)
    wanted = asked.lower().strip()
    near = [n for n in places if n == wanted] or [n for n in sorted(places) if wanted in n]
    near = near or [n for n in sorted(places) if n in wanted]
    if not near:
        raise NoTruth(f"nothing is called {asked!r}; there are {', '.join(sorted(places))}")
    return near[0], places[near[0]]


def privileged(name: str, returns: str, profile: str, example: str) -> Any:
    """A primitive of tier S1 under one profile."""
    return primitive(
        name=name,
        group="perception" if "grasp" not in name else "grasping",
        statuses=("OK", "NOT_FOUND"),
        returns=returns,
        tiers=("S1",),
        profiles=(profile,),
        privileged=True,
        frame="base",
        example=example,
    )


def _not_found(error: NoTruth, value: Any = None) -> PrimitiveOutcome:
    return PrimitiveOutcome("NOT_FOUND", value, str(error), raises=value is None)


def _pose(place: TruePlace) -> tuple[FloatArray, FloatArray]:
    return np.array(place.xyz_m), np.array(place.wxyz)


@privileged(
    "get_object_pose",
    "(position (3,) metres, quaternion wxyz (4,), extent (3,) full sides or None)",
    "capx",
    'get_object_pose("red cube")',
)
def true_object_pose(
    bench: Workbench, object_name: Prompt, return_bbox_extent: Flag = False
) -> PrimitiveOutcome:
    """Where a thing really is. Names match in part. Nothing of that name raises PrimitiveError."""
    try:
        name, place = _named(bench, object_name)
    except NoTruth as error:
        return _not_found(error)
    position, wxyz = _pose(place)
    extent = np.array(place.size_m) if return_bbox_extent else None
    where = "({:.3f}, {:.3f}, {:.3f}) m".format(*position)
    return PrimitiveOutcome("OK", (position, wxyz, extent), f"{name} is really at {where}")


@privileged(
    "get_object_pose",
    "(position (3,) metres, quaternion wxyz (4,)), or (None, None)",
    "libero",
    'get_object_pose("red cube")',
)
def true_object_pose_libero(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """Where a thing really is. Names match in part."""
    try:
        name, place = _named(bench, object_name)
    except NoTruth as error:
        return _not_found(error, (None, None))
    where = "({:.3f}, {:.3f}, {:.3f}) m".format(*place.xyz_m)
    return PrimitiveOutcome("OK", _pose(place), f"{name} is really at {where}")


@privileged(
    "get_all_object_poses",
    "{name: (position (3,) metres, quaternion wxyz (4,))}",
    "libero",
    "get_all_object_poses()",
)
def true_object_poses(bench: Workbench) -> PrimitiveOutcome:
    """Where everything really is."""
    try:
        places = _places(bench)
    except NoTruth as error:
        return _not_found(error, {})
    value = {name: _pose(place) for name, place in places.items()}
    return PrimitiveOutcome("OK", value, f"{len(value)} things: {', '.join(sorted(value))}")


def _true_grasp(bench: Workbench, object_name: str) -> PrimitiveOutcome:
    name, place = _named(bench, object_name)
    R = pose_matrix(np.zeros(3), np.array(place.wxyz))[:3, :3]
    # The axis that stands up; of the other two, the fingers close across the narrower.
    up = int(np.argmax(np.abs(R[2])))
    flat = sorted((i for i in range(3) if i != up), key=lambda i: place.size_m[i])
    across = R[:, flat[0]]
    wxyz = quaternion(down_pose(float(np.arctan2(across[1], across[0]))))
    x, y, z = place.xyz_m
    lowest = bench.table_z_m + bench.arm.gripper.tip_m + TABLE_CLEARANCE_M
    position = np.array((x, y, max(z, z + place.size_m[up] / 2 - DEEPEST_BITE_M, lowest)))
    candidate = GraspCandidate(_three(position), _four(wxyz), 1.0, place.size_m[flat[0]], "")
    summary = f"from above across {1000 * candidate.width_m:.0f} mm of {name}, where it really is"
    return PrimitiveOutcome("OK", (position, wxyz), summary, evidence=Evidence(grasps=(candidate,)))


@privileged(
    "sample_grasp_pose",
    "(position (3,) metres, quaternion wxyz (4,))",
    "capx",
    'sample_grasp_pose("red cube")',
)
def true_grasp_pose(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """A grasp from above on where a thing really is, across its narrower side."""
    try:
        return _true_grasp(bench, object_name)
    except NoTruth as error:
        return _not_found(error)


PRIMITIVES: tuple[Primitive, ...] = (
    true_object_pose,
    true_object_pose_libero,
    true_object_poses,
    true_grasp_pose,
)
