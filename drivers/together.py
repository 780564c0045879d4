"""Motions of several arms that belong together: judged at common times, ended as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from drivers.body import Touch
from drivers.hermite import HermitePath
from drivers.safety import Refusal, check_touch_along
from drivers.ticket import Ticket
from drivers.types import MotionStatus, Trajectory

FINE: Final[tuple[MotionStatus, ...]] = ("OK", "NOT_CONVERGED")
"""A partner that ended so does not stop the others."""

AllTouching = Callable[[Mapping[str, Sequence[float]]], Touch | None]


def check_together(
    trajectories: Mapping[str, Trajectory], dt_s: float, touching: AllTouching | None
) -> Refusal | None:
    """Whether arms that start at one moment would touch each other or themselves; None: they may.

    Args:
        touching: The worst pair of parts for the joints of all arms of the cell.
    """
    if touching is None:
        return None
    sampled = {arm: HermitePath(each).sample(dt_s) for arm, each in trajectories.items()}
    count = max(len(times) for times, _, _ in sampled.values())
    rows = {
        arm: q[np.minimum(np.arange(count), len(times) - 1)]
        for arm, (times, q, _) in sampled.items()
    }
    travelled = np.zeros(count)
    for q in rows.values():
        travelled[1:] += np.abs(np.diff(q, axis=0)).max(axis=1).cumsum()
    return check_touch_along(
        np.arange(count, dtype=np.float64) * dt_s,
        travelled,
        lambda k: touching({arm: q[k].tolist() for arm, q in rows.items()}),
    )


class Teams:
    """Motions that end together: when one is stopped by something, its partners stop too."""

    def __init__(self) -> None:
        self._teams: list[tuple[Ticket, ...]] = []

    def add(self, tickets: Sequence[Ticket]) -> None:
        self._teams.append(tuple(tickets))

    def keep_together(self) -> None:
        """Called once a control period."""
        for team in self._teams:
            culprit = next(
                (t for t in team if t.done and t.report and t.report.status not in FINE), None
            )
            if culprit is None or culprit.report is None:
                continue
            for ticket in team:
                if not ticket.done and ticket.ending is None:
                    ticket.ending = ("STOPPED", f"{culprit.arm} ended {culprit.report.status}")
        self._teams = [team for team in self._teams if not all(t.done for t in team)]
