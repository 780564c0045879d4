"""What the servos of an arm said, as one reading of the arm. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.feetech import registers as r
from drivers.feetech.telemetry import Telemetry
from drivers.feetech.wiring import Wiring
from drivers.types import Alarm, ArmSample


def pose_of(wiring: Wiring, rows: Sequence[Telemetry]) -> tuple[tuple[float, ...], float]:
    """Joints and opening as measured; ``rows`` are joints in order, then the gripper."""
    *joints, jaw = rows
    pairs = zip(wiring.joints, joints, strict=True)
    q = tuple(m.rad(t.position_ticks) for m, t in pairs)
    return q, wiring.jaw.width_m(jaw.position_ticks)


def sample_of(
    wiring: Wiring,
    rows: Sequence[Telemetry],
    told: tuple[tuple[float, ...], float],
    now_s: float,
    stall_torque_Nm: float,
    alarms: tuple[Alarm, ...],
) -> ArmSample:
    """One reading; ``told`` are joints and opening as they were last written."""
    q_rad, width_m = pose_of(wiring, rows)
    *joints, jaw = rows
    pairs = list(zip(wiring.joints, joints, strict=True))
    Nm_per_load = r.SHARE * stall_torque_Nm
    return ArmSample(
        t_s=now_s,
        q_rad=q_rad,
        dq_rad_s=tuple(m.rad_s(t.speed_ticks_s) for m, t in pairs),
        q_cmd_rad=told[0],
        width_m=width_m,
        width_cmd_m=told[1],
        grip_force_N=wiring.jaw.force_N(jaw.load),
        load_Nm=tuple(m.sign * t.load * Nm_per_load for m, t in pairs),
        temperature_C=tuple(float(t.temperature_C) for t in rows),
        voltage_V=tuple(t.voltage_V for t in rows),
        current_A=tuple(t.current_A for t in rows),
        alarm_bits=tuple(t.status for t in rows),
        age_s=tuple(now_s - t.t_s for t in rows),
        alarms=alarms,
    )
