"""One arm inside the core: its device, its last reading, its motion in flight and its last gate."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from drivers.arm import ArmDriver
from drivers.errors import CellRefused
from drivers.follower import MAX_BRIDGE_RAD, SETTLE_S, GripFollower, PathFollower
from drivers.gate import GripGate, SetpointGate
from drivers.hermite import HermitePath, Vector
from drivers.reactions import AlarmWatch
from drivers.safety import (
    BLOCKED_AFTER_S,
    PUSHED_AFTER_S,
    Refusal,
    TrackingMonitor,
)
from drivers.steering import Steering
from drivers.ticket import Ticket
from drivers.types import (
    ArmSample,
    ArmSpec,
    Finding,
    GripReport,
    MotionReport,
    MotionStatus,
    SampleLog,
    Trajectory,
)

LOG_S: Final = 130.0
OUTSIDE_RAD: Final = 0.05
"""A measured joint this far beyond its limit is a fault of the arm or of its calibration."""
EXCUSE_SLACK_RAD: Final = 0.02
"""How much further out a joint that is being brought back may be measured."""

Worse = Callable[[str, Sequence[float], Sequence[float]], str | None]
"""Arm, joints now, joints then: why not, in words."""


class ArmChannel:
    """Joins device, follower and gate of one arm. Called by the control loop only."""

    def __init__(self, spec: ArmSpec, driver: ArmDriver, dt_s: float) -> None:
        self.spec = spec
        self.driver = driver
        self.dt_s = dt_s
        zero = (0.0,) * len(spec.joints)
        self.sample = ArmSample(0.0, zero, zero, zero, 0.0, 0.0, 0.0)
        self.log: deque[ArmSample] = deque(maxlen=int(LOG_S / dt_s))
        self.gate = SetpointGate(spec, dt_s, spec.home_rad)
        self.grip_gate = GripGate(spec.gripper, dt_s, spec.gripper.open_width_m)
        self.monitor = TrackingMonitor(spec.tracking_limit_rad, dt_s)
        self.driving = False
        """Whether set-points are written; false until something was asked of an adopted arm."""
        self.heard = False
        """Whether the device answered in this control period."""
        self.gone = False
        """Whether it is being waited for to come back."""
        self.findings: list[Finding] = []
        """What was found when it was last connected."""
        self.guided = False
        """Whether a person may move it by hand."""
        self.alarms = AlarmWatch()
        self.steering: Steering | None = None
        self.last_seq = -1
        """Of the set-points streamed by the present owner."""
        self.motion: Ticket | None = None
        self.grip: Ticket | None = None
        self._follower: PathFollower | None = None
        self._fingers: GripFollower | None = None
        self._rest_rad: Vector = self.gate.q_rad
        self._rest_width_m = self.grip_gate.width_m
        self._force_N = 0.0
        self._path_over = False
        self._excused_rad = [0.0] * len(spec.joints)

    # -- reading ---------------------------------------------------------------------------

    def read(self, deadline_s: float) -> None:
        """One reading. Raises OSError when the device is silent or talks nonsense."""
        self.heard = False
        sample = self.driver.read(deadline_s)
        if not all(map(math.isfinite, (*sample.q_rad, sample.width_m, sample.t_s))):
            raise OSError(f"arm {self.spec.name} reported a value that is not finite")
        self.sample, self.heard = sample, True
        self.log.append(sample)
        if any(self._excused_rad):
            self._excused_rad = [
                min(excused, beyond + EXCUSE_SLACK_RAD) if beyond > OUTSIDE_RAD else 0.0
                for excused, beyond in zip(self._excused_rad, self.beyond_rad(), strict=True)
            ]
            self._allow_excused()

    def beyond_rad(self) -> list[float]:
        """Per joint, how far it is measured beyond its range."""
        return [
            max(joint.lo_rad - q, q - joint.hi_rad, 0.0)
            for joint, q in zip(self.spec.joints, self.sample.q_rad, strict=True)
        ]

    def outside(self) -> str | None:
        """The joint measured beyond its range, in words; not one that is being brought back."""
        for joint, q, excused in zip(
            self.spec.joints, self.sample.q_rad, self._excused_rad, strict=True
        ):
            allowed = max(OUTSIDE_RAD, excused)
            if not joint.lo_rad - allowed <= q <= joint.hi_rad + allowed:
                return (
                    f"{joint.name} measured at {q:.3f} rad, "
                    f"range {joint.lo_rad:.3f} to {joint.hi_rad:.3f}"
                )
        return None

    @property
    def recovering(self) -> bool:
        """Whether a joint is being brought back from beyond its range."""
        return any(self._excused_rad)

    def excuse(self) -> None:
        """Let joints be where they are, beyond their range, for as long as they go inward."""
        self._excused_rad = [
            beyond + EXCUSE_SLACK_RAD if beyond > OUTSIDE_RAD else 0.0
            for beyond in self.beyond_rad()
        ]
        self._allow_excused()

    def _allow_excused(self) -> None:
        self.gate.allow(
            [
                q if excused else min(max(q, joint.lo_rad), joint.hi_rad)
                for q, excused, joint in zip(
                    self.sample.q_rad, self._excused_rad, self.spec.joints, strict=True
                )
            ]
        )

    def seed(self, q_rad: Sequence[float], width_m: float) -> None:
        """Take this as the set-point being held; forgets any motion."""
        self.gate.seed(q_rad)
        self.grip_gate.seed(width_m)
        self._rest_rad = self.gate.q_rad
        self._rest_width_m = self.grip_gate.width_m
        # What is being squeezed stays squeezed.
        self._force_N = max(abs(self.sample.grip_force_N), 0.25 * self.spec.gripper.max_force_N)
        self._follower = self._fingers = self.steering = None
        self.monitor.clear()

    def retime(self, dt_s: float) -> None:
        """Be led at another rate from now on. Only at rest."""
        if dt_s == self.dt_s:
            return
        self.dt_s = dt_s
        self.log = deque(self.log, maxlen=int(LOG_S / dt_s))
        self.gate = SetpointGate(self.spec, dt_s, self.gate.q_rad)
        self.grip_gate = GripGate(self.spec.gripper, dt_s, self.grip_gate.width_m)
        self.monitor = TrackingMonitor(self.spec.tracking_limit_rad, dt_s)

    def limit(self, spec: ArmSpec) -> None:
        """Keep to other limits from now on. Only at rest."""
        self.spec = spec
        self.gate = SetpointGate(spec, self.dt_s, self.gate.q_rad)

    def recorded(self, since_s: float) -> SampleLog:
        """What was measured and commanded since a cell time."""
        rows = [sample for sample in self.log.copy() if sample.t_s >= since_s]
        n = len(self.spec.joints)
        return SampleLog(
            arm=self.spec.name,
            t_s=np.array([s.t_s for s in rows], np.float64),
            q_rad=np.array([s.q_rad for s in rows], np.float64).reshape(-1, n),
            q_cmd_rad=np.array([s.q_cmd_rad for s in rows], np.float64).reshape(-1, n),
            width_m=np.array([s.width_m for s in rows], np.float64),
            width_cmd_m=np.array([s.width_cmd_m for s in rows], np.float64),
        )

    # -- starting --------------------------------------------------------------------------

    def start_path(self, ticket: Ticket, trajectory: Trajectory) -> None:
        self._follower = PathFollower(self.spec, HermitePath(trajectory), self.dt_s)
        self.motion, self.driving, self._path_over = ticket, True, False
        self.monitor.clear()

    def start_fingers(
        self, ticket: Ticket, width_m: float, force_N: float, speed_m_s: float
    ) -> None:
        self._fingers = GripFollower(
            self.spec.gripper,
            width_m,
            force_N,
            speed_m_s,
            self.grip_gate.width_m,
            self.sample.width_m,
            self.dt_s,
        )
        self._force_N = force_N
        self.grip_gate.seed(self._fingers.command_m)
        self.grip, self.driving = ticket, True

    def refuse_path(self, ticket: Ticket, trajectory: Trajectory, refusal: Refusal) -> None:
        """End a ticket whose trajectory may not run; nothing moved."""
        reached, rows = self.sample.q_rad, trajectory.q_rad
        usable = rows.ndim == 2 and len(rows) > 0 and rows.shape[1] == len(reached)
        target = tuple(rows[-1].tolist()) if usable else reached
        ticket.report = MotionReport(
            status=refusal.status,
            detail=refusal.detail,
            q_target_rad=target,
            q_reached_rad=reached,
            error_rad=self._error(target)[0],
            started_s=ticket.started_s,
            ended_s=ticket.started_s,
        )
        ticket.done = True

    def refuse_grip(self, ticket: Ticket, width_m: float, refusal: Refusal) -> None:
        """End a ticket whose opening, force or speed may not be used; nothing moved."""
        ticket.report = GripReport(
            status=refusal.status,
            detail=refusal.detail,
            width_m=self.sample.width_m,
            force_N=abs(self.sample.grip_force_N),
            target_width_m=width_m,
            stalled=False,
            started_s=ticket.started_s,
            ended_s=ticket.started_s,
        )
        ticket.done = True

    @property
    def busy(self) -> bool:
        return self.motion is not None or self.grip is not None or self.steering is not None

    def check_resume(self) -> None:
        """Raises CellRefused when the arm was moved too far while it was held."""
        if self._follower is None:
            return
        away = self._follower.distance_rad(self.sample.q_rad)
        if away > MAX_BRIDGE_RAD:
            raise CellRefused(
                "moved_while_held",
                f"{self.spec.name} is {away:.2f} rad away from its path (at most "
                f"{MAX_BRIDGE_RAD}): abort, then plan from where it is",
            )

    def resume(self) -> None:
        """Go on with the motion in flight from the measured pose."""
        if self._follower is not None:
            self._follower.resume(self.sample.q_rad)
        if self._fingers is not None:
            self._fingers.forget_readings()
        self.monitor.clear()

    # -- one tick --------------------------------------------------------------------------

    def judge(self, stop: bool, now_s: float) -> str | None:
        """Look at the newest reading; ends what is over. Returns a cause for a protective stop."""
        over_s = self.monitor.observe(self.sample.q_rad, self.sample.q_cmd_rad)
        joint = self.spec.joints[self.monitor.joint].name
        ticket = self.motion
        if ticket is not None:
            self._judge_motion(ticket, stop, over_s, joint, now_s)
            if ticket.kind == "stow" and ticket.report and ticket.report.status == "BLOCKED":
                return f"{joint} is blocked while stowing"
        elif self.driving and over_s >= PUSHED_AFTER_S and not self.recovering:
            self.give_way()
            return f"{joint} was pushed {self.monitor.error_rad:.2f} rad away while holding"
        if self.grip is not None:
            self._judge_grip(self.grip, stop, now_s)
        return None

    def _judge_motion(
        self, ticket: Ticket, stop: bool, over_s: float, joint: str, now_s: float
    ) -> None:
        follower = self._follower
        if follower is None:
            return
        if over_s >= BLOCKED_AFTER_S and not stop:
            detail = f"{joint} is {self.monitor.error_rad:.2f} rad behind: something is in the way"
            self._end_motion("BLOCKED", detail, now_s, joint)
            self.give_way()
            return
        if ticket.ending is not None and follower.standing:
            self._end_motion(*ticket.ending, now_s)
        elif follower.phase == "settle" and self._path_over and not stop:
            error, joint = self._error(follower.target_rad)
            if error <= self.spec.arrival_tolerance_rad:
                self._end_motion("OK", "", now_s)
            elif follower.settled_s > SETTLE_S:
                self._end_motion(
                    "NOT_CONVERGED",
                    f"{joint} stayed {error:.3f} rad from its target for {SETTLE_S} s "
                    f"(tolerance {self.spec.arrival_tolerance_rad})",
                    now_s,
                )

    def _judge_grip(self, ticket: Ticket, stop: bool, now_s: float) -> None:
        fingers = self._fingers
        if fingers is None:
            return
        if ticket.ending is not None:
            self._end_grip(*ticket.ending, False, now_s)
            return
        if stop:
            return
        verdict = fingers.judge(self.sample.width_m, self.sample.grip_force_N)
        if verdict == "reached":
            self._end_grip("OK", "", False, now_s)
        elif verdict == "stalled":
            self._end_grip("OK", "stopped on contact", True, now_s)
        elif verdict == "late":
            off_mm = 1e3 * abs(self.sample.width_m - fingers.target_m)
            self._end_grip(
                "NOT_CONVERGED", f"fingers stayed {off_mm:.1f} mm off, without force", False, now_s
            )

    def drive(self, speed: float, stop: bool, now_s: float, worse: Worse) -> None:
        """Write one set-point through the last gate, if the device answered in this period.

        An arm that is silent for a moment waits where it is instead of catching up afterwards.
        Raises OSError when the set-point cannot be written.
        """
        if not self.heard:
            return
        motion = self.motion
        if motion is not None:
            # What is being ended goes on slowing down, whatever the rest of the cell does.
            stop = stop or motion.ending is not None
            # Stowing is slow by itself.
            speed = 1.0 if motion.kind == "stow" else speed
        target = self._rest_rad
        if self._follower is not None:
            # Judged on the reading after next: the arm has been told the end of the path by then.
            self._path_over = self._follower.phase == "settle"
            target = self._follower.advance(speed, stop, self.gate.q_rad)
        elif self.steering is not None:
            target = self.steering.advance(speed, stop, now_s)
        width = self._rest_width_m
        if self._fingers is not None:
            width = self._rest_width_m = self._fingers.advance(speed, stop)
        if not self.driving:
            return
        before = self.gate.mark()
        q = self.gate.step(target)
        if self.steering is not None:
            q = self._steered(self.steering, before, q, worse)
        opening, force = self.grip_gate.step(width, self._force_N)
        try:
            self.driver.write(q, opening, force)
        except OSError:
            # It did not move on; the next set-point must not be a double step.
            self.gate.back_to(before)
            self.heard = False
            raise

    def _steered(
        self, steering: Steering, before: tuple[Vector, list[float]], q: Vector, worse: Worse
    ) -> Vector:
        """The set-point of an order, unless braking from it would end where the arm may not be."""
        why = worse(self.spec.name, before[0], self.gate.braking_point())
        if why is None:
            return q
        self.gate.back_to(before)
        steering.brake()
        steering.blocked = why
        return self.gate.step(steering.aim_rad)

    def end_steering(self) -> None:
        """Rest where the last order left the set-point."""
        self.steering = None
        self._rest_rad = self.gate.brake()

    def open_to(self, width_m: float) -> None:
        """Lead the fingers to an opening, as fast as the gripper may, without a report."""
        self._rest_width_m = width_m
        self._fingers = None

    def give_way(self) -> None:
        """Stop pushing: hold where the arm is measured to be."""
        self._follower = self.steering = None
        self._rest_rad = self.sample.q_rad
        self.monitor.clear()

    # -- ending ----------------------------------------------------------------------------

    def _error(self, target: Vector) -> tuple[float, str]:
        errors = [abs(a - b) for a, b in zip(self.sample.q_rad, target, strict=True)]
        worst = max(errors)
        return worst, self.spec.joints[errors.index(worst)].name

    def end_all(self, status: MotionStatus, detail: str, now_s: float) -> None:
        """End whatever is in flight at once, holding the present set-point."""
        if self.motion is not None:
            self._end_motion(status, detail, now_s)
        if self.grip is not None:
            self._end_grip(status, detail, False, now_s)
        self._follower = self._fingers = self.steering = None
        self._rest_rad = self.gate.brake()
        self._rest_width_m = self.grip_gate.width_m

    def _end_motion(
        self, status: MotionStatus, detail: str, now_s: float, joint: str | None = None
    ) -> None:
        ticket, follower = self.motion, self._follower
        if ticket is None:
            return
        target = follower.target_rad if follower is not None else self.gate.q_rad
        ticket.report = MotionReport(
            status=status,
            detail=detail,
            q_target_rad=target,
            q_reached_rad=self.sample.q_rad,
            error_rad=self._error(target)[0],
            started_s=ticket.started_s,
            ended_s=now_s,
            held_s=ticket.held_s,
            blocked_joint=joint,
        )
        ticket.done = True
        self.motion = self._follower = None
        self._rest_rad = self.gate.q_rad

    def _end_grip(self, status: MotionStatus, detail: str, stalled: bool, now_s: float) -> None:
        ticket, fingers = self.grip, self._fingers
        if ticket is None:
            return
        ticket.report = GripReport(
            status=status,
            detail=detail,
            width_m=self.sample.width_m,
            force_N=abs(self.sample.grip_force_N),
            target_width_m=fingers.target_m if fingers is not None else self.grip_gate.width_m,
            stalled=stalled,
            started_s=ticket.started_s,
            ended_s=now_s,
            held_s=ticket.held_s,
        )
        ticket.done = True
        self.grip = None
        if status != "OK":
            self._fingers = None
