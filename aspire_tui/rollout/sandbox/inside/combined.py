"""Names that are made of primitives in the program's own process: they take or give functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NEAR_M, NEAR_RAD = 0.003, 0.03
STEP_S = 0.25
LONGEST_STEP_S = 2.0

Names = Mapping[str, Any]
"""The program's names, looked up when they are used."""


class Background:
    """What became of a function that was run; it has ended when the program gets this."""

    done = True

    def __init__(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._value: Any = None
        self._error: Exception | None = None
        try:
            self._value = fn(*args, **kwargs)
        except Exception as error:
            self._error = error

    def stop(self) -> None:
        """It has ended."""

    def wait(self, timeout: float | None = None) -> Any:
        """What the function gave; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    @property
    def result(self) -> Any:
        return self.wait()


def interactive(names: Names) -> Callable[..., Any]:
    """``goto_pose_interactive_cartesian``: a step towards where the program now says, and again."""

    def goto_pose_interactive_cartesian(
        target_pose_predicate: Callable[[], Any],
        replan_interval_s: float = 0,
        lin_vel_norm: float = 1,
        ang_vel_norm: float = 2,
        z_approach: float = 0,
        timeout_s: float = 20,
    ) -> Any:
        seconds = min(LONGEST_STEP_S, replan_interval_s or STEP_S)
        first = names["goto_pose"] if z_approach else None
        last, spent = None, 0.0
        while spent < timeout_s:
            target = target_pose_predicate()
            if target is None:
                return last
            position, turn = target
            if first is not None:
                above = [position[0], position[1], position[2] + z_approach]
                last, first = first(above, turn), None
                if not last:
                    return last
                spent += last.duration_s
                continue
            last = names["step_towards_pose"](position, turn, lin_vel_norm, ang_vel_norm, seconds)
            spent += max(last.duration_s, 0.05)
            if not last or (last.error_m < NEAR_M and last.error_rad < NEAR_RAD):
                return last
        return last

    return goto_pose_interactive_cartesian


def background(names: Names) -> Callable[..., Any]:
    def run_in_background(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Background:
        return Background(fn, args, kwargs)

    return run_in_background


def stopping(names: Names) -> Callable[..., Any]:
    def stop_all_tools() -> None:
        return None

    return stop_all_tools


class MotionPlanner:
    """Plans with ``freespace_move`` and carries out what it planned."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def plan(self, **kwargs: Any) -> Any:
        return self._names["freespace_move"](**{**kwargs, "preview_only": True})

    def execute(self, key: str) -> Any:
        return self._names["freespace_move"](trajectory_cache_key=key)


def planning(names: Names) -> Callable[..., Any]:
    def create_motion_planner() -> MotionPlanner:
        return MotionPlanner(names)

    return create_motion_planner


COMBINED: dict[str, Callable[[Names], Callable[..., Any]]] = {
    "goto_pose_interactive_cartesian": interactive,
    "run_in_background": background,
    "stop_all_tools": stopping,
    "create_motion_planner": planning,
}
