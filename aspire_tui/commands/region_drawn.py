"""``cell teach CELL region:NAME --camera``: a region drawn on a picture, put onto the table plane.

Nothing moves. The picture is the camera's own, with its calibration; what is drawn is kept like a
region that was touched with the tool point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aspire_tui.commands.bringup import now_text
from aspire_tui.commands.person import Person
from aspire_tui.commands.preview import show
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.perception.camera import invert, onto_plane, project, transform
from aspire_tui.errors import ConfigError
from drivers.celledit import CellText
from drivers.cellfile import CellFile
from drivers.client import CellClient
from drivers.spawn import ensure_host
from drivers.taught import LEAST_SIDE_M, Taught, Xyz, inside
from drivers.types import Frame

FloatArray = NDArray[np.float64]

GRID_PX: Final = 40
MOST_CORNERS: Final = 8
PIXEL: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[, ]\s*(\d+(?:\.\d+)?)\s*")
DIGITS: Final = 6


class NoRegion(ValueError):
    """What was drawn is no region of the table; one line."""


def draw_region(path: Path, file: CellFile, camera: str, name: str, who: str) -> None:
    """Show a picture, ask for corners by pixel, show what they enclose, keep it."""
    known = [c.name for c in file.info.cameras]
    if camera not in known:
        raise ConfigError(f"--camera {camera}: {file.info.name} has {', '.join(known) or 'none'}")
    ensure_host(path.resolve(), file.info.name, who, timeout_s=60.0)
    person = Person()
    client = CellClient(file.info.name, who=who)
    try:
        frame, T_base_cam = _frame(client, file, camera)
    finally:
        client.close()
    picture = path.with_name(f"{path.stem}-{camera}.png")
    show(person, gridded(frame.rgb), picture)
    height, width = frame.rgb.shape[:2]
    person.say(f"   {width}x{height} pixels; numbers along its edges count them, from the top left")
    typed = person.ask("   corners as u,v; u,v; … two opposite ones or more (q leaves)")
    if typed.strip() == "q":
        person.say("nothing was written")
        return
    box = file.info.workspace
    try:
        pixels = pixels_of(typed, (width, height))
        points = region_of(pixels, frame.K, T_base_cam, box.table_z_m)
    except NoRegion as error:
        raise ConfigError(f"{error}; nothing was written") from None
    if not all(inside(p, box) for p in points):
        raise ConfigError("the region leaves the workspace box; nothing was written")
    show(person, outlined(frame.rgb, points, frame.K, T_base_cam), picture)
    (x0, y0, _), (x1, y1, _) = points
    person.say(f"   x {1e3 * x0:.0f} to {1e3 * x1:.0f} mm, y {1e3 * y0:.0f} to {1e3 * y1:.0f} mm")
    if not person.yes("   Is that the region?"):
        person.say("nothing was written")
        return
    text = CellText(path)
    arm = file.info.arms[0].name
    text.taught(name, Taught("region", arm, now_text(), who, points_m=points))
    text.save()
    person.say(f"written to {path}: {name}")
    person.say(f"it counts from the next start: aspire-tui cell shutdown {file.info.name}")


def _frame(client: CellClient, file: CellFile, camera: str) -> tuple[Frame, FloatArray]:
    frame = client.frame(camera)
    if frame.mount == "base":
        return frame, frame.T_mount_cam
    arm = next(a for a in file.info.arms if a.name == frame.mount)
    return frame, Kinematics(arm).hand_pose(np.array(frame.q_rad)) @ frame.T_mount_cam


def pixels_of(typed: str, size: tuple[int, int]) -> list[tuple[float, float]]:
    """Corners as they were typed. Raises NoRegion. Pure."""
    out = []
    for part in (p for p in typed.split(";") if p.strip()):
        found = PIXEL.fullmatch(part)
        if found is None:
            raise NoRegion(f"{part.strip()!r} is no pixel, such as 120,80")
        u, v = float(found.group(1)), float(found.group(2))
        if u >= size[0] or v >= size[1]:
            raise NoRegion(f"{part.strip()} is outside the picture of {size[0]}x{size[1]} pixels")
        out.append((u, v))
    if not 2 <= len(out) <= MOST_CORNERS:
        raise NoRegion(f"{len(out)} corners, expected 2 to {MOST_CORNERS}")
    return out


def region_of(
    pixels: Sequence[tuple[float, float]], K: FloatArray, T_base_cam: FloatArray, table_z_m: float
) -> tuple[Xyz, Xyz]:
    """The rectangle of the table, sides along x and y, that holds all corners.

    Raises:
        NoRegion: A pixel does not show the table, or the rectangle is flat.
    """
    points = []
    for pixel in pixels:
        point = onto_plane(pixel, K, T_base_cam, table_z_m)
        if point is None:
            raise NoRegion(f"pixel {pixel[0]:g},{pixel[1]:g} does not look at the table")
        points.append(point)
    lo, hi = np.min(points, axis=0), np.max(points, axis=0)
    if min(hi[:2] - lo[:2]) < LEAST_SIDE_M:
        raise NoRegion(f"a side of the region is shorter than {1e3 * LEAST_SIDE_M:.0f} mm")
    return _rounded(lo, table_z_m), _rounded(hi, table_z_m)


def gridded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with faint lines and their pixel numbers along two edges."""
    picture = Image.fromarray(rgb).convert("RGB")
    draw = ImageDraw.Draw(picture, "RGBA")
    for u in range(GRID_PX, picture.width, GRID_PX):
        draw.line([(u, 0), (u, picture.height)], (255, 255, 255, 70))
        draw.text((u + 1, 0), str(u), (255, 255, 255, 255))
    for v in range(GRID_PX, picture.height, GRID_PX):
        draw.line([(0, v), (picture.width, v)], (255, 255, 255, 70))
        draw.text((1, v), str(v), (255, 255, 255, 255))
    return np.asarray(picture)


def outlined(
    rgb: NDArray[np.uint8], points: tuple[Xyz, Xyz], K: FloatArray, T_base_cam: FloatArray
) -> NDArray[np.uint8]:
    """The picture with a region's outline on the table."""
    (x0, y0, z), (x1, y1, _) = points
    corners = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], float)
    in_camera = np.asarray(transform(corners, invert(T_base_cam)), float)
    seen = project(in_camera, K)
    picture = Image.fromarray(rgb).convert("RGB")
    around = [(float(u), float(v)) for u, v in (*seen, seen[0])]
    ImageDraw.Draw(picture).line(around, (255, 0, 255), 2)
    return np.asarray(picture)


def _rounded(p: FloatArray, z_m: float) -> Xyz:
    return round(float(p[0]), DIGITS), round(float(p[1]), DIGITS), round(z_m, DIGITS)
