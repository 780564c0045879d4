"""The canary: one known-good program on one known scene, and what the camera saw before it moved.

On a stand-in the scene is seeded, so a world that has not changed gives the same picture and the
same PASS. What is measured is compared with a reference by :func:`compare`; nothing here decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import drivers.types
from aspire_tui.domain import Keyframe, sha256_hex
from aspire_tui.environment.evidence import decode_depth_png, decode_rgb_png
from aspire_tui.environment.perception.plane import fit_table
from aspire_tui.events import AnyEvent, CallResult, ResetReported, TrialClosed
from aspire_tui.rollout.bulk import WorkerSpec, worker_of
from aspire_tui.rollout.in_force import LOADED
from aspire_tui.rollout.journal import MemoryJournal, OpenGate
from aspire_tui.rollout.known_good import DRIVING, STANDING, known_good
from aspire_tui.rollout.trial import TrialSpec
from aspire_tui.skill_events import CanaryCheck

SHIFT_PX = 1.5
"""A camera that has not moved: this far at most, at the picture's own width."""
BRIGHTER = 0.15
"""Light that has not changed: mean luminance within this share of the reference."""
TINTED = 0.08
"""The same, of each colour against the others."""
TABLE_M = 0.004
TILT_RAD = math.radians(0.4)
SMALL = (160, 120)
TILES = 3

SEEDS = (4003, 4007, 4011)
"""Scenes to try, in order, until one passes and becomes the reference: no run ever draws them."""


class Seen(msgspec.Struct, frozen=True):
    """What one picture says of camera and light, small enough to keep."""

    camera: str
    grey: bytes
    """``SMALL`` pixels, one byte each."""
    channels: tuple[float, float, float]
    """Mean of red, green and blue, 0 to 255."""
    table_z_m: float | None
    tilt_rad: float | None
    width_px: int


class CanaryReport(msgspec.Struct, frozen=True):
    """One run of the canary."""

    outcome: str
    """PASS, FAIL, UNSURE, or why there is nothing to judge."""
    failed: str
    """The first call that did not end in OK, in words."""
    seen: Seen | None
    scene: str
    seed: int
    cell_s: float


class Reference(msgspec.Struct, frozen=True):
    """A report that was good, and what it was made with."""

    identity: str
    report: CanaryReport


def identity_of(cell_file: bytes, noise: bool) -> str:
    """Changes with everything of ours that may change the picture without the world changing."""
    drawn_by = sorted((Path(drivers.types.__file__).parent / "sim").glob("*.py"))
    good = [k.program.encode() for k in (STANDING, DRIVING)]
    parts = [cell_file, *good, str(noise).encode(), *(p.read_bytes() for p in drawn_by)]
    return sha256_hex(b"\n".join([*parts, *(LOADED[n].encode() for n in sorted(LOADED))]))


def run_canary(spec: WorkerSpec, seed: int) -> CanaryReport:
    """Run it in a worker process, between trials. Recorded nowhere but in its report."""
    journal = MemoryJournal()
    worker = worker_of(spec)
    good = known_good(worker.hello.cell)
    trial = TrialSpec(
        trial=0,
        task=good.task,
        seed=seed,
        seed_set="operator",
        program=good.program,
        program_id=sha256_hex(good.program.encode()),
        hypothesis=None,
        where="worker",
        clock="sim",
    )
    closed = worker.runner.run(trial, journal, OpenGate())
    bodies = {sha: data for sha, (_, data) in journal.blobs.items()}
    return report_of(journal.events, bodies, closed, seed)


def report_of(
    events: Sequence[AnyEvent], bodies: Mapping[str, bytes], closed: TrialClosed, seed: int
) -> CanaryReport:
    """What one trial of the known-good program says, from its events and pictures. Pure."""
    resets = [e for e in events if isinstance(e, ResetReported)]
    bad = [e for e in events if isinstance(e, CallResult) and e.status != "OK"]
    frames = resets[-1].verdict.keyframes if resets else ()
    return CanaryReport(
        outcome=closed.outcome or closed.reason or "nothing to judge",
        failed=f"{bad[0].primitive} {bad[0].status}: {bad[0].summary}" if bad else "",
        seen=look(frames[0], bodies) if frames else None,
        scene=resets[-1].scene if resets else "",
        seed=seed,
        cell_s=closed.cell_s,
    )


def look(frame: Keyframe, bodies: Mapping[str, bytes]) -> Seen:
    """Measure one kept picture."""
    rgb = decode_rgb_png(bodies[frame.rgb.sha256])
    picture = Image.fromarray(rgb).convert("L").resize(SMALL, Image.Resampling.BOX)
    table = None
    if frame.depth is not None:
        depth = decode_depth_png(bodies[frame.depth.sha256]).astype(float)
        table = fit_table(_points(depth * frame.depth_unit_m, frame), 0.0)
    red, green, blue = (float(v) for v in rgb.mean(axis=(0, 1)))
    return Seen(
        camera=frame.camera,
        grey=np.asarray(picture, np.uint8).tobytes(),
        channels=(red, green, blue),
        table_z_m=None if table is None else float(table.offset_m),
        tilt_rad=None if table is None else float(np.arccos(min(1.0, abs(table.normal[2])))),
        width_px=rgb.shape[1],
    )


def compare(now: CanaryReport, reference: CanaryReport) -> tuple[CanaryCheck, ...]:
    """What was measured beside the range in which the world is the same. Pure."""
    out = [CanaryCheck("known-good program", float(now.outcome == "PASS"), 1.0, 1.0)]
    seen, was = now.seen, reference.seen
    if seen is None or was is None:
        return (*out, CanaryCheck("picture", 0.0, 1.0, 1.0))
    camera = seen.camera
    moved = shift_px(was.grey, seen.grey) * seen.width_px / SMALL[0]
    out.append(CanaryCheck("camera moved", moved, 0.0, SHIFT_PX, "px", camera))
    light, before = sum(seen.channels), sum(was.channels)
    ratio = light / before if before else math.inf
    out.append(CanaryCheck("light", ratio, 1 - BRIGHTER, 1 + BRIGHTER, "×", camera))
    tint = max(
        abs(a / light - b / before) * 3 if light and before else math.inf
        for a, b in zip(seen.channels, was.channels, strict=True)
    )
    out.append(CanaryCheck("tint of the light", tint, 0.0, TINTED, "", camera))
    if was.table_z_m is not None and was.tilt_rad is not None:
        gone = seen.table_z_m is None or seen.tilt_rad is None
        off = math.inf if gone else abs((seen.table_z_m or 0.0) - was.table_z_m)
        tilt = math.inf if gone else abs((seen.tilt_rad or 0.0) - was.tilt_rad)
        out.append(CanaryCheck("table height", off, 0.0, TABLE_M, "m", camera))
        out.append(CanaryCheck("table tilt", tilt, 0.0, TILT_RAD, "rad", camera))
    return tuple(out)


def in_words(checks: tuple[CanaryCheck, ...], report: CanaryReport) -> str:
    """What does not hold, in one line; empty when all does."""
    bad = [
        f"{c.name} {c.value:.3g} {c.unit} ({c.lo:.3g} to {c.hi:.3g}"
        + (f", {c.camera})" if c.camera else ")")
        for c in checks
        if not c.holds
    ]
    if report.failed and any(c.name == "known-good program" and not c.holds for c in checks):
        bad[0] = f"the known-good program ended {report.outcome}: {report.failed}"
    return "; ".join(bad)


def shift_px(before: bytes, now: bytes) -> float:
    """How far one small picture moved against another: the median over tiles, in its pixels.

    A thing that moved takes its tile along and not the others; a camera that moved takes all.
    """
    width, height = SMALL
    a, b = (np.frombuffer(p, np.uint8).reshape(height, width).astype(float) for p in (before, now))
    h, w = height // TILES, width // TILES
    found = [
        _tile_shift(a[y : y + h, x : x + w], b[y : y + h, x : x + w])
        for y in range(0, h * TILES, h)
        for x in range(0, w * TILES, w)
    ]
    return float(np.median(found))


def _tile_shift(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """By phase correlation, to a fraction of a pixel."""
    window = np.outer(np.hanning(a.shape[0]), np.hanning(a.shape[1]))
    fa, fb = (np.fft.rfft2((t - t.mean()) * window) for t in (a, b))
    cross = fa * np.conj(fb)
    peak = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), a.shape)
    y, x = np.unravel_index(int(np.argmax(peak)), peak.shape)
    dy = _refined(peak[:, x], int(y))
    dx = _refined(peak[y, :], int(x))
    return float(np.hypot(dy, dx))


def _refined(line: NDArray[np.float64], at: int) -> float:
    """The place of a peak on a line that closes on itself, by a parabola through three values."""
    n = len(line)
    left, mid, right = line[(at - 1) % n], line[at], line[(at + 1) % n]
    bend = left - 2 * mid + right
    place = at + (0.5 * (left - right) / bend if bend else 0.0)
    return place - n if place > n / 2 else place


def _points(depth_m: NDArray[np.float64], frame: Keyframe) -> NDArray[np.float64]:
    K, T = np.array(frame.K), np.array(frame.T_base_cam)
    rows, cols = np.nonzero(depth_m > 0)
    z = depth_m[rows, cols]
    local = np.stack([(cols - K[0, 2]) * z / K[0, 0], (rows - K[1, 2]) * z / K[1, 1], z], axis=1)
    return np.asarray(local @ T[:3, :3].T + T[:3, 3])
