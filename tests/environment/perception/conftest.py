"""A tiny ray caster: boxes, cylinders and balls on a table, seen by a pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from aspire_tui.environment.perception.picture import StillPicture

RGB = {
    "red": (0.78, 0.12, 0.10),
    "green": (0.10, 0.58, 0.18),
    "blue": (0.10, 0.25, 0.75),
    "yellow": (0.88, 0.76, 0.10),
    "purple": (0.45, 0.16, 0.58),
    "orange": (0.90, 0.45, 0.08),
    "white": (0.92, 0.92, 0.92),
    "black": (0.07, 0.07, 0.07),
    "grey": (0.5, 0.5, 0.5),
    "brown": (0.42, 0.26, 0.13),
    "pink": (0.92, 0.50, 0.62),
    "cyan": (0.12, 0.70, 0.75),
}


@dataclass
class Thing:
    """``shape`` is box, cylinder or ball; full sizes, centre and yaw in the base frame."""

    shape: str
    size: tuple[float, float, float]
    xyz: tuple[float, float, float]
    rgb: tuple[float, float, float]
    yaw: float = 0.0


@dataclass
class Stage:
    """A scene and its light. Renders what a camera would give: pixels, depth, calibration."""

    things: list[Thing] = field(default_factory=list)
    table_rgb: tuple[float, float, float] = (0.55, 0.52, 0.48)
    table_z: float = 0.0
    lamp: tuple[float, float, float] = (0.4, 0.5, 0.8)
    ambient: float = 0.42
    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    depth_noise: float = 0.0
    rgb_noise: float = 0.0
    seed: int = 0

    def put(self, colour, xy, size=(0.04, 0.04, 0.04), yaw=0.0, shape="box", z=None):
        z = self.table_z + size[2] / 2 if z is None else z
        self.things.append(Thing(shape, size, (*xy, z), RGB[colour], yaw))
        return self.things[-1]

    def render(
        self,
        eye=(0.95, 0.25, 0.55),
        at=(0.33, 0.0, 0.0),
        size=(320, 240),
        fovy_deg=42.0,
        camera="scene",
        calibration_error=None,
    ) -> StillPicture:
        width, height = size
        f = height / 2 / np.tan(np.deg2rad(fovy_deg) / 2)
        K = np.array([[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]])
        T = look_at(eye, at)
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        local = np.stack([(u - K[0, 2]) / f, (v - K[1, 2]) / f, np.ones_like(u, float)], -1)
        d = (local @ T[:3, :3].T).reshape(-1, 3)
        o = T[:3, 3]
        depth = np.full(len(d), np.inf)
        normal = np.zeros((len(d), 3))
        base = np.tile(np.array([0.35, 0.36, 0.38]), (len(d), 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.table_z - o[2]) / d[:, 2]
        p = o + t[:, None] * d
        on = (t > 0) & (np.abs(p[:, 0] - 0.35) < 0.6) & (np.abs(p[:, 1]) < 0.75)
        depth[on] = t[on]
        normal[on] = (0, 0, 1)
        grain = 1 + 0.06 * ((np.floor(p[on, 0] / 0.05) + np.floor(p[on, 1] / 0.05)) % 2 - 0.5)
        base[on] = np.array(self.table_rgb) * grain[:, None]
        for thing in self.things:
            t, n = hit(thing, o, d)
            nearer = t < depth
            depth[nearer], normal[nearer] = t[nearer], n[nearer]
            base[nearer] = thing.rgb
        lamp = np.array(self.lamp) / np.linalg.norm(self.lamp)
        shade = self.ambient + (1 - self.ambient) * np.clip(normal @ lamp, 0, 1)
        shade[~np.isfinite(depth)] = 0.8
        rng = np.random.default_rng(self.seed)
        colour = base * shade[:, None] * self.exposure * np.array(self.balance)
        colour += rng.normal(size=colour.shape) * self.rgb_noise
        rgb = (np.clip(colour, 0, 1) * 255).astype(np.uint8).reshape(height, width, 3)
        z = np.where(np.isfinite(depth), depth, 0).reshape(height, width)
        z = z + (z > 0) * rng.normal(size=z.shape) * self.depth_noise * z**2
        told = T if calibration_error is None else T @ calibration_error
        return StillPicture(camera, rgb, z.astype(np.float32), K, told)


def look_at(eye, at):
    eye, at = np.array(eye, float), np.array(at, float)
    z = (at - eye) / np.linalg.norm(at - eye)
    up = np.array([0.0, 0, 1]) if abs(z[2]) < 0.99 else np.array([1.0, 0, 0])
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], 1)
    T[:3, 3] = eye
    return T


def hit(thing, o, d):
    """Distance along each ray (in units of d) and the normal there; inf where it misses."""
    c, s = np.cos(thing.yaw), np.sin(thing.yaw)
    R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    o1, d1 = R.T @ (o - np.array(thing.xyz)), d @ R
    h = np.array(thing.size) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        if thing.shape == "box":
            a, b = (-h - o1) / d1, (h - o1) / d1
            near, far = np.minimum(a, b), np.maximum(a, b)
            t, axis = near.max(1), near.argmax(1)
            ok = (t < far.min(1)) & (t > 0)
            n = np.zeros_like(d1)
            n[np.arange(len(n)), axis] = -np.sign(d1[np.arange(len(n)), axis])
        else:
            flat = slice(0, 3) if thing.shape == "ball" else slice(0, 2)
            A = (d1[:, flat] ** 2).sum(1)
            B = (d1[:, flat] * o1[flat]).sum(1)
            C = (o1[flat] ** 2).sum() - h[0] ** 2
            disc = B * B - A * C
            t = np.where(disc > 0, (-B - np.sqrt(np.abs(disc))) / A, np.inf)
            p = o1 + t[:, None] * d1
            n = np.zeros_like(d1)
            n[:, flat] = p[:, flat] / h[0]
            ok = (disc > 0) & (t > 0)
            if thing.shape == "cylinder":
                ok &= np.abs(p[:, 2]) < h[2]
                cap = (h[2] - o1[2]) / d1[:, 2]
                q = o1 + cap[:, None] * d1
                lid = (cap > 0) & ((q[:, :2] ** 2).sum(1) < h[0] ** 2)
                better = lid & (~ok | (cap < t))
                t, n[better] = np.where(better, cap, t), (0, 0, 1)
                ok |= lid
    return np.where(ok, t, np.inf), np.nan_to_num(n, posinf=0.0, neginf=0.0) @ R.T


@pytest.fixture
def stage():
    return Stage


def yaw_off(a: float, b: float, fold: float = np.pi / 2) -> float:
    """Angle between two yaws of a thing that looks the same every ``fold``."""
    return abs((a - b + fold / 2) % fold - fold / 2)


@pytest.fixture(name="yaw_off")
def _yaw_off():
    return yaw_off
