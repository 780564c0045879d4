"""Every primitive of the generated reference has an example, and every example runs on a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drivers
from aspire_tui.domain import Status
from aspire_tui.environment.bench import TruePlace, View, Workbench
from aspire_tui.environment.model import Picture
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.reference import PROFILES, TIERS, entries, example_of
from aspire_tui.environment.primitives.registry import (
    EVERY_BODY,
    Embodiment,
    Primitive,
    catalogue,
    embodiment_of,
)
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject, SceneSpec

CELLS: dict[Embodiment, str] = {"arm": "yam", "arms": "yam-bimanual", "mobile": "mobile"}
DOWN = np.array((0.0, 0.0, 1.0, 0.0))
RED, ORANGE, GREEN = (0.78, 0.12, 0.10), (0.9, 0.45, 0.08), (0.10, 0.58, 0.18)
BLUE = (0.10, 0.25, 0.75)
TASK = "Lift it by both its blue handles; leave the green hammer."


def _scene(body: Embodiment) -> SceneSpec:
    if body == "mobile":
        at, base = (0.90, 0.0, 0.525), (0.25, 0.0, 0.0)
        radio = SceneObject(
            "orange radio", "box", (0.14, 0.055, 0.09), ORANGE, 0.3, (0.95, 0.2, 0.545)
        )
        return SceneSpec((_cube(at), radio), noise_seed=2, base_pose=base)
    things = [_cube((0.34, 0.12, 0.025))]
    if body == "arms":
        bars = [(0.40, 0.30, 0.02), (0.40, -0.20, 0.02)]
        things += [
            SceneObject(f"handle {n}", "box", (0.08, 0.03, 0.04), BLUE, 0.05, at)
            for n, at in enumerate(bars)
        ]
        things.append(
            SceneObject("green hammer", "box", (0.20, 0.03, 0.03), GREEN, 0.1, (0.30, -0.05, 0.015))
        )
    return SceneSpec(tuple(things), noise_seed=2)


def _cube(at: tuple[float, float, float]) -> SceneObject:
    return SceneObject("red cube", "box", (0.05, 0.05, 0.05), RED, 0.08, at)


class Onlooker:
    """A model that answers every question alike."""

    name = "test:onlooker"

    def ask(self, question: str, pictures: Sequence[Picture], temperature: float) -> str:
        return '{"status": "unsure", "reason": "it is dark"}'


class Cellful:
    """One cell with a scene, and a program's names on it."""

    def __init__(self, body: Embodiment) -> None:
        self.sim = SimCell(
            load_cell(Path(drivers.__file__).parent / "cells" / f"{CELLS[body]}.toml")
        )
        self.sim.stand_in.reset_scene(_scene(body))
        rng = np.random.default_rng(0)
        benches = [Workbench(self.sim, a, Kinematics(a), TASK, rng) for a in self.sim.info.arms]
        self.bench = Workbench.joined(benches)
        for bench in benches:
            bench.model = Onlooker()
        self.bench.truth = lambda: {
            name: TruePlace(o.xyz_m, o.wxyz, (0.05, 0.05, 0.05))
            for name, o in self.sim.stand_in.truth().objects.items()
        }
        self.fixed = next(c.name for c in self.sim.info.cameras if c.mount == "base")
        self.statuses: list[tuple[str, Status]] = []

    def names(self, profile: str, tier: str, body: Embodiment) -> dict[str, Callable[..., Any]]:
        return {
            name: self._callable(name, p) for name, p in catalogue(ALL, profile, tier, body).items()
        }

    def _callable(self, name: str, p: Primitive) -> Callable[..., Any]:
        def call(*positional: Any, **named: Any) -> Any:
            order = [a.name for a in p.arguments]
            given = {**dict(zip(order, positional, strict=False)), **named}
            outcome: PrimitiveOutcome = p.invoke(self.bench, given)
            self.statuses.append((name, outcome.status))
            if outcome.raises:
                raise RuntimeError(f"{name}: {outcome.status}: {outcome.summary}")
            return outcome.value

        return call

    def scope(self) -> dict[str, Any]:
        """What examples refer to: a picture's parts and places above the cube."""
        view = self.bench.look(self.fixed)
        K, T, depth = view.K, view.T_base_cam, view.depth_m
        v, u = np.nonzero(depth > 0)
        z = depth[v, u].astype(float)
        local = np.stack([(u - K[0, 2]) * z / K[0, 0], (v - K[1, 2]) * z / K[1, 1], z], axis=1)
        cloud = local @ T[:3, :3].T + T[:3, 3]
        cube = self.bench.T_room()
        at = (
            np.linalg.inv(cube) @ np.append(self.sim.stand_in.truth().objects["red cube"].xyz_m, 1)
        )[:3]
        close = np.linalg.norm(cloud - at, axis=1) < 0.05
        tall = close & (cloud[:, 2] > self.bench.table_z_m + 0.01)
        benches = self.bench.benches
        above = at + np.array((0.0, 0.0, 0.12))
        each = [b.kinematics.tool_pose(np.array(b.arm.home_rad))[:3, 3] for b in benches]
        camera = {"images": {"rgb": view.rgb, "depth": depth}, "intrinsics": K, "pose_mat": T}
        return {
            "np": np,
            "obs": {self.fixed: camera},
            "pixel": _pixel(view, at),
            "mask": depth > 0,
            "depth": depth,
            "intrinsics": K,
            "pose_mat": T,
            "cloud": cloud[::7],
            "segment": cloud[tall],
            "above": above,
            "above0": each[0] - (0.0, 0.0, 0.05),
            "above1": each[-1] - (0.0, 0.0, 0.05),
            "down": DOWN,
            "joints0": benches[0].joints() + 0.02,
            "joints1": benches[-1].joints() + 0.02,
            "grasps": np.stack([np.diag((1.0, -1.0, -1.0, 1.0))] * 2),
            "scores": np.array((0.4, 0.6)),
        }


def _pixel(view: View, at: np.ndarray) -> tuple[float, float]:
    local = view.T_base_cam[:3, :3].T @ (at - view.T_base_cam[:3, 3])
    u, v = local[:2] / local[2] * np.diag(view.K)[:2] + view.K[:2, 2]
    return float(u), float(v)


@pytest.fixture(scope="module")
def cells() -> dict[Embodiment, Cellful]:
    return {}


def _every() -> list[tuple[Primitive, str, str, Embodiment]]:
    """Every declared primitive once, on the first cell and under the first profile that has it."""
    seen: set[int] = set()
    out = []
    for body in EVERY_BODY:
        for profile in PROFILES:
            for tier in ("", "S1"):
                for p in catalogue(ALL, profile, tier, body).values():
                    if id(p) not in seen:
                        seen.add(id(p))
                        out.append((p, profile, tier, body))
    return out


EVERY = _every()


def test_every_declared_primitive_is_offered_somewhere_and_has_an_example() -> None:
    assert {id(p) for p in ALL} == {id(p) for p, *_ in EVERY}
    assert [p.name for p, *_ in EVERY if not example_of(p)] == []


@pytest.mark.parametrize(
    ("p", "profile", "tier", "body"), EVERY, ids=[f"{p.name}-{b}-{a}" for p, a, _, b in EVERY]
)
def test_the_example_runs(
    cells: dict[Embodiment, Cellful], p: Primitive, profile: str, tier: str, body: Embodiment
) -> None:
    if body not in cells:
        cells[body] = Cellful(body)
    cell = cells[body]
    cell.statuses.clear()
    names = {**cell.names(profile, "", body), **cell.names(profile, tier, body)}
    text = example_of(p).replace("CAMERA", cell.fixed)
    try:
        exec(text, {**cell.scope(), **names})
    except RuntimeError as error:
        assert p.statuses[0] != "OK" or cell.statuses[-1][1] in p.statuses, error
    own = [status for name, status in cell.statuses if name in (p.name, *p.aliases)]
    assert own, f"{text} does not call {p.name}"
    assert own[-1] in p.statuses
    if p.group in ("perception", "geometry", "grasping") and not p.moves:
        assert own[-1] == "OK", cell.statuses


@pytest.mark.parametrize("body", EVERY_BODY)
@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_primitives_share_a_name_and_every_row_says_its_units(
    profile: str, body: Embodiment
) -> None:
    for tier in TIERS:
        for row in entries(profile, tier, body):
            assert row["doc"]
            assert row["returns"]
            assert row["statuses"]
            for argument in row["arguments"]:  # type: ignore[attr-defined]
                assert argument["unit"], (row["name"], argument)


def test_tiers_are_as_cap_bench_has_them() -> None:
    def names(tier: str) -> set[str]:
        return set(catalogue(ALL, "capx", tier))

    s2 = {"get_object_pose", "sample_grasp_pose", "goto_pose", "open_gripper", "close_gripper"}
    assert s2 <= names("S1") & names("S2")
    assert not s2 & {"get_object_pose", "goto_pose"} & names("S3")
    low = {"get_observation", "segment_sam3_text_prompt", "plan_grasp", "solve_ik"}
    assert low | {"move_to_joints", "point_prompt_molmo"} <= names("S3") & names("S4")
    assert "select_top_down_grasp" in names("S3") - names("S4")
    assert all(not p.privileged for p in catalogue(ALL, "capx", "").values())
    assert catalogue(ALL, "capx", "S1")["get_object_pose"].privileged


def test_cells_of_each_kind_are_told_apart() -> None:
    for body, name in CELLS.items():
        info = load_cell(Path(drivers.__file__).parent / "cells" / f"{name}.toml").info
        assert embodiment_of(info) == body
