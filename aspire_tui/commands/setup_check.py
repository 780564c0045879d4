"""The proof of a set-up: the model drawn over a picture of the arm, four points hovered over."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aspire_tui.commands.bench_arm import BenchArm
from aspire_tui.commands.bringup import Bringup, now_text
from aspire_tui.commands.preview import show
from aspire_tui.commands.setup_bench import each_arm
from aspire_tui.commands.setup_poses import Measuring, lay_board, mounted
from aspire_tui.environment.motion.armmodel import compile_model, load_spec
from drivers.cameras.calibration.solve import board_in_camera, inverse
from drivers.cameras.section import HoverRecord
from drivers.celledit import CellText
from drivers.errors import CellRefused
from drivers.types import CameraSpec

FloatArray = NDArray[np.float64]

HOVER_M = 0.09
"""Of the tool point above the board."""
WAYS = 4
"""Of turning the hand above a point, until the camera on it sees the board."""
WORST_HOVER_MM = 15.0
RULER_MM = 100.0


def check_zero(bringup: Bringup) -> str:
    """Draw the model's joints over a picture; the person says whether they lie on the arm."""
    camera = _standing(bringup)
    if camera is None:
        bringup.person.say("   no standing camera sees the arm: look at it instead")
        with bringup.served() as arm:
            degrees = ", ".join(
                f"{j.name} {math.degrees(q):.0f}°"
                for j, q in zip(arm.spec.joints, arm.q(), strict=True)
            )
        text = f"   it says it stands at {degrees}. Does it?"
    else:
        with bringup.served() as arm:
            q = arm.near(_in_view(bringup, camera), np.array(arm.spec.home_rad))
            if q is not None:
                arm.go(q)
            frame = arm.client.frame(camera.name)
            drawn = draw_arm(frame.rgb, frame.K, mounted(camera), arm)
            arm.go(np.array(arm.spec.home_rad))
        name = f"{bringup.cell.info.name}-zero.png"
        show(bringup.person, drawn, bringup.path.resolve().with_name(name))
        text = "   Do the drawn links lie on the arm?"
    if not bringup.person.yes(text):
        raise CellRefused(
            "zero", f"calibrate the zeros again: aspire-tui cell calibrate {bringup.path}"
        )
    return "the model's zero lies on the picture, said " + bringup.who


def draw_arm(
    rgb: NDArray[np.uint8], K: FloatArray, T_base_camera: FloatArray, arm: BenchArm
) -> NDArray[np.uint8]:
    """Joints and tool point of the measured pose over a picture."""
    from PIL import Image, ImageDraw

    points = (joint_points(arm) - T_base_camera[:3, 3]) @ T_base_camera[:3, :3]
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    ahead = [p for p in points if p[2] > 0.05]
    pixels = [(p[0] / p[2] * K[0, 0] + K[0, 2], p[1] / p[2] * K[1, 1] + K[1, 2]) for p in ahead]
    pen.line(pixels, fill=(0, 255, 255), width=2)
    for u, v in pixels:
        pen.ellipse((u - 3, v - 3, u + 3, v + 3), outline=(255, 0, 255), width=2)
    return np.asarray(picture)


def joint_points(arm: BenchArm) -> FloatArray:
    """Where the joints and the tool point are by the model, base frame, shape (n + 1, 3)."""
    import mujoco

    spec = arm.spec
    model = compile_model(load_spec(spec), spec)
    data = mujoco.MjData(model)
    for joint, q in zip(spec.joints, arm.q(), strict=True):
        data.joint(joint.name).qpos[0] = q
    mujoco.mj_kinematics(model, data)
    local = [np.array(data.joint(joint.name).xanchor) for joint in spec.joints]
    local.append(np.array(data.site(spec.tool_site).xpos))
    R = np.zeros(9)
    mujoco.mju_quat2Mat(R, np.array(spec.base_wxyz))
    points: FloatArray = np.array(local) @ R.reshape(3, 3).T + np.array(spec.base_xyz_m)
    return points


def hover(bringup: Bringup) -> str:
    """Every arm above four corners of the board it sees; how far off the tools are, dated."""
    measured: list[tuple[list[float], str]] = []

    def one(bringup: Bringup) -> str:
        errors, by = _hover_arm(bringup)
        measured.append((errors, by))
        return f"{', '.join(f'{e:.1f}' for e in errors)} mm, by {by}"

    if not bringup.cell.info.cameras:
        return "no cameras: nothing to hover over"
    said = each_arm(bringup, one)
    errors = tuple(error for some, _ in measured for error in some)
    by = ", ".join(dict.fromkeys(by for _, by in measured))
    text = CellText(bringup.path)
    text.hover(HoverRecord(now_text(), bringup.who, errors, by))
    text.save()
    bringup.reload()
    if max(errors) > WORST_HOVER_MM:
        raise CellRefused(
            "hover",
            f"{said}: more than {WORST_HOVER_MM:.0f} mm; measure the camera poses again "
            "(--step poses), or calibrate the joints",
        )
    return said


def _hover_arm(bringup: Bringup) -> tuple[list[float], str]:
    """One arm above four points: millimetres off each, and who measured them."""
    seer = _standing(bringup) or bringup.cell.info.cameras[0]
    judge = next((c for c in bringup.cell.info.cameras if c.mount == bringup.arm.name), None)
    if judge is seer:
        judge = None
    bringup.person.confirm(
        f"   The arm stands {1e3 * HOVER_M:.0f} mm above four points of the board, one after the "
        "other. Hands clear",
        "move",
    )
    with bringup.served() as arm:
        home = np.array(arm.spec.home_rad)
        arm.go(home)
        lay_board(bringup, arm, judge or seer)
        points = seen_points(bringup, arm, seer)
        errors = []
        for n, point in enumerate(points, 1):
            above = [float(point[0]), float(point[1]), float(point[2]) + HOVER_M]
            errors.append(_error_mm(bringup, arm, judge, above, n))
            bringup.person.say(f"   point {n}: {errors[-1]:.1f} mm off")
        arm.go(home)
    return errors, "ruler" if judge is None else judge.name


def seen_points(bringup: Bringup, arm: BenchArm, camera: CameraSpec) -> FloatArray:
    """Four corners of the board in the base frame, as one camera sees them, shape (4, 3)."""
    measuring = Measuring(bringup, arm, camera)
    seen = measuring.first()
    T_camera_board, _ = board_in_camera(seen.view.seen, seen.frame.K, bringup.board)
    T = inverse(seen.view.A) @ mounted(camera) @ T_camera_board
    if not measuring.on_hand:
        T = mounted(camera) @ T_camera_board
    corners = _four(bringup)
    return corners @ T[:3, :3].T + T[:3, 3]


def _four(bringup: Bringup) -> FloatArray:
    board = bringup.board
    across, down = board.columns - 1, board.rows - 1
    near, far = (1, across - 2) if across > 3 else (0, across - 1)
    top, bottom = (1, down - 2) if down > 3 else (0, down - 1)
    numbers = [row * across + column for row in (top, bottom) for column in (near, far)]
    picked: FloatArray = board.corners_m()[numbers]
    return picked


def _error_mm(
    bringup: Bringup, arm: BenchArm, judge: CameraSpec | None, above_m: list[float], number: int
) -> float:
    """How far beside a point the tool stands, by a camera on the hand or by a ruler.

    Raises:
        CellRefused: It cannot stand there.
    """
    ways = [q for q in arm.over(above_m, arm.q()) if arm.way_is_clear(arm.q(), q)]
    if not ways:
        raise CellRefused("out_of_reach", f"point {number} is out of reach: move the board")
    for q in ways[:WAYS]:
        if judge is None:
            break
        arm.go(q)
        seen = Measuring(bringup, arm, judge).look()
        if seen is not None:
            T_camera_board, _ = board_in_camera(seen.view.seen, seen.frame.K, bringup.board)
            in_tool = mounted(judge) @ T_camera_board @ (*_four(bringup)[number - 1], 1.0)
            beside = arm.hand()[:3, :3] @ in_tool[:3]
            return float(1e3 * np.hypot(beside[0], beside[1]))
    arm.go(ways[0])
    return bringup.person.number(
        f"   point {number}: by the ruler, how many mm is the tool beside it?", 0.0, RULER_MM
    )


def _standing(bringup: Bringup) -> CameraSpec | None:
    return next((c for c in bringup.cell.info.cameras if c.mount == "base"), None)


def _in_view(bringup: Bringup, camera: CameraSpec) -> list[float]:
    T = mounted(camera)
    reach = (bringup.cell.info.workspace.table_z_m + 0.12 - T[2, 3]) / T[2, 2]
    return [float(v) for v in T[:3, 3] + reach * T[:3, 2]]
