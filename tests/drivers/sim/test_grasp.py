"""Contacts by physics alone: things are held by friction, rest where they are put, and block."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from scripted import ARM, Operator, cube, height, quintic, scene, yam

from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject


@pytest.fixture(scope="module")
def cell() -> SimCell:
    return SimCell(yam(), noise=False)


def in_hand(cell: SimCell, name: str) -> np.ndarray:
    """Centre of a thing in the true tool frame."""
    truth = cell.stand_in.truth().objects[name]
    operator = Operator(cell)
    T = operator.kinematics.tool(np.array(cell.status().arms[0].q_rad))
    return T[:3, :3].T @ (np.array(truth.xyz_m) - T[:3, 3])


def test_a_cube_is_lifted_and_does_not_creep_out_of_the_fingers(cell: SimCell) -> None:
    rng = np.random.default_rng(20)
    operator = Operator(cell)
    held = 0
    for _ in range(20):
        angle, reach = rng.uniform(-0.6, 0.6), rng.uniform(0.24, 0.46)
        x, y = float(reach * np.cos(angle)), float(reach * np.sin(angle))
        yaw = float(rng.uniform(-0.7, 0.7))
        cell.stand_in.reset_scene(scene(cube(x_m=x, y_m=y, yaw_rad=yaw)))
        start = height(cell, "red cube")
        operator.pick(x, y, 0.02, yaw, lift_m=0.115)
        cell.wait(0.3)
        before = in_hand(cell, "red cube")
        cell.wait(5.0)
        crept = np.linalg.norm(in_hand(cell, "red cube") - before)
        held += height(cell, "red cube") - start >= 0.1 and crept < 0.001
    assert held >= 19


def test_closing_on_a_cube_stalls_at_its_width_with_the_force_asked_for(cell: SimCell) -> None:
    cell.stand_in.reset_scene(scene(cube()))
    operator = Operator(cell)
    operator.go(0.35, 0.05, 0.12)
    operator.go(0.35, 0.05, 0.02)
    grip = operator.close(force_N=15.0)
    assert (grip.status, grip.stalled) == ("OK", True)
    assert abs(grip.width_m - 0.04) < 0.002
    assert abs(grip.force_N - 15.0) < 1.5
    assert cell.stand_in.truth().touching_fingers == ("red cube",)


def test_closing_on_nothing_reaches_zero_and_is_not_stalled(cell: SimCell) -> None:
    cell.stand_in.reset_scene(scene())
    grip = Operator(cell).close()
    assert (grip.status, grip.stalled) == ("OK", False)
    assert abs(grip.width_m) < 0.0015
    assert cell.stand_in.truth().touching_fingers == ()


def test_opening_lets_go(cell: SimCell) -> None:
    cell.stand_in.reset_scene(scene(cube()))
    operator = Operator(cell)
    operator.pick(0.35, 0.05, 0.02, 0.0, lift_m=0.06)
    assert height(cell, "red cube") > 0.07
    operator.open()
    cell.wait(0.5)
    assert height(cell, "red cube") < 0.021


def test_a_stack_of_three_stays_for_ten_seconds(cell: SimCell) -> None:
    tower = [cube(f"cube {i}", z_m=0.02 + 0.04 * i, yaw_rad=0.1 * i) for i in range(3)]
    cell.stand_in.reset_scene(scene(*tower))
    before = cell.stand_in.truth().objects
    cell.wait(10.0)
    after = cell.stand_in.truth()
    for name, thing in after.objects.items():
        assert np.linalg.norm(np.subtract(thing.xyz_m, before[name].xyz_m)) < 0.0005
        assert thing.speed_m_s < 0.001
    assert after.touching == (("cube 0", "cube 1"), ("cube 1", "cube 2"))


def test_placing_one_cube_on_another_leaves_a_stack(cell: SimCell) -> None:
    cell.stand_in.reset_scene(scene(cube(), cube("green cube", x_m=0.33, y_m=-0.12)))
    operator = Operator(cell)
    operator.pick(0.35, 0.05, 0.02, 0.0, lift_m=0.12)
    operator.go(0.33, -0.12, 0.14)
    operator.go(0.33, -0.12, 0.062)
    operator.open()
    operator.go(0.33, -0.12, 0.16)
    cell.wait(1.0)
    truth = cell.stand_in.truth()
    assert truth.touching == (("green cube", "red cube"),)
    assert abs(truth.objects["red cube"].xyz_m[2] - 0.06) < 0.002
    assert truth.touching_fingers == ()


def test_things_at_rest_wake_when_touched_and_when_what_they_stand_on_goes(cell: SimCell) -> None:
    tower = [cube("lower"), cube("upper", z_m=0.06)]
    cell.stand_in.reset_scene(scene(*tower))
    cell.wait(1.0)
    assert np.all(cell._world.data.qvel[-12:] == 0.0)  # asleep
    operator = Operator(cell)
    operator.pick(0.35, 0.05, 0.02, 0.0, lift_m=0.05)
    assert height(cell, "upper") > 0.09
    operator.open()
    operator.go(0.35, 0.05, 0.2)
    operator.go(0.35, 0.12, 0.15)
    operator.go(0.35, 0.12, 0.02)
    operator.close()
    operator.go(0.35, 0.0, 0.02)
    assert cell.stand_in.truth().objects["lower"].xyz_m[1] < 0.03


def test_a_cube_over_the_edge_of_another_falls(cell: SimCell) -> None:
    leaning = cube("upper", x_m=0.371, z_m=0.0605)
    cell.stand_in.reset_scene(scene(cube("lower"), leaning))
    cell.wait(3.0)
    assert height(cell, "upper") < 0.05


def test_pressing_on_something_immovable_is_blocked_and_gives_way(cell: SimCell) -> None:
    block = SceneObject("block", "box", (0.1, 0.1, 0.1), (0.5, 0.5, 0.5), 20.0, (0.35, 0.0, 0.05))
    cell.stand_in.reset_scene(scene(block))
    operator = Operator(cell)
    operator.go(0.35, 0.0, 0.14)
    q = operator.kinematics.down(np.array([0.35, 0.0, 0.05]), 0.0)
    report = cell.execute(ARM, quintic(cell, q))
    assert report.status == "BLOCKED"
    assert report.blocked_joint in {"joint2", "joint3", "joint4"}
    cell.wait(0.5)
    torque = np.abs(cell.status().arms[0].load_Nm).max()
    assert torque < 10.0
    assert operator.go(0.35, 0.0, 0.16).status == "OK"


def test_nothing_but_contact_can_hold_a_thing(cell: SimCell) -> None:
    cell.stand_in.reset_scene(scene(cube()))
    model = cell._world.model
    assert model.nmocap == 0
    assert [model.eq(i).name for i in range(model.neq)] == ["arm/fingers_together"]
    assert model.nu == 7
    assert int(model.eq_type[0]) == mujoco.mjtEq.mjEQ_JOINT
    assert not np.any(model.geom_margin) and not np.any(model.geom_gap)
    adhesion = int(mujoco.mjtTrn.mjTRN_BODY)
    assert adhesion not in [int(kind) for kind in model.actuator_trntype]
