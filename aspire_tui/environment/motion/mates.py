"""Whether two arms that both move would touch each other, or what the other holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.armmodel import finger_joints, load_spec
from aspire_tui.environment.motion.collision import HELD, add_held
from aspire_tui.environment.motion.pose import FloatArray

APART_M = 0.006
"""Planned arms stay this far from each other: twice what the driver insists on."""

LINK, HAND, CARRIED = 1, 2, 4
MEETS = {LINK: LINK | HAND | CARRIED, HAND: LINK | HAND, CARRIED: LINK}
"""What must not touch what of the other arm: a hand may take what the other holds out."""


class Mates:
    """Two arms at any joints, apart from their surroundings. Not thread-safe."""

    def __init__(self, benches: Sequence[Workbench]) -> None:
        import mujoco

        self._mj = mujoco
        spec = mujoco.MjSpec()
        spec.compiler.degree = False
        for bench in benches:
            arm = bench.arm
            child = load_spec(arm)
            child.option = spec.option
            for joint in finger_joints(child, arm):
                child.delete(joint)
            if bench.holding is not None and bench.holding.box is not None:
                add_held(child, arm, bench.holding.box)
            frame = spec.worldbody.add_frame(pos=arm.base_xyz_m, quat=arm.base_wxyz)
            spec.attach(child, prefix=f"{arm.name}/", frame=frame)
        self._model: Any = spec.compile()
        self._data: Any = mujoco.MjData(self._model)
        model = self._model
        self._column = [
            [int(model.joint(f"{b.arm.name}/{j.name}").qposadr[0]) for j in b.arm.joints]
            for b in benches
        ]
        for number, bench in enumerate(benches):
            self._mark(bench, 3 * number, 3 * (1 - number))
        model.geom_margin[:] = APART_M

    def touching(self, q: Sequence[FloatArray]) -> str:
        """What touches what at the joints of both, in words; empty when they are apart."""
        for column, own in zip(self._column, q, strict=True):
            self._data.qpos[column] = own
        self._mj.mj_kinematics(self._model, self._data)
        self._mj.mj_collision(self._model, self._data)
        for contact in self._data.contact[: self._data.ncon]:
            if contact.dist < APART_M:
                a, b = sorted(self._said(int(g)) for g in contact.geom)
                return f"{a} and {b}"
        return ""

    def _mark(self, bench: Workbench, own_bit: int, other_bit: int) -> None:
        """Give an arm's shapes the bits that let only those of the other arm be asked about."""
        model, prefix = self._model, f"{bench.arm.name}/"
        last = int(model.joint(prefix + bench.arm.joints[-1].name).bodyid[0])
        for geom in range(model.ngeom):
            body = int(model.geom_bodyid[geom])
            if not str(model.body(body).name).startswith(prefix):
                continue
            kind = HAND if self._beneath(body, last) else LINK
            if str(model.geom(geom).name) == prefix + HELD:
                kind = CARRIED
            model.geom_contype[geom] = kind << own_bit
            model.geom_conaffinity[geom] = MEETS[kind] << other_bit

    def _beneath(self, body: int, top: int) -> bool:
        while body not in (0, top):
            body = int(self._model.body_parentid[body])
        return body == top

    def _said(self, geom: int) -> str:
        name = str(self._model.geom(geom).name) or str(
            self._model.body(int(self._model.geom_bodyid[geom])).name
        )
        return name.replace("/", " ").replace("_", " ")


def parts(q: FloatArray, benches: Sequence[Workbench]) -> list[FloatArray]:
    """Joints of all arms apart, along the last axis."""
    cuts = np.cumsum([b.kinematics.n for b in benches])[:-1]
    return list(np.split(q, cuts, axis=-1))
