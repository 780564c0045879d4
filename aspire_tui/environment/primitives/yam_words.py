"""What the YAM's names share: sides, units, cameras by name, the profile they are offered in."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import InvalidArgument, finite, number_between
from aspire_tui.environment.primitives.perception import NoSuchCamera, fixed_camera
from aspire_tui.environment.primitives.registry import primitive


def _side(value: Any) -> str:
    """'left' or 'right'"""
    if value not in ("left", "right"):
        raise InvalidArgument(f"is {value!r}, expected 'left' or 'right'")
    return str(value)


def _queries(value: Any) -> list[str]:
    """text, or a list of 1 to 16 texts"""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not 1 <= len(listed) <= 16:
        raise InvalidArgument("is not a text or a list of 1 to 16 texts")
    if not all(isinstance(q, str) and 0 < len(q.strip()) <= 200 for q in listed):
        raise InvalidArgument("has a query that is no text of 1 to 200 characters")
    return list(listed)


Side = Annotated[str, _side]
Queries = Annotated[list[str], _queries]
Share = Annotated[float, number_between(0.0, 1.0, "(0 closed to 1 open)")]
Degrees = Annotated[NDArray[np.float64], finite((3,), "roll, pitch, yaw in degrees", 1e4)]
MotorSpeed = Annotated[float, number_between(0.0, 100.0, "rad/s")]
Torque = Annotated[float, number_between(0.0, 10.0, "N m")]
Bound = Annotated[float, number_between(1e-4, 1.0, "metres or radians")]


def yam(
    group: str,
    statuses: tuple[Status, ...],
    returns: str,
    moves: bool = False,
    example: str = "",
    tiers: tuple[str, ...] = ("S2", "S3", "S4"),
) -> Any:
    """A primitive under the YAM profile, on cells of two arms called left and right."""
    return primitive(
        group=group,
        statuses=statuses,
        returns=returns,
        moves=moves,
        tiers=tiers,
        profiles=("yam",),
        fits=("arms",),
        frame="base",
        example=example,
    )


def camera_named(bench: Workbench, camera: str) -> str:
    """``top`` is the fixed camera, ``left`` and ``right`` those on the hands.

    Raises:
        NoSuchCamera: The cell has none of that name.
    """
    if camera in bench.cameras():
        return camera
    if camera == "top":
        return fixed_camera(bench)
    for spec in bench.cell.info.cameras:
        if spec.mount == camera:
            return spec.name
    raise NoSuchCamera(f"no camera {camera!r}; there are top, left, right, {bench.cameras()}")


def no_camera(error: NoSuchCamera) -> PrimitiveOutcome:
    """The end of a call that named a camera the cell does not have."""
    return PrimitiveOutcome("INVALID", None, str(error), raises=True)
