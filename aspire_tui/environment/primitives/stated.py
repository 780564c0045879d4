"""What an operator may state as the result of a call that is skipped: typed like the real one.

Motion and gripper calls give their result struct, filled with what is measured where nothing else
is said. What is too large to type (pictures, masks, clouds) can only be stated as not found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_args

import msgspec
import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.pose import quaternion
from aspire_tui.environment.outcome import AnswerResult, GripResult, MotionResult, PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import (
    InvalidArgument,
    Joints,
    Number,
    Pixel,
    Points,
    Position,
    Prompt,
    Quaternion,
    Question,
    Transform,
    Vector,
    coerce,
)
from aspire_tui.environment.primitives.registry import Primitive

ALWAYS: Final[tuple[Status, ...]] = ("INVALID", "TIMEOUT")
NEVER: Final[tuple[Status, ...]] = ("STOPPED", "FAULT")
"""These end the program; aborting the trial says so honestly."""

T = TypeVar("T", MotionResult, GripResult)

_NOTHING: Final = object()


@dataclass(frozen=True)
class Stated:
    """What may be stated for one primitive: a check for its value, and its value for none."""

    takes: Callable[[Any], Any] | None
    what: str
    empty: Any = _NOTHING
    """What the program gets with a status other than OK; without it PrimitiveError is raised."""


def _one(alias: Any) -> Callable[[Any], Any]:
    check: Callable[[Any], Any] = get_args(alias)[1]
    return check


def _several(*parts: Any) -> Callable[[Any], Any]:
    checks = [None if p is None else _one(p) for p in parts]

    def take(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(checks):
            raise InvalidArgument(f"is not a list of {len(checks)} values")
        pairs = zip(value, checks, strict=True)
        return tuple(None if v is None and c is None else _item(v, c) for v, c in pairs)

    return take


def _item(value: Any, check: Callable[[Any], Any] | None) -> Any:
    return _one(Position)(value) if check is None else check(value)


def _pixels(value: Any) -> dict[str, tuple[float, float]]:
    if not isinstance(value, dict) or not value:
        raise InvalidArgument("is not an object {text: [x, y]}")
    return {str(name): _one(Pixel)(at) for name, at in value.items()}


def _line(value: Any) -> list[Any]:
    return list(_one(Points)(value))


def _nothing(value: Any) -> None:
    if value is not None:
        raise InvalidArgument("is given, but this call answers None")


def _answer(value: Any) -> AnswerResult:
    return AnswerResult("OK", "stated", _one(Question)(value))


_POSE = "[[x, y, z], [w, x, y, z]]"
STATED: Final[dict[str, Stated]] = {
    "segment_text_prompt": Stated(None, "masks", []),
    "segment_point_prompt": Stated(None, "masks", []),
    "point_prompt": Stated(_pixels, '{"text": [x, y]}'),
    "get_object_pose": Stated(
        _several(Position, Quaternion, None), "[[x, y, z], [w, x, y, z], [sx, sy, sz] or null]"
    ),
    "get_object_pose_libero": Stated(_several(Position, Quaternion), _POSE, (None, None)),
    "look_at_object": Stated(
        _several(Position, Quaternion, Position), "[[x, y, z], [w, x, y, z], [sx, sy, sz]]"
    ),
    "ask_operator": Stated(_answer, "text", AnswerResult("TIMEOUT", "stated")),
    "task_language": Stated(_one(Prompt), "text"),
    "vlm_query": Stated(_one(Question), "text"),
    "sample_grasp_pose": Stated(_several(Position, Quaternion), _POSE),
    "sample_grasp_pose_libero": Stated(_several(Position, Quaternion), _POSE, (None, None)),
    "select_top_down_grasp": Stated(_several(Transform, Number), "[T 4×4, score]", (None, 0.0)),
    "solve_ik": Stated(_one(Joints), "[joints, radians]"),
    "wait": Stated(_nothing, "null"),
    "dist_to": Stated(_one(Number), "metres"),
    "rotation_matrix_to_quaternion": Stated(_one(Quaternion), "[w, x, y, z]"),
    "decompose_transform": Stated(_several(Position, Quaternion), _POSE),
    "pixel_to_world_point": Stated(_one(Position), "[x, y, z]"),
    "transform_points": Stated(_one(Points), "[[x, y, z], …]"),
    "interpolate_segment": Stated(_line, "[[x, y, z], …]"),
    "normalize_vector": Stated(_one(Vector), "[x, y, z]"),
}
"""By function. What is not here gives pictures, clouds or a key of its own making."""

_LARGE: Final = Stated(None, "a value too large to be typed")


def stated(
    primitive: Primitive, bench: Workbench, status: str, value: Any, detail: str
) -> PrimitiveOutcome:
    """The outcome of a skipped call, as stated.

    Raises:
        InvalidArgument: This primitive cannot end so, or the value is not of its kind.
    """
    known = _status(primitive, status)
    if primitive.group in ("motion", "gripper") and "Result" in primitive.returns:
        bench = bench.benches[primitive.arm]
        made = _motion if primitive.returns.startswith("MotionResult") else _grip
        return PrimitiveOutcome(known, made(bench, known, value, detail), detail)
    may = STATED.get(primitive.function.__name__, _LARGE)
    if value is None and known != "OK":
        if may.empty is _NOTHING:
            return PrimitiveOutcome(known, None, detail, raises=True)
        return PrimitiveOutcome(known, may.empty, detail)
    if may.takes is None:
        raise InvalidArgument(f"{primitive.name} answers {may.what}: state another status than OK")
    if value is None and may.takes is not _nothing:
        raise InvalidArgument(f"{primitive.name} needs a value: {may.what}")
    return PrimitiveOutcome(known, coerce("value", may.takes, value), detail)


def _status(primitive: Primitive, status: str) -> Status:
    allowed = tuple(s for s in (*primitive.statuses, *ALWAYS) if s not in NEVER)
    for known in allowed:
        if known == status:
            return known
    names = ", ".join(dict.fromkeys(allowed))
    raise InvalidArgument(f"{primitive.name} does not end in {status}; it may end in {names}")


def _motion(bench: Workbench, status: Status, value: Any, detail: str) -> MotionResult:
    T = bench.kinematics.tool_pose(bench.joints())
    measured = {
        "reached_xyz_m": [float(v) for v in T[:3, 3]],
        "reached_wxyz": [float(v) for v in quaternion(T[:3, :3])],
        "joints_rad": [float(v) for v in bench.joints()],
    }
    return _filled(MotionResult, measured, status, value, detail)


def _grip(bench: Workbench, status: Status, value: Any, detail: str) -> GripResult:
    sample, spec = bench.sample(), bench.arm.gripper
    span = spec.open_width_m - spec.closed_width_m
    measured = {
        "width_m": sample.width_m,
        "opening": float(np.clip((sample.width_m - spec.closed_width_m) / span, 0.0, 1.0)),
        "force_N": sample.grip_force_N,
        "target_width_m": sample.width_m,
        "stalled": False,
        "holding": "held" if bench.holding is not None else "unknown",
    }
    return _filled(GripResult, measured, status, value, detail)


def _filled(kind: type[T], measured: dict[str, Any], status: Status, value: Any, detail: str) -> T:
    given = {} if value is None else value
    names = [n for n in kind.__struct_fields__ if n not in ("status", "detail")]
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise InvalidArgument(f"value is not an object with fields of: {', '.join(names)}")
    try:
        made = msgspec.convert({**measured, **given, "status": status, "detail": detail}, kind)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"value: {error}") from None
    for name in names:
        numbers = np.asarray(getattr(made, name) or 0.0) if name != "holding" else np.zeros(1)
        if numbers.dtype.kind == "f" and not np.all(np.isfinite(numbers)):
            raise InvalidArgument(f"value.{name} has NaN or infinity")
    return made
