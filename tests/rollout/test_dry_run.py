"""A dry run starts from what was seen, all of it and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

import drivers
from aspire_tui.domain import SeenCell, SeenThing
from aspire_tui.environment import reset
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.dry_run import DryReport, DrySpec, run_dry, scene_of
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.seen import see
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneSpec

YAM = Path(drivers.__file__).parent / "cells" / "yam.toml"
TASK = find_task("cube_stack")
WHERE = 'p, q, e = get_object_pose("red cube")\nprint(*(round(float(v), 3) for v in p))\n'


@pytest.fixture(scope="module")
def cell() -> Iterator[SimCell]:
    made = SimCell(load_cell(YAM))
    yield made
    made.close()


def scene() -> SceneSpec:
    return reset.draw(TASK, 4, 1, 0.0)[1]


def looked(cell: SimCell, spec: SceneSpec) -> SeenCell:
    cell.stand_in.reset_scene(spec)
    station = Station.on(cell, cell.stand_in)
    return see(station.workbench(TASK, 0, MemoryJournal()), TASK)


def dry(seen: SeenCell, program: str) -> DryReport:
    worker = WorkerSpec(str(YAM), True, ("A", "A-", "B"))
    return run_dry(DrySpec(worker, TASK, program, "sha", seen))


def named(seen: SeenCell) -> dict[str, SeenThing]:
    return {t.name: t for t in seen.things}


def test_a_cell_is_seen_by_its_cameras_with_how_sure_they_are(cell: SimCell) -> None:
    spec = scene()
    seen = looked(cell, spec)
    things = named(seen)
    for real in spec.objects:
        thing = things[real.name]
        off = math.dist(thing.xyz_m[:2], real.xyz_m[:2])
        assert 0.0 < off < 4 * thing.sigma_m, "seen, so not exact; as sure as it says"
        assert 0.002 < thing.sigma_m < 0.03 and thing.cameras
    for real in spec.distractors:
        near = [t for t in seen.things if math.dist(t.xyz_m[:2], real.xyz_m[:2]) < 0.03]
        assert near and near[0].name.startswith("seen ")
    assert seen.table is not None and seen.table.residual_m > 0 and seen.table.z_m != 0.0
    assert seen.q_rad == pytest.approx(cell.status().arms[0].q_rad, abs=0.01)
    assert seen.keyframes


def test_what_is_not_there_or_not_seen_is_absent_and_said_so(cell: SimCell) -> None:
    spec = scene()
    seen = looked(cell, msgspec.structs.replace(spec, objects=spec.objects[:1], distractors=()))
    kept, gone = spec.objects[0].name, spec.objects[1].name
    assert set(named(seen)) == {kept}
    assert any(text.startswith(f"{gone}: ") for text in seen.absent)
    report = dry(seen, f'get_object_pose("{gone}")\n')
    assert report.ended == "raised" and report.calls[-1].status == "NOT_FOUND"
    assert report.verdict is not None and report.verdict.outcome != "PASS"


def test_the_program_meets_what_was_seen_not_what_is(
    cell: SimCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.sim.stand_in.read_truth", None)  # nobody may ask for truth
    seen = looked(cell, scene())
    red = named(seen)["red cube"]
    elsewhere = msgspec.structs.replace(
        red, xyz_m=(red.xyz_m[0], red.xyz_m[1] + 0.12, red.xyz_m[2])
    )
    moved = msgspec.structs.replace(
        seen, things=tuple(elsewhere if t is red else t for t in seen.things)
    )
    now = cell.now_s()
    report = dry(moved, WHERE + "close_gripper()\nhome_pose()\n")
    assert report.ended == "returned"
    text = next(c.summary for c in report.calls if c.primitive == "get_object_pose")
    x, y = (float(v) for v in text[1 : text.index(")")].split(", ")[:2])
    assert math.dist((x, y), elsewhere.xyz_m[:2]) < 0.03
    assert [c.status for c in report.calls][1:] != [] and report.cell_s > 0
    assert cell.now_s() == now, "the cell itself lived through nothing"


def test_the_arm_stands_where_it_was_measured(cell: SimCell) -> None:
    seen = looked(cell, scene())
    turned = (seen.q_rad[0] + 0.4, *seen.q_rad[1:])
    other = msgspec.structs.replace(seen, q_rad=turned, width_m=0.04)
    report = dry(other, "o = get_observation()\nprint(*o['robot_joint_pos'])\n")
    assert report.ended == "returned"
    stand_in = SimCell(load_cell(YAM))
    stand_in.stand_in.reset_scene(scene_of(other, TASK))
    stand_in.stand_in.place_arm(stand_in.info.arms[0].name, turned, 0.04)
    sample = stand_in.status().arms[0]
    assert np.allclose(sample.q_rad, turned, atol=0.02)
    assert sample.width_m == pytest.approx(0.04, abs=0.003)
    with pytest.raises(ValueError, match="joints"):
        stand_in.stand_in.place_arm(stand_in.info.arms[0].name, turned[:3], 0.04)
    stand_in.close()


def test_a_refused_program_is_told_and_runs_nothing(cell: SimCell) -> None:
    report = dry(looked(cell, scene()), "import socket\n")
    assert report.ended == "refused" and report.calls == () and report.verdict is None


def test_things_keep_the_tasks_shape_and_the_seen_size(cell: SimCell) -> None:
    seen = looked(cell, scene())
    built = {o.name: o for o in scene_of(seen, TASK).objects}
    for thing in seen.things:
        assert built[thing.name].size_m == thing.size_m
        assert built[thing.name].xyz_m == thing.xyz_m
    assert built["red cube"].shape == TASK.object("red cube").shape
