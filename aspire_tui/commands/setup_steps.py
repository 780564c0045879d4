"""The steps from the box to a cell that works: which comes next, what redoing one undoes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

StepName = Literal["port", "ids", "calibrate", "cameras", "intrinsics", "poses", "zero", "hover"]

STEPS: Final[tuple[StepName, ...]] = get_args(StepName)

WHAT: Final[dict[StepName, str]] = {
    "port": "find the arm's port by unplugging it",
    "ids": "set the servos' ids, one by one",
    "calibrate": "calibrate the joints by hand",
    "cameras": "preview and name the cameras; lock exposure, white balance and focus",
    "intrinsics": "measure the cameras' lenses",
    "poses": "measure where the cameras are, with the printed board",
    "zero": "check the model's zero against a picture",
    "hover": "hover over four seen points and measure the error",
}

RESTS_ON: Final[dict[StepName, tuple[StepName, ...]]] = {
    "port": (),
    "ids": ("port",),
    "calibrate": ("ids",),
    "cameras": (),
    "intrinsics": ("cameras",),
    "poses": ("calibrate", "intrinsics"),
    "zero": ("poses",),
    "hover": ("poses", "zero"),
}
"""What a step needs, and so what makes it void when it is done again."""


class Done(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finished step: who, when, what came out."""

    at: str
    who: str
    note: str


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a cell is; kept beside its file."""

    cell: str
    done: dict[StepName, Done] = {}


def next_step(progress: Progress) -> StepName | None:
    """The first step that is not done; None when the cell is set up."""
    return next((step for step in STEPS if step not in progress.done), None)


def finished(progress: Progress, step: StepName, done: Done) -> Progress:
    """With a step done: steps that rest on an earlier result of it are open again.

    Raises:
        ValueError: What it rests on is not done.
    """
    missing = lacking(progress, step)
    if missing:
        raise ValueError(f"{step} rests on {', '.join(missing)}")
    kept = {s: d for s, d in progress.done.items() if s not in void_after(step)}
    return msgspec.structs.replace(progress, done=_in_order({**kept, step: done}))


def lacking(progress: Progress, step: StepName) -> tuple[StepName, ...]:
    """What has to be done before a step."""
    return tuple(s for s in RESTS_ON[step] if s not in progress.done)


def void_after(step: StepName) -> frozenset[StepName]:
    """Steps whose result says nothing any more once this one is done again."""
    void: set[StepName] = set()
    for later in STEPS:
        if step in RESTS_ON[later] or void & set(RESTS_ON[later]):
            void.add(later)
    return frozenset(void)


def _in_order(done: Mapping[StepName, Done]) -> dict[StepName, Done]:
    return {step: done[step] for step in STEPS if step in done}
