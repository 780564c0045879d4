"""Set-up of camera poses: the arm shows a camera the board, or looks at it, from many sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.commands.bench_arm import BenchArm
from aspire_tui.commands.bringup import Bringup, now_text
from drivers.cameras.calibration.detect import Finder
from drivers.cameras.calibration.lens import measure_lens
from drivers.cameras.calibration.poses import candidates
from drivers.cameras.calibration.solve import (
    LEAST_VIEWS,
    Solution,
    Unsolvable,
    View,
    apart,
    board_in_camera,
    inverse,
    solve,
)
from drivers.cameras.calibration.verdict import refusal
from drivers.cameras.section import CameraCalibration
from drivers.celledit import CellText
from drivers.errors import CellRefused
from drivers.types import CameraSpec, Frame

FloatArray = NDArray[np.float64]

SHOWN_AT_M = 0.15
"""Above the table, where a standing camera is shown what the hand holds."""
FOCAL_OFF = 0.04
"""A focal length this far from the cell file's is said."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One board in one picture, and the joints it was taken at."""

    frame: Frame
    view: View
    q: FloatArray


class Measuring:
    """One camera, one board, one arm."""

    def __init__(self, bringup: Bringup, arm: BenchArm, camera: CameraSpec) -> None:
        self._bringup = bringup
        self._arm = arm
        self.camera = camera
        self._finder = Finder(bringup.board)
        self.on_hand = camera.mount == arm.spec.name

    def link(self, q: FloatArray) -> FloatArray:
        """``A`` of the calibration's equation, at joints of shape (n,)."""
        T = self._arm.kinematics.hand_pose(q)
        return inverse(T) if self.on_hand else T

    def look(self) -> Seen | None:
        """A picture now, if the board is in it."""
        frame = self._arm.client.frame(self.camera.name)
        seen = self._finder.look(frame.rgb)
        q = np.array(frame.q_rad) if frame.q_rad else self._arm.q()
        return None if seen is None else Seen(frame, View(self.link(q), seen), q)

    def first(self) -> Seen:
        """As :meth:`look`; the person moves the board until it is seen."""
        for _ in range(5):
            found = self.look()
            if found is not None:
                return found
            self._bringup.person.ask(
                f"   {self.camera.name} does not see enough of the board: move it, Enter"
            )
        raise CellRefused("board_unseen", f"{self.camera.name} does not see the board")

    def measure(self, views: int) -> tuple[Solution, list[Seen]]:
        """Drive from view to view and solve. Raises Unsolvable, CellRefused."""
        first, arm, board = self.first(), self._arm, self._bringup.board
        K, guess = first.frame.K, first.frame.T_mount_cam
        Y = inverse(first.view.A) @ guess @ board_in_camera(first.view.seen, K, board)[0]
        ways = candidates(
            first.q,
            arm.kinematics.lo_rad,
            arm.kinematics.hi_rad,
            lambda q: inverse(guess) @ self.link(q) @ Y,
            lambda q: arm.way_is_clear(first.q, q),
            (K, first.view.seen.size),
            board,
            views,
        )
        seen = [first]
        for q in ways:
            if len(seen) > views:
                break
            try:
                arm.go(q)
            except CellRefused:  # one way round another; the next is as good
                continue
            found = self.look()
            self._bringup.person.say(
                f"   {len(seen)} of {views}: " + ("hidden" if found is None else "seen")
            )
            if found is not None:
                seen.append(found)
        if len(seen) < LEAST_VIEWS:
            raise Unsolvable(
                f"only {len(seen)} of {len(ways)} poses show it: more light, or the arm "
                "needs more room, or the board another place"
            )
        return solve([s.view for s in seen], K, board), seen


def measure_poses(bringup: Bringup) -> str:
    """The cameras on an arm's hand, and with the first arm those that stand; judged, written."""
    first = bringup.cell.info.arms[0].name == bringup.arm.name
    mounts = (bringup.arm.name, "base") if first else (bringup.arm.name,)
    ours = [camera for camera in bringup.cell.info.cameras if camera.mount in mounts]
    if not ours:
        return "no cameras"
    bringup.person.say(
        f"   The printed board: {bringup.board.columns} × {bringup.board.rows} squares of "
        f"{1e3 * bringup.board.square_m:g} mm, flat on something stiff. The arm will move slowly, "
        "by itself, from view to view."
    )
    bringup.person.confirm("   Clear the bench, the power switch in reach", "move")
    notes = []
    # Cameras on the hand first: they need nothing but a board on the table.
    for camera in sorted(ours, key=lambda c: c.mount == "base"):
        with bringup.served() as arm:
            notes.append(_one_camera(bringup, arm, camera))
    bringup.restart()
    return "; ".join(notes)


def _one_camera(bringup: Bringup, arm: BenchArm, camera: CameraSpec) -> str:
    measuring, home = Measuring(bringup, arm, camera), np.array(arm.spec.home_rad)
    arm.go(home)
    if measuring.on_hand:
        lay_board(bringup, arm, camera)
    else:
        start = _where_seen(bringup, arm, camera)
        arm.go(start)
        _give_board(bringup, arm, camera, start)
    try:
        found, seen = measuring.measure(bringup.views)
    except Unsolvable as problem:
        raise CellRefused("calibration", f"{camera.name}: {problem}") from None
    finally:
        arm.go(home)
    focal_px = float(seen[0].frame.K[0, 0])
    why = refusal(found, focal_px)
    said = (
        f"{camera.name}: residual {found.residual_px:.2f} px over {found.views} views, known to "
        f"{1e3 * found.spread_m:.1f} mm and {math.degrees(found.spread_rad):.2f}°"
    )
    bringup.person.say(f"   {said}")
    if why:
        raise CellRefused("calibration", f"{camera.name} refused: {why}")
    moved = apart(seen[0].frame.T_mount_cam, found.X)
    bringup.person.say(
        f"   it was {1e3 * moved[0]:.1f} mm and {math.degrees(moved[1]):.2f}° from where the cell "
        "file had it" + _focal(bringup, seen, focal_px)
    )
    text = CellText(bringup.path)
    if bringup.emulated:  # what it plays stays where it stands, whatever is believed of it
        text.stands(camera)
    text.camera_pose(camera.name, found.X[:3, 3].tolist(), _wxyz(found.X))
    text.calibrated(
        camera.name,
        CameraCalibration(
            now_text(),
            bringup.who,
            found.residual_px,
            1e3 * found.spread_m,
            math.degrees(found.spread_rad),
            found.views,
            1e3 * bringup.board.square_m,
        ),
    )
    text.save()
    bringup.reload()
    return said


def _focal(bringup: Bringup, seen: Sequence[Seen], focal_px: float) -> str:
    """What the views say of the focal length, when they say something."""
    try:
        lens = measure_lens([s.view.seen for s in seen], bringup.board, distorted=False)
    except Unsolvable:
        return ""
    ratio = lens.intrinsics_px[1] / focal_px
    if abs(ratio - 1.0) < FOCAL_OFF:
        return ""
    return f"; its focal length looks {100 * (ratio - 1):+.0f} % off: measure its lens"


def lay_board(bringup: Bringup, arm: BenchArm, camera: CameraSpec) -> None:
    """Have the board laid where a camera on the hand sees it from home."""
    if not bringup.emulated:
        bringup.person.ask(f"   Lay the board flat on the table where {camera.name} sees it. Enter")
        return
    from drivers.emu import unseen_hand

    bringup.person.say("   (emulated: an unseen hand lays the board down)")
    x, y = _looked_at(arm, camera)
    table_m = bringup.cell.info.workspace.table_z_m
    unseen_hand.lay_board(bringup.paths, bringup.board, (x, y, table_m + 0.002))


def _give_board(bringup: Bringup, arm: BenchArm, camera: CameraSpec, q: FloatArray) -> None:
    if not bringup.emulated:
        bringup.person.ask(
            f"   Fix the board to the hand so that {camera.name} sees all of it: clamp it between "
            "the fingers and let nothing slip. Enter"
        )
        return
    from drivers.emu import unseen_hand

    bringup.person.say("   (emulated: an unseen hand fixes the board to the arm's hand)")
    eye = np.array(camera.mount_xyz_m)
    hand = arm.kinematics.hand_pose(q)
    unseen_hand.give_board(bringup.paths, arm.spec.name, bringup.board, hand, eye)


def _looked_at(arm: BenchArm, camera: CameraSpec) -> tuple[float, float]:
    """Where a camera's axis meets the table, by the cell file."""
    T = mounted(camera)
    if camera.mount == arm.spec.name:
        T = arm.hand() @ T
    table_z = arm.client.info.workspace.table_z_m
    reach = (table_z - T[2, 3]) / T[2, 2] if T[2, 2] < 0.0 else 0.3
    x, y = (T[:3, 3] + reach * T[:3, 2])[:2]
    return float(x), float(y)


def _where_seen(bringup: Bringup, arm: BenchArm, camera: CameraSpec) -> FloatArray:
    """Joints with the hand in the middle of a standing camera's view."""
    T, home = mounted(camera), np.array(arm.spec.home_rad)
    table_z = bringup.cell.info.workspace.table_z_m
    for above_m in (SHOWN_AT_M, 0.20, 0.12, 0.25):
        reach = (table_z + above_m - T[2, 3]) / T[2, 2]
        q = arm.near((T[:3, 3] + reach * T[:3, 2]).tolist(), home)
        if q is not None and arm.way_is_clear(home, q):
            return q
    raise CellRefused("out_of_view", f"the arm cannot reach the middle of what {camera.name} sees")


def mounted(camera: CameraSpec) -> FloatArray:
    """Camera on its mount, by the cell file, shape (4, 4)."""
    from scipy.spatial.transform import Rotation

    w, x, y, z = camera.mount_wxyz
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix()
    T[:3, 3] = camera.mount_xyz_m
    return T


def _wxyz(T: FloatArray) -> tuple[float, float, float, float]:
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(T[:3, :3]).as_quat().tolist()
    return w, x, y, z
