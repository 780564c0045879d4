"""The jaw's table, its conversion, and the model it was taken from."""

from __future__ import annotations

import mujoco
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.jaw import jaw_angle_rad, jaw_width_m
from drivers.sim.scene import arm_model_path
from drivers.types import ArmSpec, JawSpec

TABLE = JawSpec("gripper", (-0.2, 0.1, 0.9), (0.005, 0.03, 0.08), 0.066, 0.035)


@given(st.floats(-0.4, 1.4))
def test_width_and_angle_are_each_others_inverse(angle_rad: float) -> None:
    width = jaw_width_m(TABLE, angle_rad)
    assert jaw_angle_rad(TABLE, width) == pytest.approx(angle_rad, abs=1e-9)


@given(st.floats(-0.4, 1.4), st.floats(1e-4, 0.5))
def test_a_larger_angle_is_a_wider_opening(angle_rad: float, more_rad: float) -> None:
    assert jaw_width_m(TABLE, angle_rad + more_rad) > jaw_width_m(TABLE, angle_rad)


def _gap_m(arm: ArmSpec, angle_rad: float) -> float:
    """Between the pads at the middle of the hinged one, along the tool's y, in the model."""
    model = mujoco.MjModel.from_xml_path(str(arm_model_path(arm)))
    data = mujoco.MjData(model)
    data.joint(arm.gripper.jaw.joint).qpos[0] = angle_rad  # type: ignore[union-attr]
    mujoco.mj_kinematics(model, data)
    tool = data.site(arm.tool_site)
    y = tool.xmat.reshape(3, 3)[:, 1]

    def faces(name: str) -> list[float]:
        """Where the pad's two faces are along y; its thin side is its x."""
        R = data.geom(name).xmat.reshape(3, 3)
        thick = model.geom(name).size[0] * R[:, 0]
        return [float((data.geom(name).xpos + s * thick - tool.xpos) @ y) for s in (-1, 1)]

    return min(faces("moving_jaw_pad")) - max(faces("fixed_jaw_pad"))


def test_the_cell_files_table_is_the_models_geometry(arm: ArmSpec) -> None:
    jaw = arm.gripper.jaw
    assert jaw is not None
    for angle, width in zip(jaw.angle_rad, jaw.width_m, strict=True):
        assert _gap_m(arm, angle) == pytest.approx(width, abs=3e-4)


def test_between_the_tables_rows_it_is_right_to_a_fifth_of_a_millimetre(arm: ArmSpec) -> None:
    jaw = arm.gripper.jaw
    assert jaw is not None
    for a, b in zip(jaw.angle_rad, jaw.angle_rad[1:], strict=False):
        middle = (a + b) / 2
        assert _gap_m(arm, middle) == pytest.approx(jaw_width_m(jaw, middle), abs=3e-4)


def test_the_open_gripper_is_centred_on_the_tool_point(arm: ArmSpec) -> None:
    jaw = arm.gripper.jaw
    assert jaw is not None
    assert jaw.fixed_face_m == pytest.approx(arm.gripper.open_width_m / 2)
