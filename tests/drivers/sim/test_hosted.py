"""The same bench in process and behind a cell host."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted import ARM, Kinematics, cube, quintic, scene, yam

import drivers
from drivers.cellfile import load_cell
from drivers.client import CellClient
from drivers.errors import CellRefused
from drivers.runtime_dir import CellPaths
from drivers.sim.cell import SimCell
from drivers.sim.control import StandInClient
from drivers.spawn import ensure_host, running_host
from drivers.types import Trajectory


@pytest.fixture
def hosted() -> Iterator[tuple[CellClient, CellPaths]]:
    with tempfile.TemporaryDirectory(prefix="yam") as folder:
        host = ensure_host(
            yam().path, "yam", "tester", Path(folder), noise=False, speed=5.0, idle_exit_s=5.0
        )
        client = CellClient("yam", who="tester", runtime=Path(folder))
        try:
            yield client, host.paths
        finally:
            client.shutdown("tester")
            client.close()
            # The host writes its journal once more on its way out.
            while running_host("yam", Path(folder)) is not None:
                time.sleep(0.02)


def test_a_program_finds_the_same_bench_in_process_and_behind_a_host(
    hosted: tuple[CellClient, CellPaths],
) -> None:
    client, paths = hosted
    control = StandInClient(paths.sim)
    cell = SimCell(yam(), noise=False)
    assert client.info == cell.info
    spec = scene(cube(), seed=8)
    assert control.reset_scene(spec) == cell.stand_in.reset_scene(spec)
    over = Kinematics().down(np.array([0.35, 0.05, 0.1]), 0.0)
    at = Kinematics().down(np.array([0.35, 0.05, 0.02]), 0.0)
    for goal in (over, at):
        reports = [c.execute(ARM, quintic(cell, goal)) for c in (client, cell)]
        assert [r.status for r in reports] == ["OK", "OK"]
        assert np.abs(np.subtract(*(r.q_reached_rad for r in reports))).max() < 0.002
    grips = [c.grip(ARM, 0.0, 20.0) for c in (client, cell)]
    assert [g.stalled for g in grips] == [True, True]
    assert abs(grips[0].width_m - grips[1].width_m) < 0.0002
    assert control.truth().touching_fingers == ("red cube",)
    for camera in ("scene", "wrist"):
        a, b = client.frame(camera), cell.frame(camera)
        assert np.array_equal(a.T_mount_cam, b.T_mount_cam) and np.array_equal(a.K, b.K)
        assert a.mount == b.mount
        assert np.mean(np.abs(a.depth_m() - b.depth_m()) > 0.002) < 0.03
        assert np.mean(np.abs(a.rgb.astype(int) - b.rgb.astype(int)).max(axis=2) > 12) < 0.05
    control.close()


def test_a_hosted_scene_is_not_reset_under_a_motion(hosted: tuple[CellClient, CellPaths]) -> None:
    client, paths = hosted
    control = StandInClient(paths.sim)
    control.reset_scene(scene())
    away = np.array(client.info.arms[0].home_rad)
    away[0] += 1.2
    moving = threading.Thread(
        target=client.execute, args=(ARM, quintic(SimCell(yam(), noise=False), away))
    )
    moving.start()
    refused = ""
    while moving.is_alive() and not refused:
        if client.status().state == "RUN":
            with pytest.raises(CellRefused) as error:
                control.reset_scene(scene())
            refused = error.value.code
    moving.join()
    assert refused == "busy"
    home = np.array(client.info.arms[0].home_rad)
    control.reset_scene(scene())
    client.wait(0.2)
    assert np.abs(np.array(client.status().arms[0].q_rad) - home).max() < 0.003
    control.close()


def test_two_arms_start_together_behind_a_host_as_in_process() -> None:
    file = load_cell(Path(drivers.__file__).parent / "cells" / "yam-bimanual.toml")
    with tempfile.TemporaryDirectory(prefix="two") as folder:
        runtime = Path(folder)
        ensure_host(file.path, "two", "tester", runtime, noise=False, speed=5.0, idle_exit_s=5.0)
        client = CellClient("two", who="tester", runtime=runtime)
        try:
            own = SimCell(file, noise=False)
            turn = np.array([0.2, 0.0, 0.0, 0.0, 0.0, 0.3])
            for cell in (client, own):
                arms = cell.info.arms
                paths = {a.name: quintic(cell, np.array(a.home_rad) + turn) for a in arms}
                reports = cell.execute_together(paths)
                assert {n: r.status for n, r in reports.items()} == {"left": "OK", "right": "OK"}
                assert len({r.started_s for r in reports.values()}) == 1
            bad = dict(paths, right=Trajectory(*(np.full_like(v, 9.0) for v in _parts(paths))))
            assert {r.status for r in client.execute_together(bad).values()} == {"INVALID"}
        finally:
            client.shutdown("tester")
            client.close()
            while running_host("two", runtime) is not None:
                time.sleep(0.02)


def _parts(paths: dict[str, Trajectory]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = paths["right"]
    return first.t_s, first.q_rad, first.dq_rad_s
