"""The YAM's grippers: openings of 0 to 1, motor speeds and torques; what comes back is measured."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import GripResult, PrimitiveOutcome
from aspire_tui.environment.primitives import gripper
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.primitives.yam_words import MotorSpeed, Share, Side, Torque, yam

PINION_M: Final = 0.0146
"""Opening per radian of the gripper's motor: turns its speeds and torques into m/s and newtons."""

GRIP: Final[tuple[Status, ...]] = (*gripper.GRIPPER, "EMPTY_GRASP", "LIMIT")
GRIP_DICT: Final = (
    "dict: status, side, pos 0 to 1, width_m, force_N, holding, stalled; all measured"
)


@yam("gripper", GRIP, GRIP_DICT, moves=True, example='set_gripper("left", 0.5)')
def set_gripper(
    bench: Workbench,
    side: Side,
    pos: Share,
    vel_limit: MotorSpeed | None = None,
    torque_limit: Torque | None = None,
) -> PrimitiveOutcome:
    """Drive one gripper to an opening, 0 closed to 1 open, no faster and no harder than said.

    ``vel_limit`` in rad/s and ``torque_limit`` in N m are the motor's; more than the gripper can do
    raises PrimitiveError with LIMIT. What comes back is measured.
    """
    return _told(side, to_opening(bench.of_arm(side), pos, vel_limit, torque_limit))


@yam("gripper", GRIP, GRIP_DICT, moves=True, example='open_gripper("left")')
def open_gripper(
    bench: Workbench,
    side: Side,
    vel_limit: MotorSpeed | None = None,
    torque_limit: Torque | None = None,
) -> PrimitiveOutcome:
    """Open one gripper fully."""
    return _told(side, to_opening(bench.of_arm(side), 1.0, vel_limit, torque_limit))


@yam("gripper", GRIP, GRIP_DICT, moves=True, example='close_gripper("left")')
def close_gripper(
    bench: Workbench,
    side: Side,
    vel_limit: MotorSpeed | None = None,
    torque_limit: Torque | None = None,
) -> PrimitiveOutcome:
    """Close one gripper. With nothing between the fingers: EMPTY_GRASP, without raising."""
    own = bench.of_arm(side)
    outcome = to_opening(own, 0.0, vel_limit, torque_limit)
    if outcome.status == "OK" and own.holding is None:
        empty = msgspec.structs.replace(outcome.value, status="EMPTY_GRASP", holding="empty")
        outcome = PrimitiveOutcome("EMPTY_GRASP", empty, "closed on nothing")
    return _told(side, outcome)


def to_opening(
    bench: Workbench, pos: float, vel_limit: float | None, torque_limit: float | None
) -> PrimitiveOutcome:
    """Drive a gripper to an opening of 0 to 1 with its motor's speed and torque."""
    spec = bench.arm.gripper
    width = spec.closed_width_m + pos * (spec.open_width_m - spec.closed_width_m)
    force = 0.5 * spec.max_force_N if torque_limit is None else torque_limit / PINION_M
    speed = None if vel_limit is None else vel_limit * PINION_M
    return gripper.to_width(bench, width, force, speed)


def _told(side: str, outcome: PrimitiveOutcome) -> PrimitiveOutcome:
    """What YAM programs get: a dict, or the error they would have had."""
    if outcome.status not in ("OK", "EMPTY_GRASP"):
        return PrimitiveOutcome(outcome.status, None, f"{side}: {outcome.summary}", raises=True)
    result = outcome.value
    assert isinstance(result, GripResult)
    value = {
        "status": "Success" if outcome.status == "OK" else outcome.status,
        "side": side,
        "pos": result.opening,
        "width_m": result.width_m,
        "force_N": result.force_N,
        "holding": result.holding,
        "stalled": result.stalled,
    }
    return PrimitiveOutcome(outcome.status, value, f"{side}: {outcome.summary}")


PRIMITIVES: tuple[Primitive, ...] = (set_gripper, open_gripper, close_gripper)
