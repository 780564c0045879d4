"""What a person has to move, and by how much, to bring a scene back: words per thing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aspire_tui.environment.draw import Placed
from aspire_tui.environment.footprint import find_by_outline
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.picture import Picture

SQUARE = 1.15
"""A footprint no longer than this many times its width looks the same after a quarter turn."""

CLOSE_M, CLOSE_RAD = 0.004, np.deg2rad(5.0)


@dataclass(frozen=True)
class Residual:
    """How far one thing is from its place; without numbers it was not seen."""

    name: str
    ahead_m: float | None = None
    left_m: float | None = None
    turn_rad: float | None = None
    """Counter-clockwise seen from above; None where its turn cannot be told or does not matter."""

    @property
    def off_m(self) -> float | None:
        if self.ahead_m is None or self.left_m is None:
            return None
        return float(np.hypot(self.ahead_m, self.left_m))

    def words(self) -> str:
        """What to do, seen from the robot: ``red cube: 12 mm left, 8° clockwise``."""
        if self.ahead_m is None or self.left_m is None:
            return f"{self.name}: not seen; put it where the picture shows it"
        told = []
        if abs(self.left_m) >= CLOSE_M:
            told.append(
                f"{1000 * abs(self.left_m):.0f} mm {'left' if self.left_m > 0 else 'right'}"
            )
        if abs(self.ahead_m) >= CLOSE_M:
            way = "away from the robot" if self.ahead_m > 0 else "towards the robot"
            told.append(f"{1000 * abs(self.ahead_m):.0f} mm {way}")
        if self.turn_rad is not None and abs(self.turn_rad) >= CLOSE_RAD:
            way = "counter-clockwise" if self.turn_rad > 0 else "clockwise"
            told.append(f"{np.rad2deg(abs(self.turn_rad)):.0f}° {way}")
        return f"{self.name}: {', '.join(told) or 'in place'}"


def residuals(picture: Picture, placed: list[Placed], table_z_m: float) -> list[Residual]:
    """How each thing has to be moved, by one camera; what is screwed down is left out."""
    return [
        _residual(picture, p, table_z_m)
        for p in placed
        if p.thing.hold == "free" and not p.thing.mount
    ]


def _residual(picture: Picture, p: Placed, table_z_m: float) -> Residual:
    bottom = p.xyz_m[2] - p.thing.size_m[2] / 2 - table_z_m
    if p.thing.parts:
        fit = find_by_outline(picture, p.thing, table_z_m)
        if fit is None or not fit.good:
            return Residual(p.thing.name)
        x, y, yaw, period = fit.x_m, fit.y_m, fit.yaw_rad, 2 * np.pi
    else:
        found = locate([picture], p.thing.name, table_z_m=table_z_m)
        if not isinstance(found, ObjectEstimate):
            return Residual(p.thing.name)
        x, y, yaw = float(found.position[0]), float(found.position[1]), found.yaw_rad
        long, wide = max(p.thing.size_m[:2]), min(p.thing.size_m[:2])
        period = np.pi / 2 if long < SQUARE * wide else np.pi
    turn: float | None = float((p.yaw_rad - yaw + period / 2) % period - period / 2)
    if p.thing.shape != "box" or bottom > 0.01:
        turn = None
    return Residual(p.thing.name, p.xyz_m[0] - x, p.xyz_m[1] - y, turn)
