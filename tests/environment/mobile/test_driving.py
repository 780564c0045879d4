"""Ways over the floor: pure, by the map."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from aspire_tui.environment.motion.driving import Floor, nearest_turn, plan_drive
from drivers.cellfile import load_cell
from drivers.room import bump, distance_m, nearest
from drivers.types import BaseSpec, Furniture, Room

INFO = load_cell(Path(drivers.__file__).parent / "cells" / "mobile.toml").info
assert INFO.base is not None
assert INFO.room is not None
BASE: BaseSpec = INFO.base
ROOM: Room = INFO.room
START = (-0.75, -0.2, 0.0)


def test_a_straight_way_where_nothing_stands() -> None:
    plan = plan_drive(ROOM, BASE, START, (-1.2, 0.5, 1.0))
    assert plan.status == "OK"
    assert len(plan.poses) == 2


def test_round_the_desk_to_its_far_side_every_point_keeps_the_buffer() -> None:
    plan = plan_drive(ROOM, BASE, START, (1.75, 0.0, math.pi))
    assert plan.status == "OK"
    assert len(plan.poses) > 2
    for a, b in zip(plan.poses, plan.poses[1:], strict=False):
        for share in np.linspace(0, 1, 50):
            x, y = (a[k] + share * (b[k] - a[k]) for k in (0, 1))
            assert nearest(ROOM, x, y)[0] >= BASE.radius_m + ROOM.buffer_m - 1e-6


@pytest.mark.parametrize(
    ("goal", "status", "says"),
    [
        ((1.0, 0.0, 0.0), "PLANNING_ERROR", "in the desk, inside its 20 cm buffer"),
        ((0.5, -0.2, 0.0), "PLANNING_ERROR", "inside the 20 cm buffer of the desk"),
        ((0.3, 0.5, 0.0), "PLANNING_ERROR", "the shelf"),
        ((-1.9, 0.0, 0.0), "PLANNING_ERROR", "the wall"),
        ((5.0, 0.0, 0.0), "LIMIT", "outside the room"),
    ],
)
def test_goals_that_cannot_be_say_why(
    goal: tuple[float, float, float], status: str, says: str
) -> None:
    plan = plan_drive(ROOM, BASE, START, goal)
    assert plan.status == status
    assert says in plan.detail


def test_a_base_that_stands_too_near_may_leave_but_not_come_nearer() -> None:
    near = (0.55, 0.0, 0.0)
    assert Floor(ROOM, BASE).why_not(*near[:2])[0] == "PLANNING_ERROR"
    assert plan_drive(ROOM, BASE, near, START).status == "OK"


def test_a_walled_in_goal_has_no_way() -> None:
    ring = tuple(
        Furniture(f"bar {i}", xy, size)
        for i, (xy, size) in enumerate(
            [
                ((-1.3, 1.0), (2.0, 0.1, 0.5)),
                ((-0.35, 1.5), (0.1, 1.0, 0.5)),
            ]
        )
    )
    room = Room(ROOM.lo_m, ROOM.hi_m, ROOM.furniture + ring)
    plan = plan_drive(room, BASE, START, (-1.2, 1.5, 0.0))
    assert plan.status == "PLANNING_ERROR"


@given(now=st.floats(-12, 12), wanted=st.floats(-20, 20))
@settings(max_examples=200, deadline=None)
def test_turns_are_the_same_heading_and_within_the_range(now: float, wanted: float) -> None:
    yaw = nearest_turn(now, wanted, BASE)
    assert abs(math.remainder(yaw - wanted, math.tau)) < 1e-6
    assert BASE.joints[2].lo_rad <= yaw <= BASE.joints[2].hi_rad
    assert abs(yaw - now) <= math.tau + 1e-6


def test_distances_to_a_box() -> None:
    box = Furniture("box", (1.0, 0.0), (0.4, 1.0, 0.5))
    assert distance_m(box, 1.1, 0.3) == 0.0
    assert distance_m(box, 0.5, 0.0) == pytest.approx(0.3)
    assert distance_m(box, 0.5, 0.9) == pytest.approx(0.5)


def test_the_driver_lets_a_base_come_away_and_not_run_in() -> None:
    assert "the desk" in bump(ROOM, BASE, [(0.3, 0.0, 0.0), (0.75, 0.0, 0.0)])
    assert bump(ROOM, BASE, [(0.7, 0.0, 0.0), (0.65, 0.0, 0.0), (0.4, 0.0, 0.0)]) == ""
    assert bump(ROOM, BASE, [(0.7, 0.0, 0.0), (0.75, 0.0, 0.0)])
