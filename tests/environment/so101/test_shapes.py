"""Pictures and planning know the jaw: where it is open, and what it hides."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.motion.collision import Box
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.silhouette import Silhouette
from drivers.types import ArmSpec


def beside(kinematics: Kinematics, q: np.ndarray, along_y_m: float) -> np.ndarray:  # type: ignore[type-arg]
    T = kinematics.tool_pose(q)
    # The hinged tip is higher than the fixed one when it is open.
    point: np.ndarray = T[:3, 3] + along_y_m * T[:3, 1] - 0.014 * T[:3, 2]  # type: ignore[type-arg]
    return point


def test_the_hinged_jaw_is_where_its_opening_puts_it(arm: ArmSpec, kinematics: Kinematics) -> None:
    q = np.array((0.0, -0.3, 0.3, 1.2, 1.52))
    x, y, z = beside(kinematics, q, 0.036)
    box = Box((x, y, z), (0.004, 0.004, 0.004))
    wide = kinematics.shape.among((box,), table_z_m=-1.0, width_m=arm.gripper.open_width_m)
    shut = kinematics.shape.among((box,), table_z_m=-1.0, width_m=arm.gripper.closed_width_m)
    assert "moving jaw" in wide.touching(q)
    assert shut.touching(q) == ""


def test_a_jaw_at_any_opening_is_no_obstacle_in_a_picture(
    arm: ArmSpec, kinematics: Kinematics
) -> None:
    q = np.array((0.0, -0.3, 0.3, 1.2, 1.52))
    seen = Silhouette(arm)
    swept = np.array([beside(kinematics, q, y) for y in (-0.030, -0.010, 0.010, 0.035)])
    far = np.array([beside(kinematics, q, 0.12)])
    assert seen.covers(swept, q, 0.0).all()
    assert not seen.covers(far, q, 0.0).any()


def test_at_home_and_at_rest_nothing_touches(arm: ArmSpec, kinematics: Kinematics) -> None:
    world = kinematics.shape.among((), table_z_m=0.0)
    assert world.touching(np.array(arm.home_rad)) == ""
    assert world.touching(np.array(arm.rest_rad)) == ""


def test_folding_onto_itself_is_seen(arm: ArmSpec, kinematics: Kinematics) -> None:
    assert kinematics.self_collision(np.array((0.0, -1.6, 1.6, 1.6, 1.57))) != ""
