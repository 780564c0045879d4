"""Primitives of the gripper. What comes back is measured: opening, force, and what they mean."""

from __future__ import annotations

from typing import Literal

import msgspec

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.survey import grasped
from aspire_tui.environment.outcome import GripResult, PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import Force, Width
from aspire_tui.environment.primitives.registry import Primitive, primitive
from drivers.types import GripReport

CLOSING_SHARE = 0.5
"""Of the gripper's force, what a plain close uses: holds a light part, spares a soft one."""

EMPTY_M = 0.002
"""Fingers this close to their stop have nothing between them."""

MOVED_M = 0.001
"""Fingers that moved less than this have moved nothing else."""

GRIPPER: tuple[Status, ...] = ("OK", "NOT_CONVERGED", "BLOCKED", "STOPPED", "TIMEOUT")


@primitive(
    group="gripper",
    statuses=GRIPPER,
    returns="GripResult",
    moves=True,
    tiers=("S1", "S2", "S3", "S4"),
)
def open_gripper(bench: Workbench) -> PrimitiveOutcome:
    """Open the fingers fully. BLOCKED when something keeps them from opening."""
    spec = bench.arm.gripper
    return _grip(bench, spec.open_width_m, spec.max_force_N * CLOSING_SHARE)


@primitive(
    group="gripper",
    statuses=(*GRIPPER, "EMPTY_GRASP"),
    returns="GripResult",
    moves=True,
    tiers=("S1", "S2", "S3", "S4"),
)
def close_gripper(bench: Workbench) -> PrimitiveOutcome:
    """Close the fingers. OK when they stalled on something, EMPTY_GRASP when they met."""
    spec = bench.arm.gripper
    return _grip(bench, spec.closed_width_m, spec.max_force_N * CLOSING_SHARE, must_hold=True)


@primitive(
    group="gripper",
    statuses=(*GRIPPER, "LIMIT"),
    returns="GripResult",
    moves=True,
    tiers=(),
)
def set_gripper(bench: Workbench, width_m: Width, force_N: Force = 20.0) -> PrimitiveOutcome:
    """Drive the fingers to an opening in metres, pressing with at most ``force_N``.

    OK when the opening is reached, or when closing stalled on something first: see ``stalled``
    and ``holding``.
    """
    return to_width(bench, width_m, force_N)


def to_width(
    bench: Workbench, width_m: float, force_N: float, speed_m_s: float | None = None
) -> PrimitiveOutcome:
    """Drive the fingers to an opening; what the gripper cannot do is LIMIT."""
    spec = bench.arm.gripper
    beyond = ""
    if not spec.closed_width_m <= width_m <= spec.open_width_m:
        beyond = f"{width_m:.3f} m is outside {spec.closed_width_m:.3f} to {spec.open_width_m:.3f}"
    elif speed_m_s is not None and not 0.0 < speed_m_s <= spec.max_speed_m_s:
        beyond = f"{speed_m_s:.3f} m/s is outside 0 to {spec.max_speed_m_s:.3f} m/s"
    elif not 0.0 < force_N <= spec.max_force_N:
        beyond = f"{force_N:.0f} N is beyond the gripper's {spec.max_force_N:.0f} N"
    if beyond:
        sample = bench.sample()
        result = _result(bench, "LIMIT", beyond, sample.width_m, sample.grip_force_N, width_m)
        return PrimitiveOutcome("LIMIT", result, beyond)
    return _grip(bench, width_m, force_N, speed_m_s=speed_m_s)


def _grip(
    bench: Workbench,
    width_m: float,
    force_N: float,
    must_hold: bool = False,
    speed_m_s: float | None = None,
) -> PrimitiveOutcome:
    before_m = bench.width_m()
    bench.drop_previews()
    report = bench.cell.grip(bench.arm.name, width_m, force_N, speed_m_s)
    closing = width_m < before_m
    on_something = (
        report.stalled and closing and report.width_m > bench.arm.gripper.closed_width_m + EMPTY_M
    )
    status, detail = _judge(report, closing, on_something, must_hold)
    if on_something:
        if bench.holding is None:
            bench.holding = grasped(bench, report.width_m, report.force_N)
        else:
            bench.holding.width_m, bench.holding.force_N = report.width_m, report.force_N
    elif not closing or report.status == "OK":
        bench.holding = None
    bench.centre_tool()
    if on_something or abs(report.width_m - before_m) > MOVED_M:
        bench.mark_changed()
    result = _result(bench, status, detail, report.width_m, report.force_N, width_m)
    result = msgspec.structs.replace(
        result,
        stalled=report.stalled,
        duration_s=max(0.0, report.ended_s - report.started_s - report.held_s),
    )
    summary = f"{detail}: fingers {1000 * report.width_m:.1f} mm apart, {report.force_N:.1f} N"
    return PrimitiveOutcome(status, result, summary)


def _judge(
    report: GripReport, closing: bool, on_something: bool, must_hold: bool
) -> tuple[Status, str]:
    if report.status not in ("OK", "NOT_CONVERGED"):
        return report.status, report.detail
    if on_something:
        return "OK", "closed on something"
    if report.stalled and not closing:
        return "BLOCKED", "something keeps the fingers from opening"
    if report.status == "NOT_CONVERGED":
        return "NOT_CONVERGED", report.detail
    if must_hold:
        return "EMPTY_GRASP", "closed on nothing"
    return "OK", "opening reached"


def _result(
    bench: Workbench, status: Status, detail: str, width_m: float, force_N: float, target_m: float
) -> GripResult:
    spec = bench.arm.gripper
    span = spec.open_width_m - spec.closed_width_m
    held: Literal["held", "empty", "unknown"]
    if bench.holding is not None:
        held = "held"
    elif status in ("OK", "EMPTY_GRASP"):
        held = "empty"
    else:
        held = "unknown"
    return GripResult(
        status=status,
        detail=detail,
        width_m=width_m,
        opening=min(1.0, max(0.0, (width_m - spec.closed_width_m) / span)),
        force_N=force_N,
        target_width_m=target_m,
        stalled=False,
        holding=held,
    )


PRIMITIVES: tuple[Primitive, ...] = (open_gripper, close_gripper, set_gripper)
