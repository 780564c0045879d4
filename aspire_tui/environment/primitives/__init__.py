"""Every primitive there is. A new one is declared in its module and listed there."""

from __future__ import annotations

from aspire_tui.environment.primitives import (
    asking,
    geometry,
    grasping,
    gripper,
    motion,
    navigation,
    outlines,
    perception,
    policy,
    privileged,
    r1pro,
    servoing,
    team,
    yam,
    yam_freespace,
)
from aspire_tui.environment.primitives.registry import Primitive

ALL: tuple[Primitive, ...] = (
    *perception.PRIMITIVES,
    *outlines.PRIMITIVES,
    *grasping.PRIMITIVES,
    *motion.PRIMITIVES,
    *gripper.PRIMITIVES,
    *geometry.PRIMITIVES,
    *asking.PRIMITIVES,
    *servoing.PRIMITIVES,
    *policy.PRIMITIVES,
    *team.PRIMITIVES,
    *navigation.PRIMITIVES,
    *r1pro.PRIMITIVES,
    *privileged.PRIMITIVES,
    *yam.PRIMITIVES,
    *yam_freespace.PRIMITIVES,
)
