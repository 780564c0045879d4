"""Servos that sag: what the plan says is where the joints go, by lead and by trim."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.servo_lead import CLOSE_RAD, LEFT_RAD
from aspire_tui.environment.outcome import MotionResult
from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.registry import catalogue
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject, SceneSpec
from drivers.types import ArmSpec

NAMES = catalogue(motion.PRIMITIVES + gripper.PRIMITIVES, "capx", "")
STRETCHED = np.array((0.3, 0.35, -0.2, 0.5, 1.4))
"""Far out, where the weight pulls most."""

DOWN = np.array((0.0, 0.0, 1.0, 0.0))


def bench_on(sim: SimCell, arm: ArmSpec, *things: SceneObject) -> Workbench:
    sim.stand_in.reset_scene(SceneSpec(objects=things, noise_seed=3))
    return Workbench(sim, arm, Kinematics(arm), "test", np.random.default_rng(0))


def call(bench: Workbench, name: str, **arguments: object) -> MotionResult:
    return NAMES[name].invoke(bench, arguments).value  # type: ignore[no-any-return]


@pytest.fixture
def bench(sim: SimCell, arm: ArmSpec) -> Iterator[Workbench]:
    yield bench_on(sim, arm)


def miss(bench: Workbench) -> float:
    return float(np.abs(bench.joints() - STRETCHED).max())


def test_the_measured_joints_arrive(bench: Workbench) -> None:
    result = call(bench, "move_to_joints", joints=STRETCHED)
    assert result.status == "OK", result.detail
    assert miss(bench) <= CLOSE_RAD + 0.001
    # The set-point is elsewhere: it leads what the shoulder carries.
    assert np.abs(bench.setpoint() - STRETCHED)[1] > 0.005


def test_without_lead_and_trim_they_do_not(sim: SimCell, arm: ArmSpec) -> None:
    stiff = msgspec.structs.replace(arm, sag_rad_per_Nm=(), trim_rad=0.0)
    bench = bench_on(sim, stiff)
    call(bench, "move_to_joints", joints=STRETCHED)
    assert miss(bench) > 2 * CLOSE_RAD


def test_trimming_alone_makes_up_for_a_stiffness_that_is_wrong(sim: SimCell, arm: ArmSpec) -> None:
    wrong = msgspec.structs.replace(arm, sag_rad_per_Nm=(0.002,) * 5)
    bench = bench_on(sim, wrong)
    result = call(bench, "move_to_joints", joints=STRETCHED)
    assert result.status == "OK", result.detail
    assert miss(bench) <= CLOSE_RAD + 0.001


def test_what_trimming_cannot_reach_is_not_called_arrived(sim: SimCell, arm: ArmSpec) -> None:
    weak = msgspec.structs.replace(arm, sag_rad_per_Nm=(1e-6,) * 5, trim_rad=0.001)
    bench = bench_on(sim, weak)
    result = call(bench, "move_to_joints", joints=STRETCHED)
    if miss(bench) > LEFT_RAD:
        assert result.status == "NOT_CONVERGED"
        assert "after 2 trims" in result.detail
    else:
        assert result.status == "OK"


def test_how_far_it_leans_is_in_the_result_and_in_the_trace(bench: Workbench) -> None:
    outcome = NAMES["goto_pose"].invoke(
        bench, {"position": np.array((0.25, 0.11, 0.17)), "quaternion_wxyz": DOWN}
    )
    assert outcome.status == "OK", outcome.summary
    assert outcome.value.lean_rad is not None and outcome.value.lean_rad > 0.05
    assert outcome.value.error_m < 0.003
    assert f"leaning {np.degrees(outcome.value.lean_rad):.1f}°" in outcome.summary


def test_a_pose_beyond_its_lean_is_ik_failed(bench: Workbench) -> None:
    result = call(bench, "goto_pose", position=np.array((0.33, 0.2, 0.2)), quaternion_wxyz=DOWN)
    assert result.status == "IK_FAILED"
    assert "5 joints may turn it" in result.detail


def test_a_contact_is_felt_through_the_sag(sim: SimCell, arm: ArmSpec) -> None:
    bench = bench_on(sim, arm)
    assert call(bench, "goto_pose", position=np.array((0.22, 0.0, 0.05)), quaternion_wxyz=DOWN)
    met = call(bench, "move_until_contact", direction=np.array((0, 0, -1.0)), distance_m=0.045)
    assert met.status == "OK", met.detail
    assert met.contact_direction is not None and met.contact_direction[2] > 0.8
