"""Finds a way through joint space round obstacles: OMPL's RRT-Connect, bounded and repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aspire_tui.environment.motion.pose import FloatArray

MOST_CHECKS = 15_000
"""Collision checks one search may use: about half a second."""

RANGE_RAD = 0.6


@dataclass(frozen=True, eq=False)
class Route:
    """Waypoints of shape (K, n), or None; ``word`` is the planner's own status."""

    waypoints: FloatArray | None
    word: str
    checks: int


def connect(
    q_start: FloatArray,
    q_goal: FloatArray,
    lo_rad: FloatArray,
    hi_rad: FloatArray,
    free: Callable[[FloatArray], bool],
    *,
    edge_rad: float,
    rng: np.random.Generator,
) -> Route:
    """Search for a route whose edges are free at every ``edge_rad``, then shorten it.

    Time never decides, only the count of checks: one ``rng`` state gives one route.
    """
    from ompl import base, geometric, util

    # OMPL reports every solve on stdout, and every reseeding too.
    util.noOutputHandler()
    util.RNG.setSeed(int(rng.integers(1, 2**31)))
    n = len(q_start)
    space = base.RealVectorStateSpace(n)
    bounds = base.RealVectorBounds(n)
    for i in range(n):
        bounds.setLow(i, float(min(lo_rad[i], q_start[i], q_goal[i])))
        bounds.setHigh(i, float(max(hi_rad[i], q_start[i], q_goal[i])))
    space.setBounds(bounds)
    checks = 0

    def valid(state: Any) -> bool:
        nonlocal checks
        checks += 1
        return free(np.array([state[i] for i in range(n)]))

    setup = geometric.SimpleSetup(space)
    setup.setStateValidityChecker(valid)
    information = setup.getSpaceInformation()
    information.setStateValidityCheckingResolution(edge_rad / space.getMaximumExtent())
    planner = geometric.RRTConnect(information)
    planner.setRange(RANGE_RAD)
    setup.setPlanner(planner)
    start, goal = space.allocState(), space.allocState()
    for i in range(n):
        start[i], goal[i] = float(q_start[i]), float(q_goal[i])
    setup.setStartAndGoalStates(start, goal)
    setup.setup()
    enough = base.PlannerTerminationCondition(lambda: checks > MOST_CHECKS)
    word = str(setup.solve(enough).asString())
    if not setup.haveExactSolutionPath():
        return Route(None, word, checks)
    path = setup.getSolutionPath()
    shorten = geometric.PathSimplifier(information)
    shorten.reduceVertices(path)
    shorten.partialShortcutPath(path, maxSteps=40, maxEmptySteps=20)
    shorten.reduceVertices(path)
    states = path.getStates()
    waypoints = np.array([[state[i] for i in range(n)] for state in states])
    return Route(waypoints, word, checks)
