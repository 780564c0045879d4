"""The stand-in as a cell: hold, resume, abort, its own control, and refusals."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from scripted import ARM, Operator, cube, quintic, scene, yam

from drivers.errors import CellFileError, CellRefused
from drivers.sim.cell import SimCell
from drivers.sim.settings import noisy_cell


@pytest.fixture
def cell() -> SimCell:
    cell = SimCell(yam(), noise=False)
    cell.stand_in.reset_scene(scene(cube()))
    return cell


def test_connecting_moves_nothing() -> None:
    cell = SimCell(yam(), noise=False)
    q = cell._world.data.qpos[:6].copy()
    cell.wait(1.0)
    assert np.abs(cell._world.data.qpos[:6] - q).max() < 1e-3
    assert cell.status().state == "HOLD"


def test_hold_stops_the_arm_and_the_clock_and_resume_finishes_the_motion(cell: SimCell) -> None:
    seen: list[tuple[float, float]] = []
    started_s = cell.now_s()

    def watch(t_s: float) -> None:
        if cell.status().held:
            seen.append((t_s, max(map(abs, cell.status().arms[0].dq_rad_s))))
            if len(seen) == 80:
                cell.resume("tester")
        elif not seen and t_s > started_s + 0.3:
            cell.hold("test", "tester")

    cell.on_tick = watch
    report = Operator(cell).go(0.35, 0.2, 0.2)
    assert report.status == "OK"
    assert seen[-1][0] == seen[-2][0]
    assert seen[-1][1] < 0.01
    assert report.held_s > 0.3


def test_abort_ends_the_motion_stopped(cell: SimCell) -> None:
    started_s = cell.now_s()

    def watch(t_s: float) -> None:
        if t_s > started_s + 0.3:
            cell.abort("tester")

    cell.on_tick = watch
    report = Operator(cell).go(0.35, 0.2, 0.2)
    assert report.status == "STOPPED"
    assert report.ended_s - report.started_s < 0.8
    assert cell.status().state == "HOLD"


def test_abort_while_held_and_standing_ends_the_motion(cell: SimCell) -> None:
    polls: list[float] = []
    started_s = cell.now_s()

    def watch(t_s: float) -> None:
        if cell.status().held:
            polls.append(t_s)
            if len(polls) > 3 and polls[-1] == polls[-2]:
                cell.abort("tester")
        elif t_s > started_s + 0.3:
            cell.hold("test", "tester")

    cell.on_tick = watch
    report = Operator(cell).go(0.35, 0.2, 0.2)
    assert report.status == "STOPPED"
    assert cell.status().held


def test_resume_from_another_thread_wakes_a_held_motion(cell: SimCell) -> None:
    holding = threading.Event()

    def watch(t_s: float) -> None:
        if not holding.is_set() and cell.status().mode == "TRAJ":
            cell.hold("test", "tester")
            holding.set()

    def release() -> None:
        holding.wait(10.0)
        cell.on_tick = None
        cell.resume("other")

    cell.on_tick = watch
    other = threading.Thread(target=release)
    other.start()
    assert Operator(cell).go(0.3, 0.0, 0.2).status == "OK"
    other.join()


def test_a_scene_cannot_be_reset_under_a_motion(cell: SimCell) -> None:
    refusals: list[str] = []

    def meddle(t_s: float) -> None:
        if not refusals:
            with pytest.raises(CellRefused) as refusal:
                cell.stand_in.reset_scene(scene())
            refusals.append(refusal.value.code)

    cell.on_tick = meddle
    assert Operator(cell).go(0.35, 0.1, 0.2).status == "OK"
    assert refusals == ["busy"]


def test_a_reset_puts_the_arm_home_and_the_driver_adopts_it(cell: SimCell) -> None:
    operator = Operator(cell)
    operator.go(0.35, 0.2, 0.2)
    cell.stand_in.reset_scene(scene())
    home = np.array(cell.info.arms[0].home_rad)
    cell.wait(0.5)
    arm = cell.status().arms[0]
    assert np.abs(np.array(arm.q_rad) - home).max() < 0.002
    assert np.abs(np.array(arm.q_cmd_rad) - home).max() < 1e-9
    assert arm.width_m == pytest.approx(0.075, abs=0.001)
    assert abs(arm.grip_force_N) < 1.0


def test_a_bad_path_is_refused_before_anything_moves(cell: SimCell) -> None:
    path = quintic(cell, np.array(cell.info.arms[0].home_rad) + 0.3)
    fast = replace(path, t_s=path.t_s / 10, dq_rad_s=path.dq_rad_s * 10)
    before = cell.status().arms[0].q_rad
    report = cell.execute(ARM, fast)
    assert report.status == "LIMIT"
    assert cell.status().arms[0].q_rad == before


def test_samples_cover_a_motion_at_the_control_rate(cell: SimCell) -> None:
    since_s = cell.now_s()
    report = Operator(cell).go(0.35, 0.1, 0.2)
    log = cell.samples(ARM, since_s)
    assert len(log.t_s) >= 0.95 * (report.ended_s - report.started_s) * cell.info.control_hz
    assert np.all(np.diff(log.t_s) > 0)
    assert log.q_rad.shape == log.q_cmd_rad.shape == (len(log.t_s), 6)


def test_wrong_noise_keys_and_hardware_cells_are_refused_by_name() -> None:
    good = yam()
    assert good.sim is not None
    wrong = replace(good, sim=msgspec.structs.replace(good.sim, noise={"camera_xyz_m": 1.0}))
    with pytest.raises(CellFileError, match="camera_xyz_sd_m"):
        noisy_cell(wrong, noise=True)
    negative = replace(good, sim=msgspec.structs.replace(good.sim, noise={"rgb_sd": -1.0}))
    with pytest.raises(CellFileError, match="rgb_sd"):
        noisy_cell(negative, noise=True)
    with pytest.raises(CellFileError, match="hardware"):
        noisy_cell(msgspec.structs.replace(good.info, kind="hardware"), noise=True)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"name": "green cube"}, "not unique"),
        ({"name": "table"}, "called"),
        ({"xyz_m": (0.3, float("nan"), 0.0)}, "finite"),
        ({"size_m": (0.04, 0.0, 0.04)}, "sides"),
        ({"mass_kg": 0.0}, "mass"),
        ({"friction": -1.0}, "friction"),
    ],
)
def test_a_wrong_scene_is_refused_and_the_old_one_stays(
    cell: SimCell, wrong: dict[str, Any], word: str
) -> None:
    bad = msgspec.structs.replace(cube(), **wrong)
    with pytest.raises(ValueError, match=word):
        cell.stand_in.reset_scene(scene(bad, cube("green cube", y_m=-0.1)))
    assert set(cell.stand_in.truth().objects) == {"red cube"}
    assert Operator(cell).go(0.35, 0.1, 0.2).status == "OK"
