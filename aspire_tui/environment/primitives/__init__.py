"""Every primitive there is. A new one is declared in its module and listed there."""

from __future__ import annotations

from aspire_tui.environment.primitives import (
    asking,
    asking_model,
    capx_names,
    geometry,
    grasping,
    gripper,
    masks,
    motion,
    navigation,
    outlines,
    perception,
    policy,
    privileged,
    r1pro,
    servoing,
    stepping,
    team,
    yam,
    yam_freespace,
)
from aspire_tui.environment.primitives.registry import Primitive

ALL: tuple[Primitive, ...] = (
    *perception.PRIMITIVES,
    *masks.PRIMITIVES,
    *outlines.PRIMITIVES,
    *grasping.PRIMITIVES,
    *motion.PRIMITIVES,
    *gripper.PRIMITIVES,
    *geometry.PRIMITIVES,
    *asking.PRIMITIVES,
    *asking_model.PRIMITIVES,
    *servoing.PRIMITIVES,
    *stepping.PRIMITIVES,
    *capx_names.PRIMITIVES,
    *policy.PRIMITIVES,
    *team.PRIMITIVES,
    *navigation.PRIMITIVES,
    *r1pro.PRIMITIVES,
    *privileged.PRIMITIVES,
    *yam.PRIMITIVES,
    *yam_freespace.PRIMITIVES,
)
