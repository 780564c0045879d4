"""What the types of a cell file cannot say about its arms and its base.

``require(good, key, problem)`` raises for what is wrong, naming the line of the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from drivers.room import BASE
from drivers.types import ArmSpec, BaseSpec, Room

Require = Callable[[bool, str, str], None]


def check_arm(arm: ArmSpec, require: Require) -> None:
    """One arm: as many values as joints, everything in range."""
    require(len(arm.joints) > 0, "joints", f"arm {arm.name} has no joints")
    _check_servos(arm, require)
    require(
        len(arm.home_rad) == len(arm.joints),
        "home_rad",
        f"arm {arm.name}: home_rad has {len(arm.home_rad)} values for {len(arm.joints)} joints",
    )
    require(
        len(arm.rest_rad) in (0, len(arm.joints)),
        "rest_rad",
        f"arm {arm.name}: rest_rad has {len(arm.rest_rad)} values for {len(arm.joints)} joints",
    )
    for joint, rest in zip(arm.joints, arm.rest_rad, strict=False):
        require(
            joint.lo_rad <= rest <= joint.hi_rad,
            "rest_rad",
            f"arm {arm.name}, {joint.name}: rest_rad is out of range",
        )
    for joint, home in zip(arm.joints, arm.home_rad, strict=True):
        word = f"arm {arm.name}, {joint.name}"
        require(joint.lo_rad < joint.hi_rad, joint.name, f"{word}: lo_rad must be < hi_rad")
        require(
            joint.vmax_rad_s > 0 and joint.amax_rad_s2 > 0,
            joint.name,
            f"{word}: vmax_rad_s and amax_rad_s2 must be positive",
        )
        require(joint.lo_rad <= home <= joint.hi_rad, "home_rad", f"{word}: home is out of range")
    grip = arm.gripper
    require(
        0.0 <= grip.closed_width_m < grip.open_width_m,
        "open_width_m",
        f"arm {arm.name}: the gripper needs 0 <= closed_width_m < open_width_m",
    )
    require(
        grip.max_force_N > 0 and grip.max_speed_m_s > 0,
        "max_force_N",
        f"arm {arm.name}: gripper force and speed must be positive",
    )


def check_base(
    base: BaseSpec | None,
    room: Room | None,
    arms: Sequence[ArmSpec],
    simulated: bool,
    require: Require,
) -> None:
    """A driving base and the room it drives in. ``simulated``: with physics."""
    require((base is None) == (room is None), "base", "[base] and [room] come together")
    if base is None or room is None:
        return
    require(
        simulated,
        "base",
        "there is no driver for a real base: those of simulated cells drive",
    )
    require(all(a.name != BASE for a in arms), "name", f"no arm may be called {BASE!r}")
    x, y, _ = base.home
    inside = room.lo_m[0] <= x <= room.hi_m[0] and room.lo_m[1] <= y <= room.hi_m[1]
    require(inside, "home", "base.home is outside the room")
    require(base.radius_m > 0.0 and base.height_m > 0.02, "radius_m", "base: no size")
    require(0.0 <= room.buffer_m <= 1.0, "buffer_m", "room.buffer_m must be 0 to 1 m")
    require(len(room.furniture) > 0, "furniture", "[room] needs at least one furniture: a table")
    for joint in base.joints:
        require(
            joint.lo_rad < joint.hi_rad and joint.vmax_rad_s > 0 and joint.amax_rad_s2 > 0,
            joint.name,
            f"base, {joint.name}: lo < hi, and speed and acceleration above 0",
        )


def _check_servos(arm: ArmSpec, require: Require) -> None:
    """What servos and the jaw hold to."""
    require(
        len(arm.sag_rad_per_Nm) in (0, len(arm.joints)),
        "sag_rad_per_Nm",
        f"arm {arm.name}: sag_rad_per_Nm has {len(arm.sag_rad_per_Nm)} values for "
        f"{len(arm.joints)} joints",
    )
    require(
        0.0 < arm.orientation_tolerance_rad <= 1.0,
        "orientation_tolerance_rad",
        f"arm {arm.name}: orientation_tolerance_rad must be above 0, at most 1",
    )
    require(
        0.0 <= arm.trim_rad <= 0.2, "trim_rad", f"arm {arm.name}: trim_rad must be 0 to 0.2 rad"
    )
    jaw = arm.gripper.jaw
    if jaw is None:
        return
    rising = all(a < b for row in (jaw.angle_rad, jaw.width_m) for a, b in pairwise(row))
    require(
        len(jaw.angle_rad) == len(jaw.width_m) >= 2 and rising,
        "angle_rad",
        f"arm {arm.name}: jaw: angle_rad and width_m must rise, as many of each, at least two",
    )
    require(jaw.lever_m > 0.0, "lever_m", f"arm {arm.name}: jaw: lever_m must be positive")
    span = (arm.gripper.closed_width_m, arm.gripper.open_width_m)
    require(
        jaw.width_m[0] <= span[0] + 1e-9 and span[1] <= jaw.width_m[-1] + 1e-9,
        "jaw",
        f"arm {arm.name}: the jaw opens {jaw.width_m[0]} to {jaw.width_m[-1]} m, the gripper wants "
        f"{span[0]} to {span[1]} m",
    )
