"""Motions of two arms that belong together, in the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from stand import Stand, arm_spec, cell_info, smooth

from drivers.body import Touch
from drivers.types import MotionReport

START = [0.0, 0.0, 0.0]
GOAL = [0.5, 0.2, 0.0]


def two(**core: object) -> Stand:
    stand = Stand(cell_info(arm_spec("left"), arm_spec("right")), **core)
    stand.core.open()
    stand.core.enable("test")
    return stand


class Meet:
    """Arms that meet when both have turned their first joint beyond a quarter."""

    def touching(self, q_rad: Mapping[str, Sequence[float]]) -> Touch | None:
        meet = all(q[0] > 0.25 for q in q_rad.values())
        return Touch(-0.01, "left/hand and right/hand") if meet else None

    def shifted(
        self, arm: str, q_rad: Sequence[float], by_m: Sequence[float]
    ) -> tuple[float, ...] | None:
        return None


def reports(stand: Stand, tickets: Sequence[object]) -> list[MotionReport]:
    for _ in range(2000):
        if all(t.done for t in tickets):  # type: ignore[attr-defined]
            break
        stand.step()
    return [t.report for t in tickets]  # type: ignore[attr-defined]


def test_both_start_and_arrive_at_one_moment() -> None:
    stand = two()
    paths = {"left": smooth(START, GOAL, 1.0), "right": smooth(START, [-0.5, 0.0, 0.1], 1.0)}
    left, right = reports(stand, stand.core.start_together(paths, "test"))
    assert (left.status, right.status) == ("OK", "OK")
    assert left.started_s == right.started_s
    assert abs(left.ended_s - right.ended_s) <= 2 * stand.dt_s


def test_ways_that_would_meet_are_refused_whole() -> None:
    stand = two(body=Meet())
    paths = {"left": smooth(START, GOAL, 1.0), "right": smooth(START, GOAL, 1.0)}
    tickets = stand.core.start_together(paths, "test")
    assert [t.report.status for t in tickets] == ["LIMIT", "LIMIT"]
    assert not stand.core.status().mode


def test_one_way_alone_that_is_wrong_starts_neither() -> None:
    stand = two()
    paths = {"left": smooth(START, GOAL, 1.0), "right": smooth(START, [9.0, 0.0, 0.0], 5.0)}
    tickets = stand.core.start_together(paths, "test")
    assert all(t.done for t in tickets)
    stand.step()
    assert np.allclose(stand.core.status().arms[0].q_cmd_rad, START)


def test_when_one_is_stopped_its_partner_stops_too() -> None:
    stand = two()
    stand.arms["right"].walls = {0: 0.1}
    paths = {"left": smooth(START, GOAL, 3.0), "right": smooth(START, GOAL, 3.0)}
    left, right = reports(stand, stand.core.start_together(paths, "test"))
    assert right.status == "BLOCKED"
    assert left.status == "STOPPED"
    assert "right" in left.detail
    assert abs(left.q_reached_rad[0]) < 0.4
