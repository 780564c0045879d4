"""GL as an accelerator: which geometry lies under each pixel and how deep. Never needed.

Light, shadows and colours stay those of :mod:`drivers.sim.raycam`. GL decides a few edge pixels
differently and rounds depth by some hundredths of a millimetre, and not every machine has it; so
the in-process cell, which promises the same picture everywhere, keeps to rays, and only the camera
process of a host uses this. Loading a GL driver may abort a process, so it is tried first in one of
its own: ``python -m drivers.sim.glcam``.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.appearance import Appearance
from drivers.sim.noise import CellNoise, NoiseSpec
from drivers.sim.raycam import Picture, RayCamera
from drivers.sim.scene import TABLE, SceneObject, SceneSpec, build_model
from drivers.types import CellInfo

PICTURES: Final = 8
AGREEING_PIXELS: Final = 0.999
DEPTH_WITHIN_M: Final = 0.001
WORTH_IT: Final = 0.8


class GlReport(msgspec.Struct, frozen=True):
    """What trying GL on this machine gave. ``problem`` is empty when it may be used."""

    problem: str
    gl_ms: float = 0.0
    rays_ms: float = 0.0

    @property
    def faster(self) -> bool:
        """Whether GL is worth having: clearly faster, not by the luck of one measurement."""
        return not self.problem and self.gl_ms < WORTH_IT * self.rays_ms


class GlEye:
    """Sees one model through EGL, off screen. Belongs to the thread that made it."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Raises ImportError, RuntimeError or OSError where there is no usable GL."""
        width, height = (int(n) for n in model.cam_resolution.max(axis=0))
        egl = importlib.import_module("mujoco.egl")
        self._gl: Any = egl.GLContext(width, height)
        self.enter(model)

    def enter(self, model: mujoco.MjModel) -> None:
        """See this model from now on."""
        self._gl.make_current()
        self._model = model
        quality = model.vis.quality
        quality.shadowsize, quality.offsamples = 0, 0
        model.vis.global_.offwidth, model.vis.global_.offheight = (
            int(n) for n in model.cam_resolution.max(axis=0)
        )
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=4 * model.ngeom + 64)
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            self._scene.flags[flag] = True

    def see(
        self, data: mujoco.MjData, camera: str
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Geometry (-1 for none) and depth in metres (0 for none) per pixel, shape (H, W)."""
        self._gl.make_current()
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = self._model.camera(camera).id
        width, height = (int(n) for n in self._model.cam_resolution[view.fixedcamid])
        mujoco.mjv_updateScene(
            self._model, data, mujoco.MjvOption(), mujoco.MjvPerturb(), view,
            mujoco.mjtCatBit.mjCAT_ALL, self._scene,
        )  # fmt: skip
        rect = mujoco.MjrRect(0, 0, width, height)
        code = np.empty((height, width, 3), dtype=np.uint8)
        buffer = np.empty((height, width), dtype=np.float32)
        mujoco.mjr_render(rect, self._scene, self._context)
        mujoco.mjr_readPixels(code, buffer, rect, self._context)
        geom = self._geometries()[code[::-1] @ np.array([1, 1 << 8, 1 << 16], dtype=np.int32)]
        depth = self._metres(buffer[::-1].astype(np.float64))
        depth[geom < 0] = 0.0
        return geom, depth.astype(np.float32)

    def _geometries(self) -> NDArray[np.int32]:
        """Geometry for every segment code; 0 is the background."""
        of_code = np.full(self._scene.ngeom + 1, -1, dtype=np.int32)
        for seen in self._scene.geoms[: self._scene.ngeom]:
            if seen.segid >= 0 and seen.objtype == int(mujoco.mjtObj.mjOBJ_GEOM):
                of_code[seen.segid + 1] = seen.objid
        return of_code

    def _metres(self, buffer: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo the reversed-z projection of MuJoCo's renderer."""
        extent = self._model.stat.extent
        near, far = self._model.vis.map.znear * extent, self._model.vis.map.zfar * extent
        return np.asarray(near * far / (near + buffer * (far - near)))


def probe(info: CellInfo) -> subprocess.Popen[bytes]:
    """Start trying GL with a cell's cameras; :func:`report_of` reads what came of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "drivers.sim.glcam"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    if process.stdin is not None:
        process.stdin.write(msgspec.msgpack.encode(info))
        process.stdin.close()
    return process


def report_of(process: subprocess.Popen[bytes]) -> GlReport:
    """What a probe that has ended found."""
    said = b"" if process.stdout is None else process.stdout.read()
    try:
        return msgspec.json.decode(said, type=GlReport)
    except msgspec.DecodeError:
        return GlReport(f"the GL probe ended with status {process.returncode}")


def try_gl(info: CellInfo) -> GlReport:
    """Compare GL with rays in this process: do they agree, and which is faster?"""
    thing = SceneObject("thing", "box", (0.04, 0.04, 0.04), (0.8, 0.1, 0.1), 0.1, (0.35, 0.0, 0.02))
    model = build_model(info, SceneSpec((thing,)), CellNoise(NoiseSpec.off(), 0))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    rays = RayCamera()
    rays.enter(model, Appearance.draw(0), TABLE)
    camera = info.cameras[0].name
    try:
        eye = GlEye(model)
        by_gl = rays.picture(data, camera, eye)
    except Exception as error:  # Whatever a GL driver raises, it is not to be used.
        return GlReport(f"no GL: {type(error).__name__}: {error}")
    problem = _disagreement(rays.picture(data, camera), by_gl)
    return GlReport(
        problem,
        gl_ms=_ms(lambda: rays.picture(data, camera, eye)),
        rays_ms=_ms(lambda: rays.picture(data, camera)),
    )


def _disagreement(rays: Picture, gl: Picture) -> str:
    same = rays.geom == gl.geom
    if same.mean() < AGREEING_PIXELS:
        return f"GL and rays agree on {same.mean():.2%} of the pixels only"
    off_m = float(np.percentile(np.abs(rays.depth_m - gl.depth_m)[same], 99.0))
    return f"GL depth is off by {1e3 * off_m:.2f} mm" if off_m > DEPTH_WITHIN_M else ""


def _ms(act: Callable[[], object]) -> float:
    act()
    started_s = time.perf_counter()
    for _ in range(PICTURES):
        act()
    return 1e3 * (time.perf_counter() - started_s) / PICTURES


def main() -> int:
    """Read a cell's info from standard input, print a report."""
    info = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=CellInfo)
    sys.stdout.buffer.write(msgspec.json.encode(try_gl(info)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
