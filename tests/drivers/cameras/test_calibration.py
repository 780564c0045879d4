"""Camera calibration against the stand-in, whose true camera poses are known."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import mujoco
import numpy as np
import pytest

import drivers
from drivers.cameras.calibration.board import BoardSpec, sheet, write_sheet
from drivers.cameras.calibration.detect import Finder
from drivers.cameras.calibration.poses import candidates
from drivers.cameras.calibration.solve import (
    Solution,
    Unsolvable,
    View,
    apart,
    board_in_camera,
    inverse,
    solve,
)
from drivers.cameras.calibration.verdict import judged_age, refusal
from drivers.cellfile import load_cell
from drivers.errors import CellFileError
from drivers.sim.board import PlacedBoard
from drivers.sim.scene import SceneSpec, scene_hash
from drivers.sim.settings import noisy_cell
from drivers.sim.world import World, calibrated_pose
from drivers.types import ArmSpec, CameraSpec, Frame

CELL = Path(drivers.__file__).parent / "cells" / "so101.toml"
PRINTED = BoardSpec(7, 5, 0.024, 0.018)
FACE_UP = (0.0, math.sqrt(0.5), math.sqrt(0.5), 0.0)
"""x of the board along y of the base, y of the board along x, z down."""


HELD_AT = (-0.28, -0.34, 0.15, 1.65, -1.8)
"""Joints at which the standing camera sees what the hand holds."""


def world(placed: PlacedBoard, seed: int, joint_zero_deg: float = 0.0) -> World:
    info, noise = noisy_cell(load_cell(CELL), True)
    noise = msgspec.structs.replace(noise, joint_offset_sd_deg=joint_zero_deg)
    made = World(info, noise)
    made.reset(SceneSpec(noise_seed=seed, board=placed))
    return made


def lying(board: BoardSpec = PRINTED) -> PlacedBoard:
    return PlacedBoard(board, "base", (0.14, -0.085, 0.002), FACE_UP)


def held(board: BoardSpec = PRINTED) -> PlacedBoard:
    """In front of the hand, facing the standing camera."""
    camera = calibrated_pose(spec_of("scene"))
    T = tool_pose(HELD_AT)
    z = T[:3, 3] - camera[:3, 3]
    z /= np.linalg.norm(z)
    x = np.cross(z, (0.0, 0.0, 1.0))
    x /= np.linalg.norm(x)
    R = np.column_stack([x, np.cross(z, x), z])
    B = np.eye(4)
    B[:3, :3], B[:3, 3] = R, T[:3, 3] + R @ ((0.0, 0.045, -0.05) - board.centre_m())
    tool_board = inverse(T) @ B
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(tool_board[:3, :3]).ravel())
    return PlacedBoard(board, "arm", tuple(tool_board[:3, 3].tolist()), tuple(quat.tolist()))


def spec_of(camera: str) -> CameraSpec:
    return next(c for c in load_cell(CELL).info.cameras if c.name == camera)


@cache
def arm_model() -> tuple[ArmSpec, mujoco.MjModel, mujoco.MjData, list[int]]:
    spec = load_cell(CELL).info.arms[0]
    model = mujoco.MjModel.from_xml_path(str(CELL.parent.parent / "models" / "so101.xml"))
    at = [int(model.joint(joint.name).qposadr[0]) for joint in spec.joints]
    return spec, model, mujoco.MjData(model), at


def tool_pose(q_rad: Sequence[float]) -> np.ndarray:
    """Where a client believes the tool to be, base frame, from measured joints."""
    spec, model, data, at = arm_model()
    data.qpos[at] = q_rad
    mujoco.mj_kinematics(model, data)
    site = model.site(spec.tool_site).id
    T = np.eye(4)
    T[:3, :3] = data.site_xmat[site].reshape(3, 3)
    T[:3, 3] = data.site_xpos[site] + np.array(spec.base_xyz_m)
    return T


def true_mount(made: World, camera: str) -> np.ndarray:
    """Where a camera truly is on its mount: what no client of a cell is ever told."""
    spec = next(c for c in made.info.cameras if c.name == camera)
    error = made.noise.camera_error(camera, on_arm=spec.mount != "base")
    T = calibrated_pose(spec)
    turned = np.zeros(9)
    quat = np.zeros(4)
    size = float(np.linalg.norm(error.rotvec_rad))
    mujoco.mju_axisAngle2Quat(quat, error.rotvec_rad / size, size)
    mujoco.mju_quat2Mat(turned, quat)
    T[:3, 3] += error.xyz_m
    T[:3, :3] = T[:3, :3] @ turned.reshape(3, 3)
    return T


def calibrate(
    made: World,
    camera: str,
    board: BoardSpec = PRINTED,
    count: int = 12,
    moved_after: int | None = None,
) -> tuple[Solution, float]:
    """What the guided calibration does, with the arm put where it would drive. And the focal
    length in pixels."""
    on_hand = camera == "wrist"
    arm, finder = made.info.arms[0], Finder(board)
    start = np.array(arm.home_rad if on_hand else HELD_AT)

    def link(q_rad: Sequence[float]) -> np.ndarray:
        T = tool_pose(q_rad)
        return inverse(T) if on_hand else T

    def look(q_rad: Sequence[float]) -> tuple[Frame, View] | None:
        made.place_arm("arm", tuple(q_rad), 0.07)
        frame = made.frame(camera)
        seen = finder.look(frame.rgb)
        measured = made.arms["arm"].measured_q()
        return None if seen is None else (frame, View(link(measured), seen))

    first = look(start)
    assert first is not None
    frame, view = first
    guess = frame.T_mount_cam
    Y = inverse(view.A) @ guess @ board_in_camera(view.seen, frame.K, board)[0]
    lo, hi = (np.array([getattr(j, k) for j in arm.joints]) for k in ("lo_rad", "hi_rad"))
    poses = candidates(
        start,
        lo,
        hi,
        lambda q: inverse(guess) @ link(q) @ Y,
        lambda q: bool(tool_pose(q)[2, 3] > 0.08),
        (frame.K, (320, 240)),
        board,
        count,
    )
    views = []
    for n, q in enumerate(poses):
        if n == moved_after:
            assert made.spec.board is not None
            away = msgspec.structs.replace(made.spec.board, xyz_m=(0.16, -0.05, 0.002))
            made.reset(msgspec.structs.replace(made.spec, board=away))
        if (found := look(q)) is not None:
            views.append(found[1])
        if len(views) == count:
            break
    return solve(views, frame.K, board), float(frame.K[0, 0])


@pytest.mark.parametrize(
    ("camera", "placed", "seed"),
    [("wrist", lying(), 5), ("wrist", lying(), 7), ("scene", held(), 7)],
)
def test_the_true_pose_is_found_within_the_error_it_states(
    camera: str, placed: PlacedBoard, seed: int
) -> None:
    made = world(placed, seed)
    found, focal_px = calibrate(made, camera)
    assert refusal(found, focal_px) == ""
    truth = true_mount(made, camera)
    metres, radians = apart(found.X, truth)
    assert metres < 3.0 * found.spread_m + 0.001
    assert radians < 3.0 * found.spread_rad + math.radians(0.1)
    # And it is worth doing: nearer than where the cell file had it, or nearer than 2 mm.
    assert metres < max(0.002, apart(calibrated_pose(spec_of(camera)), truth)[0])


def test_joint_zeros_of_a_real_arm_do_not_stop_it(tmp_path: Path) -> None:
    made = world(lying(), 7, joint_zero_deg=0.5)
    found, focal_px = calibrate(made, "wrist", count=9)
    assert refusal(found, focal_px) == ""
    metres, radians = apart(found.X, true_mount(made, "wrist"))
    assert metres < 0.006 and radians < math.radians(2.0)


def test_a_board_of_another_size_than_said_is_refused_and_its_size_told() -> None:
    said = PRINTED
    printed = msgspec.structs.replace(said, square_m=0.0264, marker_m=0.0198)
    found, focal_px = calibrate(world(lying(printed), 7), "wrist", said, count=8)
    assert "+10 % off" in refusal(found, focal_px)


def test_a_board_that_was_moved_is_refused() -> None:
    found, focal_px = calibrate(world(lying(), 7), "wrist", count=8, moved_after=4)
    assert refusal(found, focal_px) != ""


def test_another_board_is_not_taken_for_this_one() -> None:
    other = msgspec.structs.replace(PRINTED, first_marker=20)
    made = world(lying(other), 7)
    seen = Finder(PRINTED).look(made.frame("wrist").rgb)
    assert seen is None


def test_too_few_or_too_similar_views_are_no_calibration() -> None:
    made = world(lying(), 7)
    seen = Finder(PRINTED).look(made.frame("wrist").rgb)
    assert seen is not None
    K = made.frame("wrist").K
    alike = [View(inverse(tool_pose(made.info.arms[0].home_rad)), seen)] * 8
    with pytest.raises(Unsolvable, match="6 are needed"):
        solve(alike[:3], K, PRINTED)
    with pytest.raises(Unsolvable, match="turned by 0°"):
        solve(alike, K, PRINTED)


def test_the_sheet_is_printed_alike_as_picture_and_as_drawing(tmp_path: Path) -> None:
    from PIL import Image

    png, svg = tmp_path / "b.png", tmp_path / "b.svg"
    assert write_sheet(PRINTED, png) == "png" and write_sheet(PRINTED, svg) == "svg"
    picture = Image.open(png)
    assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(188.0, abs=0.3)
    drawn = np.full((140, 188), 255, np.uint8)
    boxes = re.findall(
        r'x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg.read_text()
    )
    for box in boxes:
        x, y, w, h = (float(v) for v in box)
        drawn[round(y) : round(y + h), round(x) : round(x + w)] = 0
    # Middles of millimetres: edges fall on them and are rounded either way.
    dense = sheet(PRINTED, 240)[5::10, 5::10]
    assert dense.shape == drawn.shape
    assert (dense != drawn).mean() < 0.03
    with pytest.raises(CellFileError, match=r"\.png or \.svg"):
        write_sheet(PRINTED, tmp_path / "b.pdf")


def test_scenes_without_a_board_keep_their_names() -> None:
    assert scene_hash(SceneSpec(noise_seed=3)) == "28491f5d5f973a19"
    assert scene_hash(SceneSpec(board=lying())) != scene_hash(SceneSpec())


def test_age_is_judged() -> None:
    now = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
    assert judged_age("2026-04-20T10:00:00+00:00", now) == ""
    assert "60 days old" in judged_age("2026-03-02T00:00:00+00:00", now)
    assert "from now" in judged_age("2026-06-01T00:00:00+00:00", now)
    assert "no time zone" in judged_age("2026-04-20T10:00:00", now)
