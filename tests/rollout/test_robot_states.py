"""The arm's state before and after a call: worked out anew when it reads anew, and only then."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from aspire_tui.rollout.calls import RobotStates


class Bench:
    """An arm whose reading is set, and whose kinematics counts."""

    def __init__(self) -> None:
        self.reading = SimpleNamespace(q_rad=(0.1, 0.2), width_m=0.05, grip_force_N=0.0)
        self.asked = 0
        self.kinematics = self

    def sample(self):
        return self.reading

    def tool_pose(self, q_rad):
        self.asked += 1
        T = np.eye(4)
        T[:2, 3] = q_rad
        return T


def test_an_arm_that_reads_the_same_is_worked_out_once():
    bench = Bench()
    states = RobotStates(bench)
    assert states.now() == states.now()
    assert bench.asked == 1
    assert states.now().xyz_m == (0.1, 0.2, 0.0)


def test_the_least_motion_is_seen():
    bench = Bench()
    states = RobotStates(bench)
    states.now()
    bench.reading.q_rad = (0.1, 0.2 + 1e-12)
    assert states.now().xyz_m[1] == 0.2 + 1e-12
    assert bench.asked == 2


def test_the_fingers_are_read_every_time():
    bench = Bench()
    states = RobotStates(bench)
    states.now()
    bench.reading.width_m, bench.reading.grip_force_N = 0.01, 7.5
    assert (states.now().width_m, states.now().grip_force_N) == (0.01, 7.5)
    assert bench.asked == 1
