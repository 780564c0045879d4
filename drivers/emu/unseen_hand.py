"""What a person's hands do at a real bench, done at an emulated one: plug servos, lay a board.

Goes through the emulator's own sockets; nothing is learned through them.
"""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.cameras.calibration.board import BoardSpec
from drivers.emu.fault_socket import NAME, FaultClient
from drivers.errors import CellFault
from drivers.runtime_dir import CellPaths
from drivers.sim.board import PlacedBoard
from drivers.sim.control import StandInClient
from drivers.sim.scene import SceneSpec

FloatArray = NDArray[np.float64]

READY_WITHIN_S: Final = 60.0
SHOWN_AFTER_S: Final = 0.5
"""Until the cameras show what was laid down."""


class EmulatedBench:
    """An emulator that is run only for its bus: no host, no arm in use."""

    def __init__(self, cell_file: Path, paths: CellPaths) -> None:
        """Raises CellFault when it does not come up, or a host runs there."""
        self.paths = paths
        paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_fd, write_fd = os.pipe()
        command = [sys.executable, "-m", "drivers.emu", str(cell_file)]
        command += ["--run-dir", str(paths.folder), "--fresh", "--ready-fd", str(write_fd)]
        with paths.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, pass_fds=(write_fd,), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            came = select.select([pipe], [], [], READY_WITHIN_S)[0]
            said = json.loads(pipe.readline() or "{}") if came else {}
        if not said.get("ready"):
            self._process.kill()
            self._process.wait()
            raise CellFault(f"the emulator did not come up; see {paths.log}")

    def ports(self) -> list[str]:
        """Serial ports as this bench has them now."""
        return sorted(str(p) for p in self.paths.folder.glob("bus*") if p.exists())

    def inject(self, fault: str, **given: float | str) -> None:
        with FaultClient(self.paths.folder / NAME) as faults:
            faults.inject(fault, **given)

    def only(self, number: int, servos: int, arm: str) -> None:
        """Leave one servo of an arm plugged in, 1 at the base; each restarts as it gets power."""
        self.inject("mend", arm=arm)
        self.inject("power_cycle", arm=arm)
        for other in range(1, servos + 1):
            if other != number:
                self.inject("missing", servo=other, arm=arm)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def lay_board(paths: CellPaths, board: BoardSpec, centre_m: Sequence[float]) -> None:
    """Lay a board on the table, face up, its long side across the arm."""
    x, y, z = centre_m
    width, height = board.size_m
    half = math.sqrt(0.5)
    # The board's x along the base's y, its y along the base's x, its z down.
    place = (x - height / 2, y - width / 2, z)
    _set(paths, PlacedBoard(board, "base", _three(place), (0.0, half, half, 0.0)))


def give_board(
    paths: CellPaths, arm: str, board: BoardSpec, T_base_tool: FloatArray, eye_m: FloatArray
) -> None:
    """Fix a board to a hand, just beyond the fingertips, facing a point in the base frame."""
    z = T_base_tool[:3, 3] - eye_m
    z /= np.linalg.norm(z)
    x = np.cross(z, (0.0, 0.0, 1.0))
    x /= np.linalg.norm(x)
    R = np.column_stack([x, np.cross(z, x), z])
    corner = T_base_tool[:3, 3] + R @ ((0.0, 0.045, -0.05) - board.centre_m())
    R_tool = T_base_tool[:3, :3].T @ R
    xyz = T_base_tool[:3, :3].T @ (corner - T_base_tool[:3, 3])
    _set(paths, PlacedBoard(board, arm, _three(xyz), _quaternion(R_tool)))


def take_board(paths: CellPaths) -> None:
    """Clear the bench."""
    _set(paths, None)


def _set(paths: CellPaths, placed: PlacedBoard | None) -> None:
    control = StandInClient(paths.sim)
    try:
        control.reset_scene(msgspec.structs.replace(SceneSpec(), board=placed))
    finally:
        control.close()
    time.sleep(SHOWN_AFTER_S)


def _three(values: Sequence[float] | FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _quaternion(R: FloatArray) -> tuple[float, float, float, float]:
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(R).as_quat().tolist()
    return w, x, y, z
