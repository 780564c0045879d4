"""An arm of your own as a cell/1 host: arm_server.py CELL.toml ADDRESS:PORT KEYS."""
import sys, time
from drivers.serving import serve_arm
from drivers.types import ArmSample

class MyArm:
    """What drivers/arm.py asks of a device. Here it is a few numbers; yours talks to motors."""

    def __init__(self, spec, port):
        self.spec, self.port, self.on = spec, port, True
        self.q = self.goal = tuple(spec.home_rad)
        self.width = spec.gripper.open_width_m

    def open(self):  # Connect, read-only. OSError when it cannot: the host looks again.
        return self.spec

    def check(self):  # What an operator should know, from drivers/findings.py.
        return []

    def read(self, deadline_s):  # All telemetry, SI units. OSError when it does not come in time.
        if self.on:
            self.q = tuple(q + 0.3 * (goal - q) for q, goal in zip(self.q, self.goal))
        still, width = (0.0,) * len(self.q), self.width
        return ArmSample(time.monotonic(), self.q, still, self.goal, width, width, 0.0)

    def write(self, q_rad, width_m, force_N):  # One set-point, already limited. Never waits.
        self.goal, self.width = q_rad, width_m

    def energised(self): return self.on

    def energise(self):  # Torque on where the arm is: no jump.
        self.goal, self.on = self.q, True

    def release(self): self.on = False  # It falls: asked for in two steps, never by accident.

    def close(self): pass  # Torque stays as it is.

if __name__ == "__main__":  # Lease, limits, watchdog, stop and encryption are the host's.
    sys.exit(serve_arm(MyArm, sys.argv[1], tcp=sys.argv[2], keys=sys.argv[3]))
