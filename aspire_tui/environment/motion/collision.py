"""Whether an arm at given joints touches itself, the table, or what the cameras saw.

Seen objects are boxes made from depth pictures. "The hand" is everything beyond the last arm joint
together with what it holds. Contact between the hand and boxes marked ``near`` may be allowed: that
is the object a program means to grasp, or the place where it means to put something down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.motion.armmodel import compile_model, finger_joints, load_spec
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix, quaternion
from drivers.jaw import jaw_angle_rad
from drivers.types import ArmSpec

TABLE_TOLERANCE_M = 0.003
"""The table is known this well; fingers may be planned this deep into it, not deeper."""

HELD = "held"
"""What is between the fingers, among an arm's shapes."""

NEIGHBOUR_GROW_M = 0.008
"""Another arm is kept this far away from: it is where its joints say, within their error."""

STRUCTURAL_SHARE = 0.9
"""Shapes of neighbouring links that overlap in this share of random poses always do."""


@dataclass(frozen=True)
class Box:
    """An upright box in the base frame, e.g. a part of a seen object.

    Attributes:
        near: Where the move starts or ends; the hand may be allowed to touch it.
    """

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    near: bool = False


@dataclass(frozen=True, eq=False)
class HeldBox:
    """What is between the fingers, as a box fixed in the tool frame.

    Attributes:
        T_tool_box: Shape (4, 4), box centre and axes in the tool frame.
        half_m: Half extents along the box axes.
    """

    T_tool_box: FloatArray
    half_m: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class StillArm:
    """Another arm of the cell, standing where it is.

    Attributes:
        shape: Its shapes; ``q`` of shape (n,) radians and ``width_m`` say how it stands.
        held: What it holds.
    """

    name: str
    shape: ArmShape
    q: FloatArray
    width_m: float
    held: HeldBox | None = None


@dataclass(frozen=True, eq=False)
class PlacedShape:
    """One primitive shape of an arm where it is: MuJoCo's kind and half sizes, base frame."""

    name: str
    kind: int
    size_m: FloatArray
    T_base: FloatArray


class ArmShape:
    """The arm's shapes, without surroundings: makes a :class:`CollisionWorld` per scene."""

    def __init__(self, arm: ArmSpec) -> None:
        self.arm = arm
        bare = CollisionWorld(self, frozenset())
        self._structural = bare.always_touching()
        self._bare = CollisionWorld(self, self._structural)

    def alone(self) -> CollisionWorld:
        """Only the arm: self-collision."""
        return self._bare

    def among(
        self,
        boxes: Sequence[Box],
        *,
        table_z_m: float,
        width_m: float | None = None,
        held: HeldBox | None = None,
        neighbours: Sequence[StillArm] = (),
    ) -> CollisionWorld:
        """The arm with its fingers ``width_m`` apart, among boxes and arms, over a table."""
        return CollisionWorld(
            self,
            self._structural,
            boxes=boxes,
            table_z_m=table_z_m,
            width_m=width_m,
            held=held,
            neighbours=neighbours,
        )

    def placed(self, still: StillArm) -> list[PlacedShape]:
        """The arm's shapes with joints and fingers as given, and what it holds."""
        return self._bare.placed(still)


class CollisionWorld:
    """One arm among fixed boxes. Not thread-safe."""

    def __init__(
        self,
        shape: ArmShape,
        structural: frozenset[tuple[str, str]],
        *,
        boxes: Sequence[Box] = (),
        table_z_m: float | None = None,
        width_m: float | None = None,
        held: HeldBox | None = None,
        neighbours: Sequence[StillArm] = (),
    ) -> None:
        import mujoco

        arm = shape.arm
        self._mj = mujoco
        self._arm = arm
        spec = load_spec(arm)
        fingers = [j.name for j in finger_joints(spec, arm)]
        _name_geoms(spec)
        T_base_model = pose_matrix(np.array(arm.base_xyz_m), np.array(arm.base_wxyz))
        _add_surroundings(spec, invert(T_base_model), boxes, table_z_m)
        if held is not None:
            add_held(spec, arm, held)
        for still in neighbours:
            _add_neighbour(spec, invert(T_base_model), still)
        self._model = compile_model(spec, arm)
        self._data = mujoco.MjData(self._model)
        self._column = np.array([self._model.joint(j.name).qposadr[0] for j in arm.joints])
        self._site = self._model.site(arm.tool_site).id
        self._R, self._origin = T_base_model[:3, :3], T_base_model[:3, 3]
        self._fingers = fingers
        self._set_fingers(fingers, arm.gripper.open_width_m if width_m is None else width_m)
        self._names = [str(self._model.geom(i).name) for i in range(self._model.ngeom)]
        self._boxes = tuple(boxes)
        self._strict = self._forbidden(structural, relaxed=False)
        self._relaxed = self._forbidden(structural, relaxed=True)

    def touching(self, q: FloatArray, *, relaxed: bool = False) -> str:
        """What touches what at joints of shape (n,), in words; empty when free.

        Args:
            relaxed: Allow the hand to touch boxes marked ``near``, and what it holds the table.
        """
        pair = self._first_contact(q, self._relaxed if relaxed else self._strict)
        return "" if pair is None else " and ".join(self._say(g) for g in pair)

    @property
    def tool_xyz_m(self) -> FloatArray:
        """The tool point, base frame, at the joints that were looked at last."""
        xyz: FloatArray = self._R @ self._data.site_xpos[self._site] + self._origin
        return xyz

    def forgive(self, q_start: FloatArray) -> str:
        """Allow what touches at the start, whatever it is: the arm must be able to leave.

        Returns:
            What is forgiven, in words; empty when the start is free.
        """
        n = self._collide(q_start)
        geoms = self._data.contact.geom[:n]
        pairs = geoms[self._relaxed[geoms[:, 0], geoms[:, 1]]]
        for forbidden in (self._strict, self._relaxed):
            forbidden[pairs[:, 0], pairs[:, 1]] = False
            forbidden[pairs[:, 1], pairs[:, 0]] = False
        named = dict.fromkeys(" and ".join(self._say(int(g)) for g in pair) for pair in pairs)
        return ", ".join(named)

    def always_touching(self) -> frozenset[tuple[str, str]]:
        """Pairs of the arm's own shapes that overlap whatever the joints are."""
        lo = np.array([j.lo_rad for j in self._arm.joints])
        hi = np.array([j.hi_rad for j in self._arm.joints])
        rng = np.random.default_rng(0)
        samples = 100
        count: dict[tuple[str, str], int] = {}
        for _ in range(samples):
            for pair in self._contacts(rng.uniform(lo, hi)):
                count[pair] = count.get(pair, 0) + 1
        home = set(self._contacts(np.array(self._arm.home_rad)))
        return frozenset(home | {p for p, k in count.items() if k >= STRUCTURAL_SHARE * samples})

    def placed(self, still: StillArm) -> list[PlacedShape]:
        """This arm's shapes in the base frame as it stands; see :meth:`ArmShape.placed`."""
        self._set_fingers(self._fingers, still.width_m)
        self._data.qpos[self._column] = still.q
        self._mj.mj_kinematics(self._model, self._data)
        out = []
        for geom in range(self._model.ngeom):
            T = np.eye(4)
            T[:3, :3] = self._R @ self._data.geom_xmat[geom].reshape(3, 3)
            T[:3, 3] = self._R @ self._data.geom_xpos[geom] + self._origin
            kind, size = int(self._model.geom_type[geom]), self._model.geom_size[geom].copy()
            out.append(PlacedShape(self._names[geom], kind, size, T))
        if still.held is not None:
            T = np.eye(4)
            T[:3, :3] = self._R @ self._data.site_xmat[self._site].reshape(3, 3)
            T[:3, 3] = self.tool_xyz_m
            kind = int(self._mj.mjtGeom.mjGEOM_BOX)
            half = np.array(still.held.half_m)
            out.append(PlacedShape(HELD, kind, half, T @ still.held.T_tool_box))
        self._set_fingers(self._fingers, self._arm.gripper.open_width_m)
        return out

    def _contacts(self, q: FloatArray) -> list[tuple[str, str]]:
        n = self._collide(q)
        pairs = np.unique(np.sort(self._data.contact.geom[:n], axis=1), axis=0)
        return [(self._names[a], self._names[b]) for a, b in pairs]

    def _collide(self, q: FloatArray) -> int:
        self._data.qpos[self._column] = q
        self._mj.mj_kinematics(self._model, self._data)
        self._mj.mj_collision(self._model, self._data)
        return int(self._data.ncon)

    def _first_contact(self, q: FloatArray, forbidden: NDArray[np.bool_]) -> tuple[int, int] | None:
        n = self._collide(q)
        if n == 0:
            return None
        geoms = self._data.contact.geom[:n]
        hits = np.flatnonzero(forbidden[geoms[:, 0], geoms[:, 1]])
        if hits.size == 0:
            return None
        a, b = geoms[hits[0]]
        return int(a), int(b)

    def _forbidden(
        self, structural: frozenset[tuple[str, str]], *, relaxed: bool
    ) -> NDArray[np.bool_]:
        """Which pairs of shapes must not touch, shape (ngeom, ngeom)."""
        model = self._model
        hand = np.isin(model.geom_bodyid, self._hand_bodies())
        held = np.array([n == HELD for n in self._names])
        table = np.array([n == "table" for n in self._names])
        near = np.zeros(model.ngeom, bool)
        for i, box in enumerate(self._boxes):
            near[model.geom(f"seen_{i}").id] = box.near
        forbidden = np.ones((model.ngeom, model.ngeom), bool)

        def allow(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> None:
            forbidden[np.ix_(a, b)] = False
            forbidden[np.ix_(b, a)] = False

        allow(held, hand)
        if relaxed:
            # What another arm holds out is there to be taken.
            offered = np.array([n.endswith(f" {HELD}") for n in self._names])
            allow(hand | held, near | offered)
            allow(held, table)
        for a, b in structural:
            i, j = model.geom(a).id, model.geom(b).id
            forbidden[i, j] = forbidden[j, i] = False
        return forbidden

    def _hand_bodies(self) -> list[int]:
        model = self._model
        last = int(model.joint(self._arm.joints[-1].name).bodyid[0])
        bodies = []
        for body in range(model.nbody):
            up = body
            while up not in (0, last):
                up = int(model.body_parentid[up])
            if up == last:
                bodies.append(body)
        return bodies

    def _set_fingers(self, names: list[str], width_m: float) -> None:
        grip = self._arm.gripper
        if grip.jaw is not None:
            hinge = self._model.joint(grip.jaw.joint)
            self._data.qpos[hinge.qposadr[0]] = jaw_angle_rad(grip.jaw, width_m)
            return
        share = (width_m - grip.closed_width_m) / (grip.open_width_m - grip.closed_width_m)
        for name in names:
            joint = self._model.joint(name)
            ends = self._model.jnt_range[joint.id]
            self._data.qpos[joint.qposadr[0]] = share * ends[int(np.argmax(np.abs(ends)))]

    def _say(self, geom: int) -> str:
        name: str = self._names[geom]
        if not name.startswith("seen_"):
            return name.replace("_", " ")
        x, y, z = self._boxes[int(name[5:])].centre_m
        return f"the object seen at ({x:.2f}, {y:.2f}, {z:.2f})"


def _name_geoms(spec: Any) -> None:
    for i, geom in enumerate(spec.geoms):
        if not geom.name:
            geom.name = f"part_{i}"


def _add_surroundings(
    spec: Any, T_model_base: FloatArray, boxes: Sequence[Box], table_z_m: float | None
) -> None:
    import mujoco

    turn = quaternion(T_model_base[:3, :3])
    if table_z_m is not None:
        spec.worldbody.add_geom(
            name="table",
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            size=(2.0, 2.0, 0.1),
            pos=(T_model_base @ (0.0, 0.0, table_z_m - TABLE_TOLERANCE_M, 1.0))[:3],
            quat=turn,
        )
    for i, box in enumerate(boxes):
        spec.worldbody.add_geom(
            name=f"seen_{i}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=box.half_m,
            pos=(T_model_base @ (*box.centre_m, 1.0))[:3],
            quat=turn,
        )


def _add_neighbour(spec: Any, T_model_base: FloatArray, still: StillArm) -> None:
    for shape in still.shape.placed(still):
        T = T_model_base @ shape.T_base
        spec.worldbody.add_geom(
            name=f"{still.name} {shape.name}",
            type=shape.kind,
            size=shape.size_m + NEIGHBOUR_GROW_M * (shape.size_m > 0),
            pos=T[:3, 3],
            quat=quaternion(T[:3, :3]),
        )


def add_held(spec: Any, arm: ArmSpec, held: HeldBox) -> None:
    """Fix what is held to the tool of an arm's model."""
    import mujoco

    site = spec.site(arm.tool_site)
    T_body_tool = pose_matrix(np.array(site.pos), np.array(site.quat))
    T = T_body_tool @ held.T_tool_box
    site.parent.add_geom(
        name=HELD,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=held.half_m,
        pos=T[:3, 3],
        quat=quaternion(T[:3, :3]),
    )
