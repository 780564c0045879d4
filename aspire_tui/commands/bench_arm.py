"""An arm of a served cell, led by a person step by step: made ready, driven slowly, read."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.commands.person import Person
from aspire_tui.environment.motion.kinematics import Kinematics
from drivers.client import CellClient
from drivers.errors import CellFault, CellRefused
from drivers.types import ArmSample, ArmSpec, MotionReport, Trajectory, Workspace

FloatArray = NDArray[np.float64]

KNOTS_PER_S: Final = 20.0
SETTLE_S: Final = 0.3
PATH_STEPS: Final = 12
INWARD_STEP_RAD: Final = 0.05
LOOK_S: Final = 0.05
TRIES: Final = 4


class BenchArm:
    """One arm. Everything that moves it was confirmed by the person before."""

    def __init__(
        self,
        client: CellClient,
        arm: ArmSpec,
        box: Workspace,
        person: Person,
        who: str,
        share: float,
    ) -> None:
        """``share``: of each joint's fastest speed."""
        self.who = who
        self.spec = arm
        self.kinematics = Kinematics(arm)
        self.client = client
        self._box = box
        self._person = person
        self._share = share
        self._number = [a.name for a in client.info.arms].index(arm.name)
        self._clear = self.kinematics.shape.among(
            [], table_z_m=box.table_z_m, width_m=arm.gripper.closed_width_m
        )

    # -- looking ---------------------------------------------------------------------------

    def sample(self) -> ArmSample:
        return self.client.status().arms[self._number]

    def q(self) -> FloatArray:
        """Measured joints, shape (n,)."""
        return np.array(self.sample().q_rad)

    def hand(self) -> FloatArray:
        """Tool frame in the base frame, measured, shape (4, 4)."""
        return self.kinematics.hand_pose(self.q())

    def allowed(self, q: FloatArray) -> bool:
        """Whether the arm may stand like this: limits, box, table, itself."""
        if not self.kinematics.within_limits(q, -0.02):
            return False
        xyz = self.kinematics.tool_pose(q)[:3, 3]
        lo, hi = np.array(self._box.lo_m), np.array(self._box.hi_m)
        inside = bool(np.all(xyz > lo + 0.005) and np.all(xyz < hi - 0.005))
        return inside and not self._clear.touching(q)

    def way_is_clear(self, start: FloatArray, goal: FloatArray) -> bool:
        shares = np.linspace(0.0, 1.0, PATH_STEPS)[1:]
        return all(self.allowed(start + s * (goal - start)) for s in shares)

    # -- making ready ----------------------------------------------------------------------

    def make_ready(self) -> None:
        """Bring the arm to where it takes orders; every step is the person's.

        Raises:
            CellFault: It is lost or faulty; says what to do.
            CellRefused: Not confirmed.
        """
        who, client = self.who, self.client
        for _ in range(TRIES):
            status = client.status()
            match status.state:
                case "HOLD" | "RUN" if not status.held:
                    self._inward()
                    return
                case "HOLD" | "RUN":
                    self._person.confirm("The cell was held: to let it move again", "resume")
                    client.resume(who)
                case "LIMP":
                    self._person.confirm("The arm is without torque: hold it, hands clear", "on")
                    self._enabled()
                case "PSTOP":
                    self._person.say(f"   protective stop: {status.cause}")
                    self._person.ask("   Look at the arm; Enter to acknowledge")
                    try:
                        client.ack_stop(who)
                    except CellRefused as refused:
                        if not self._recovered(refused):
                            self._person.say(f"   not yet: {refused.text}")
                case "HAND_GUIDE":
                    client.hand_guide(self.spec.name, 0.0, who)
                case _:
                    raise CellFault(
                        f"{status.state}: {status.cause}; aspire-tui cell check says more"
                    )
        raise CellFault(f"the arm does not come to rest: {client.status().cause}")

    def _enabled(self) -> None:
        try:
            self.client.enable(self.who)
        except CellRefused as refused:
            if not self._recovered(refused):
                raise

    def _recovered(self, refused: CellRefused) -> bool:
        """From beyond the limits: two steps, then only inward; see ``RECOVER`` of the protocol."""
        if not self._outside():
            return False
        self._person.say(f"   {refused.text}")
        nonce = self.client.recover(self.who)
        self._person.confirm("   The joint will be led back slowly; hands clear", "inward")
        self.client.recover(self.who, nonce)
        return True

    def _outside(self) -> list[tuple[str, float]]:
        """Joints beyond their range, and by how much they have to come back."""
        out = []
        for joint, q in zip(self.spec.joints, self.sample().q_rad, strict=True):
            back = min(0.0, joint.hi_rad - q) + max(0.0, joint.lo_rad - q)
            if back:
                out.append((joint.name, back))
        return out

    def _inward(self) -> None:
        """Lead joints back into their range, one step per Enter, slowly; nothing else moves."""
        while outside := self._outside():
            joint, back = outside[0]
            step = math.copysign(min(abs(back) + 0.01, INWARD_STEP_RAD), back)
            self._person.ask(
                f"   {joint} is {math.degrees(abs(back)):.1f}° beyond its range; Enter moves it "
                f"{math.degrees(step):+.1f}°"
            )
            self.jog_joint(joint, step)

    # -- moving ----------------------------------------------------------------------------

    def jog_joint(self, joint: str, step_rad: float) -> None:
        """One finite step; returns when it is made. Raises CellRefused."""
        self.client.jog(self.spec.name, step_rad, joint=joint, valid_for_ms=2000)
        self._stands()

    def jog_tool(self, axis: str, step_m: float) -> None:
        """One finite step along x, y or z of the base frame. Raises CellRefused."""
        match axis:
            case "x" | "y" | "z":
                self.client.jog(self.spec.name, step_m, axis=axis, valid_for_ms=2000)
        self._stands()

    def go(self, goal: FloatArray) -> MotionReport:
        """Go there slowly on a straight line in joint space. A stop is the person's to acknowledge.

        Raises:
            CellRefused: Something is in the way.
            CellFault: It did not get there.
        """
        why = ""
        for _ in range(TRIES):
            self.make_ready()
            start = np.array(self.sample().q_cmd_rad)
            if not self.way_is_clear(start, goal):
                raise CellRefused("no_way", "the straight way there leads into something")
            try:
                report = self.client.execute(self.spec.name, self._slow(start, goal))
            except CellRefused as refused:
                if self.client.status().state == "HOLD":
                    raise
                why = refused.text  # it stopped in this moment
                continue
            if report.status in ("OK", "NOT_CONVERGED"):
                time.sleep(SETTLE_S)
                return report
            why = report.detail
            self._person.say(f"   {report.status}: {why}")
        raise CellFault(f"{self.spec.name} does not get there: {why}")

    def _slow(self, start: FloatArray, goal: FloatArray) -> Trajectory:
        way = np.abs(goal - start)
        vmax = np.array([j.vmax_rad_s for j in self.spec.joints]) * self._share
        amax = np.array([j.amax_rad_s2 for j in self.spec.joints]) * self._share
        # A quintic's largest speed is 15/8 of its mean, its largest acceleration 5.78 way/T^2.
        longest = max(float((15 / 8 * way / vmax).max()), float(np.sqrt(5.78 * way / amax).max()))
        duration_s = max(0.3, longest)
        t = np.linspace(0.0, duration_s, max(4, int(duration_s * KNOTS_PER_S)))
        u = t / duration_s
        along = u**3 * (10 - 15 * u + 6 * u * u)
        speed = 30 * u**2 * (1 - u) ** 2 / duration_s
        return Trajectory(
            t, start + along[:, None] * (goal - start), speed[:, None] * (goal - start)
        )

    def _stands(self) -> None:
        while self.client.status().state == "RUN":
            time.sleep(LOOK_S)
        time.sleep(SETTLE_S)

    def near(self, xyz_m: Sequence[float], seed_q: FloatArray) -> FloatArray | None:
        """The least motion from some joints to one of :meth:`over`; None if it is out of reach."""
        return next(iter(self.over(xyz_m, seed_q)), None)

    def over(self, xyz_m: Sequence[float], seed_q: FloatArray) -> list[FloatArray]:
        """Joints with the tool there, pointing down as well as the arm can, turned in several ways;
        those nearest to some joints first."""
        down = np.diag([1.0, -1.0, -1.0, 1.0])
        rng = np.random.default_rng(0)
        found: list[FloatArray] = []
        for yaw in np.linspace(0.0, math.pi, 9):
            c, s = math.cos(yaw), math.sin(yaw)
            T = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]) @ down
            T[:3, 3] = xyz_m
            q = self.kinematics.solve(T, seed_q, rng=rng, accept=self.allowed).q
            if q is not None:
                found.append(q)
        return sorted(found, key=lambda q: float(np.abs(q - seed_q).max()))
