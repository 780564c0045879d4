"""Words of place in a prompt: ``red cube left of the green box``, ``can in the drawer``. Pure.

Left and right, behind and in front are the robot's: left is +y, behind is farther from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aspire_tui.environment.perception.estimate import ObjectEstimate

APART_M: Final = 0.01
"""Nearer than this two things are not beside each other in that direction."""

STANDS_ON_M: Final = 0.012
NEXT_TO_M: Final = 0.20

WORDS: Final = (
    ("left of", r"(?:to the |on the )?left of"),
    ("right of", r"(?:to the |on the )?right of"),
    ("behind", r"behind"),
    ("in front of", r"in front of"),
    ("in", r"in|inside"),
    ("on", r"on|on top of|onto"),
    ("next to", r"next to|beside|near"),
)
PHRASE: Final = re.compile(
    r"^(?P<thing>.+?)\s+(?:that is |which is |lying )?(?P<where>"
    + "|".join(f"(?P<w{i}>{words})" for i, (_, words) in enumerate(WORDS))
    + r")\s+(?:the |a |an )?(?P<other>.+)$"
)


@dataclass(frozen=True)
class Where:
    """``thing`` stands in ``relation`` to ``other``, as texts."""

    thing: str
    relation: str
    other: str


def where(text: str) -> Where | None:
    """The words of place of a prompt; None where there are none."""
    found = PHRASE.match(" ".join(text.lower().split()))
    if found is None:
        return None
    relation = next(name for i, (name, _) in enumerate(WORDS) if found.group(f"w{i}"))
    return Where(found["thing"], relation, found["other"])


def holds(relation: str, thing: ObjectEstimate, other: ObjectEstimate) -> bool:
    """Does one seen thing stand so to the other?"""
    ahead, left = (float(thing.position[i] - other.position[i]) for i in (0, 1))
    if relation == "left of":
        return left > APART_M
    if relation == "right of":
        return left < -APART_M
    if relation == "behind":
        return ahead > APART_M
    if relation == "in front of":
        return ahead < -APART_M
    if relation == "next to":
        return 0 < ahead**2 + left**2 < NEXT_TO_M**2
    reach = max(float(side) for side in other.extent[:2]) / 2
    over = abs(ahead) < reach and abs(left) < reach
    if relation == "on":
        return over and thing.bottom_z_m > other.top_z_m - STANDS_ON_M
    return over and thing.bottom_z_m < other.top_z_m
