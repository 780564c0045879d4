"""Primitives that ask the run's model about what the cameras see. Its key is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from aspire_tui.domain import Evidence, Keyframe
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.evidence import encode_rgb_png
from aspire_tui.environment.model import Picture
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import (
    InvalidArgument,
    Key,
    Question,
    number_between,
)
from aspire_tui.environment.primitives.perception import EVERYWHERE, fixed_camera
from aspire_tui.environment.primitives.registry import Primitive, primitive
from aspire_tui.environment.services import ServiceFailed

MOST_PICTURES: Final = 4
EFFORTS: Final = ("minimal", "low", "medium", "high")
CAMERA: Final = "camera:"
JUDGE: Final = (
    "The task of the robot is: {task} Judge by the picture whether it is done now. Answer with "
    'JSON alone: {{"status": "success", "failure" or "unsure", "reason": "one line"}}.'
)

Temperature = Annotated[float, number_between(0.0, 2.0, "(temperature)")]


def _media(value: Any) -> list[str]:
    """list of 'camera:NAME', at most 4"""
    if not isinstance(value, (list, tuple)) or len(value) > MOST_PICTURES:
        raise InvalidArgument(f"is not a list of at most {MOST_PICTURES} of 'camera:NAME'")
    if not all(isinstance(one, str) and one.startswith(CAMERA) for one in value):
        raise InvalidArgument("has an entry that is not 'camera:NAME'")
    return [one.removeprefix(CAMERA) for one in value]


def _effort(value: Any) -> str:
    """'minimal', 'low', 'medium' or 'high'"""
    if not isinstance(value, str) or value not in EFFORTS:
        raise InvalidArgument(f"is {str(value)[:40]!r}, expected one of {', '.join(EFFORTS)}")
    return str(value)


Media = Annotated[list[str], _media]
Effort = Annotated[str, _effort]


class JudgedTask(msgspec.Struct):
    """What the model says of the task's end."""

    status: str
    reason: str = ""


def _pictures(
    bench: Workbench, cameras: Sequence[str]
) -> tuple[list[Picture], tuple[Keyframe, ...]]:
    """Raises ServiceFailed with INVALID for a camera the cell does not have."""
    pictures, frames = [], []
    for name in cameras:
        known = _camera(bench, name)
        view = bench.look(known)
        pictures.append(("image/png", encode_rgb_png(view.rgb)))
        frames.append(bench.evidence.keyframe(view))
    return pictures, tuple(frames)


def _camera(bench: Workbench, name: str) -> str:
    if name in bench.cameras():
        return name
    if name == "top":
        return fixed_camera(bench)
    for spec in bench.cell.info.cameras:
        if spec.mount == name:
            return spec.name
    raise ServiceFailed("INVALID", f"no camera {name!r}; there are {', '.join(bench.cameras())}")


@primitive(
    group="perception",
    statuses=("OK",),
    returns="text",
    tiers=(),
    profiles=EVERYWHERE,
    example='vlm_query("What is on the table?")',
)
def vlm_query(
    bench: Workbench,
    text: Question,
    media: Media | None = None,
    model: Key | None = None,
    temperature: Temperature = 0.2,
    reasoning_effort: Effort = "high",
) -> PrimitiveOutcome:
    """Ask the run's model about pictures taken now; without ``media`` the fixed camera's.

    ``media`` holds ``camera:NAME``; ``top`` is the fixed camera. ``model`` may only be the one the
    run was started with. How hard it thinks is its provider's default: ``reasoning_effort`` is
    kept in the trace. No model, or none that answers, raises PrimitiveError with FAULT.
    """
    if model is not None and model != bench.model.name:
        why = f"this run asks {bench.model.name or 'no model'}, not {model}"
        return PrimitiveOutcome("INVALID", None, why, raises=True)
    pictures, frames = _pictures(bench, media if media is not None else ["top"])
    answer = bench.model.ask(text, pictures, temperature)
    line = " ".join(answer.split())
    evidence = Evidence(keyframes=frames, notes=(f"by {bench.model.name}",))
    return PrimitiveOutcome("OK", answer, line[:200] or "empty answer", evidence=evidence)


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="dict: task, success, reward (1.0 or 0.0), status (success, failure, unsure), reason",
    tiers=(),
    profiles=("yam",),
    fits=("arms",),
    example="get_task_info()",
)
def get_task_info(bench: Workbench) -> PrimitiveOutcome:
    """The task, and whether it is done, as the run's model judges by one picture.

    It decides nothing: the trial is judged by its own verifier. Without a model, or with an answer
    that is none, ``status`` is unsure and ``success`` False.
    """
    frames: tuple[Keyframe, ...] = ()
    try:
        pictures, frames = _pictures(bench, ["top"])
        answer = bench.model.ask(JUDGE.format(task=bench.task_language), pictures, 0.0)
        told = _judged(answer)
    except ServiceFailed as failed:
        told = JudgedTask("unsure", str(failed))
    success = told.status == "success"
    value = {
        "task": bench.task_language,
        "success": success,
        "reward": 1.0 if success else 0.0,
        "status": told.status,
        "reason": told.reason,
    }
    summary = f"{told.status}: {told.reason}"
    return PrimitiveOutcome("OK", value, summary, evidence=Evidence(keyframes=frames))


def _judged(answer: str) -> JudgedTask:
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        told = msgspec.json.decode((found.group(0) if found else "").encode(), type=JudgedTask)
    except (msgspec.DecodeError, RecursionError):
        return JudgedTask("unsure", f"the model answered no judgement: {answer[:80]}")
    if told.status not in ("success", "failure", "unsure"):
        return JudgedTask("unsure", f"the model said {told.status[:40]!r}")
    return told


PRIMITIVES: tuple[Primitive, ...] = (vlm_query, get_task_info)
