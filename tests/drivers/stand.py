"""A small kinematic cell on an injected clock, for tests of the control core."""

from __future__ import annotations

import numpy as np

from drivers.core import CellCore
from drivers.kinematic_arm import KinematicArm
from drivers.ticket import Ticket
from drivers.types import ArmSpec, CellInfo, GripperSpec, JointSpec, Trajectory, Workspace

DT_S = 0.01
VMAX, AMAX = 2.0, 10.0


def arm_spec(name: str = "left", joints: int = 3) -> ArmSpec:
    return ArmSpec(
        name=name,
        model="none",
        joints=tuple(JointSpec(f"joint{i + 1}", -1.5, 1.5, VMAX, AMAX) for i in range(joints)),
        gripper=GripperSpec(0.08, 0.0, 20.0, 0.15),
        home_rad=(0.0,) * joints,
        tool_site="tool",
    )


def cell_info(*arms: ArmSpec) -> CellInfo:
    return CellInfo(
        name="bench",
        kind="sim",
        clock="sim",
        arms=arms or (arm_spec(),),
        cameras=(),
        workspace=Workspace((-1.0, -1.0, -0.5), (1.0, 1.0, 1.0), 0.0),
        control_hz=1.0 / DT_S,
        estop="NOT WIRED",
    )


def smooth(start: list[float], end: list[float], duration_s: float, knots: int = 60) -> Trajectory:
    """Rest to rest along a quintic."""
    u = np.linspace(0.0, 1.0, knots)[:, None]
    a, b = np.asarray(start), np.asarray(end)
    share = u**3 * (10 - 15 * u + 6 * u**2)
    slope = 30 * u**2 * (1 - u) ** 2 / duration_s
    return Trajectory(u[:, 0] * duration_s, a + share * (b - a), slope * (b - a))


class Stand:
    """Core and arms with simulated time; ``step`` is one control period."""

    def __init__(self, info: CellInfo | None = None, energised: bool = True, **core: object):
        self.t_s = 0.0
        self.dt_s = DT_S
        self.info = info or cell_info()
        self.arms = {a.name: KinematicArm(a, self.clock, energised) for a in self.info.arms}
        self.core = CellCore(self.info, self.arms, self.clock, **core)  # type: ignore[arg-type]

    def clock(self) -> float:
        return self.t_s

    @property
    def arm(self) -> KinematicArm:
        return next(iter(self.arms.values()))

    def step(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.t_s += self.dt_s
            for arm in self.arms.values():
                arm.advance(self.dt_s)
            self.core.tick()

    def finish(self, ticket: Ticket, limit: int = 4000) -> Ticket:
        for _ in range(limit):
            if ticket.done:
                return ticket
            self.step()
        raise AssertionError(f"{ticket} did not end")

    def goto(self, q: list[float], duration_s: float = 1.5) -> Ticket:
        start = list(self.core.status().arms[0].q_cmd_rad)
        return self.core.start_trajectory("left", smooth(start, q, duration_s), "test")
