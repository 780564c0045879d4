"""Places a task gives a program by name: what the cameras saw when the trial was ready."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.task import TaskDef


class NotSeen(Exception):
    """A place that a program is promised was not seen: which, and why."""


def perceived(task: TaskDef, bench: Workbench) -> dict[str, NDArray[Any]]:
    """The task's names with the places of their objects, by the camera that judges first.

    Raises:
        NotSeen: One of them is not seen.
    """
    if not task.in_scope:
        return {}
    view = bench.look(task.cameras[0])
    bench.evidence.keyframe(view)
    out = {}
    for name, thing in task.in_scope.items():
        found = locate([view], thing, table_z_m=bench.table_z_m)
        if not isinstance(found, ObjectEstimate):
            raise NotSeen(f"{name}: {thing} is not seen: {found.reason}")
        out[name] = bench.in_room(found.position)
    return out
