"""Plans moves that touch nothing on the way: straight when that is free, else round what was seen.

One rule says what may be touched. Within 6 cm of where the tool starts, and of where it is told to
go, what was seen is what the program means to grasp, hold or put something on: there the *hand*
(with what it holds) may touch it, on a straight line along its own approach direction. Everywhere
else, for every other part of the arm, and for the table always, contact is a collision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.motion.collision import CollisionWorld
from aspire_tui.environment.motion.connect import connect
from aspire_tui.environment.motion.kinematics import LIMIT_MARGIN_RAD, Kinematics
from aspire_tui.environment.motion.line import straight_line
from aspire_tui.environment.motion.path import Leg, polyline
from aspire_tui.environment.motion.pose import FloatArray
from drivers.types import Workspace

EDGE_RAD = 0.02
"""No joint moves further than this between two collision checks: less than boxes are grown by."""

NEAR_M = 0.06
STANDOFF_STEP_M = 0.01
STANDOFF_MOST_M = 0.15
SEARCHES = 2
"""Routes searched for; the quickest is taken."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A way from joints to joints, or why there is none.

    Attributes:
        status: OK, PLANNING_ERROR (no way found), COLLISION (start, goal or line touches
            something) or IK_FAILED (a straight line cannot be followed).
        detail: One line; empty when OK.
        legs: To be timed, with a rest between legs.
        path: Shape (N, n), joints along the legs, dense.
        planner: What found it, e.g. ``straight`` or ``RRTConnect``.
        planner_status: The planner's own word.
    """

    status: Status
    detail: str
    legs: tuple[Leg, ...]
    path: FloatArray
    planner: str
    planner_status: str

    @property
    def q_end(self) -> FloatArray:
        end: FloatArray = self.path[-1]
        return end


@dataclass(frozen=True, eq=False)
class Planner:
    """Plans in one scene. ``rng`` decides everything that is drawn."""

    kinematics: Kinematics
    world: CollisionWorld
    workspace: Workspace
    rng: np.random.Generator

    def plan(self, q_start: FloatArray, q_goal: FloatArray) -> Plan:
        """From rest at ``q_start`` to rest at ``q_goal``, both of shape (n,)."""
        if not self.kinematics.within_limits(q_goal):
            return _failed("COLLISION", "the target is beyond a joint limit", q_start)
        ends = self._judge_ends(q_start, q_goal)
        if ends:
            return _failed("COLLISION", ends, q_start)
        direct = polyline(np.array((q_start, q_goal)), self._vmax(), rounded=False)
        roam_m = self.roam(q_start, q_goal)
        if self._clear(direct, roam_m, relaxed=False) == "":
            return _done("straight", "free", direct, q_start)
        away, approach = self._standoff(q_start), self._standoff(q_goal)
        close = not (away.free and approach.free)
        middle = self._free_route(away.q, approach.q, roam_m, relaxed=close)
        if middle.status != "OK":
            # Backing out first may be what makes it impossible, e.g. under something.
            last = self._free_route(q_start, q_goal, roam_m, relaxed=True)
            return last if last.status == "OK" else middle
        word = f"{middle.planner} (near contact)" if close else middle.planner
        parts = [p for p in (away.planner, word, approach.planner) if p]
        legs = (*away.legs, *middle.legs, *approach.legs_reversed())
        return _done(" + ".join(parts), middle.planner_status, legs, q_start)

    def line(self, q_start: FloatArray, T_base_target: FloatArray, *, touch: bool = False) -> Plan:
        """Lead the tool straight to a pose.

        Args:
            touch: Meeting what is seen is the purpose; only the arm itself must stay clear.
        """
        line = straight_line(self.kinematics, q_start, T_base_target)
        if line.status != "OK":
            return _failed(line.status, line.detail, q_start, "line")
        if line.leg is None:
            return _done("line", "already there", (), q_start)
        roam_m = self.roam(q_start, line.q_end)
        if not touch:
            ends = self._judge_ends(q_start, line.q_end)
            trouble = ends or self._clear((line.leg,), roam_m, relaxed=True)
            if trouble:
                return _failed("COLLISION", trouble, q_start, "line")
        elif trouble := self._touches_itself((line.leg,)):
            return _failed("COLLISION", trouble, q_start, "line")
        return _done("line", "free", (line.leg,), q_start)

    def trouble(self, q: FloatArray) -> str:
        """What stands against being at ``q`` at all, in words; empty when nothing does."""
        return self.world.touching(q, relaxed=True)

    def _judge_ends(self, q_start: FloatArray, q_goal: FloatArray) -> str:
        self.world.forgive(q_start)
        trouble = self.world.touching(q_goal, relaxed=True)
        return f"at the target {trouble} would touch" if trouble else ""

    def _vmax(self) -> FloatArray:
        return np.array([j.vmax_rad_s for j in self.kinematics.arm.joints])

    def roam(self, *q: FloatArray) -> float:
        """How far outside the workspace the tool may go: as far as the ends already are."""
        return max(0.0, *(self._outside(self.kinematics.tool_pose(x)[:3, 3]) for x in q)) + 1e-6

    def _outside(self, xyz: FloatArray) -> float:
        box = zip(xyz.tolist(), self.workspace.lo_m, self.workspace.hi_m, strict=True)
        return float(max(max(lo - x, x - hi) for x, lo, hi in box))

    def blocked(self, q: FloatArray, roam_m: float, relaxed: bool) -> str:
        """What stands against passing through joints, in words."""
        touching = self.world.touching(q, relaxed=relaxed)
        if touching:
            return touching
        if self._outside(self.world.tool_xyz_m) > roam_m:
            return "the tool and the edge of the workspace"
        return ""

    def _clear(self, legs: Sequence[Leg], roam_m: float, *, relaxed: bool) -> str:
        """Walk along legs; the first trouble in words, with where the tool is then."""
        for leg in legs:
            for q in leg.samples(EDGE_RAD):
                trouble = self.blocked(q, roam_m, relaxed)
                if trouble:
                    x, y, z = self.world.tool_xyz_m
                    return f"{trouble} would touch with the tool at ({x:.2f}, {y:.2f}, {z:.2f})"
        return ""

    def _touches_itself(self, legs: Sequence[Leg]) -> str:
        for leg in legs:
            for q in leg.samples(EDGE_RAD):
                if trouble := self.kinematics.self_collision(q):
                    return f"{trouble} would touch"
        return ""

    def _free_route(
        self,
        q_start: FloatArray,
        q_goal: FloatArray,
        roam_m: float,
        *,
        relaxed: bool = False,
    ) -> Plan:
        direct = polyline(np.array((q_start, q_goal)), self._vmax(), rounded=False)
        if self._clear(direct, roam_m, relaxed=relaxed) == "":
            return _done("straight", "free", direct, q_start)
        margin = LIMIT_MARGIN_RAD / 2
        lo, hi = self.kinematics.lo_rad + margin, self.kinematics.hi_rad - margin

        def free(q: FloatArray) -> bool:
            return not self.blocked(q, roam_m, relaxed)

        best: tuple[float, tuple[Leg, ...], str] | None = None
        for _ in range(SEARCHES):
            route = connect(q_start, q_goal, lo, hi, free, edge_rad=EDGE_RAD, rng=self.rng)
            if route.waypoints is None:
                break
            for rounded in (True, False):
                legs = polyline(route.waypoints, self._vmax(), rounded=rounded)
                if self._clear(legs, roam_m, relaxed=relaxed) == "":
                    length = sum(leg.length for leg in legs)
                    if best is None or length < best[0]:
                        best = (length, legs, f"{route.word} ({route.checks} checks)")
                    break
        if best is None:
            detail = f"no way round what is seen was found ({route.word}, {route.checks} checks)"
            return _failed("PLANNING_ERROR", detail, q_start, "RRTConnect", route.word)
        return _done("RRTConnect", best[2], best[1], q_start)

    def _standoff(self, q: FloatArray) -> _Standoff:
        """The nearest place straight back along the approach direction that touches nothing.

        Where none can be reached, as far back as the arm can go.
        """
        out = _Standoff(q, (), free=not self.world.touching(q))
        T = self.kinematics.tool_pose(q)
        lo, hi = np.array(self.workspace.lo_m), np.array(self.workspace.hi_m)
        steps = int(STANDOFF_MOST_M / STANDOFF_STEP_M)
        for i in range(1, steps + 1):
            if out.free:
                break
            T_back = T.copy()
            T_back[:3, 3] -= i * STANDOFF_STEP_M * T[:3, 2]
            if np.any(T_back[:3, 3] < lo) or np.any(T_back[:3, 3] > hi):
                break
            line = straight_line(self.kinematics, q, T_back)
            if line.status != "OK" or line.leg is None:
                break
            if any(self.world.touching(x, relaxed=True) for x in line.q):
                break
            out = _Standoff(line.q_end, (line.leg,), free=not self.world.touching(line.q_end))
        return out


@dataclass(frozen=True, eq=False)
class _Standoff:
    """A place to back off to, the straight line that leads there, and whether it is free."""

    q: FloatArray
    legs: tuple[Leg, ...]
    free: bool

    @property
    def planner(self) -> str:
        return "line" if self.legs else ""

    def legs_reversed(self) -> tuple[Leg, ...]:
        return tuple(leg.reversed() for leg in reversed(self.legs))


def joined(first: Plan, second: Plan) -> Plan:
    """One plan after the other; the first that failed when one did."""
    if first.status != "OK":
        return first
    if second.status != "OK":
        return second
    words = " + ".join(p.planner for p in (first, second) if p.legs) or first.planner
    return Plan(
        "OK",
        "",
        first.legs + second.legs,
        np.concatenate((first.path, second.path[1:])),
        words,
        first.planner_status if first.legs else second.planner_status,
    )


def _done(planner: str, word: str, legs: Sequence[Leg], q_start: FloatArray) -> Plan:
    rows = [q_start[None, :]]
    rows += [leg.samples(EDGE_RAD)[1:] for leg in legs]
    return Plan("OK", "", tuple(legs), np.concatenate(rows), planner, word)


def _failed(
    status: Status, detail: str, q_start: FloatArray, planner: str = "", word: str = ""
) -> Plan:
    return Plan(status, detail, (), q_start[None, :], planner, word or status)
