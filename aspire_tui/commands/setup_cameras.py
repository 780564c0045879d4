"""Set-up of cameras: which is which, nothing that adjusts itself, and what their lenses are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.commands.bringup import Bringup, now_text
from aspire_tui.commands.preview import show
from drivers.cameras.calibration.detect import Finder, Sighting
from drivers.cameras.calibration.lens import LEAST_VIEWS, measure_lens, refusal
from drivers.cameras.calibration.solve import Unsolvable
from drivers.cameras.devices import grabber_of
from drivers.cameras.section import CameraDevice
from drivers.cameras.v4l2 import Controls, cameras
from drivers.celledit import CellText
from drivers.errors import CellFault, CellRefused
from drivers.types import CameraSpec

WARM_UP = 10
"""Pictures until a camera's automatisms have settled."""
LENS_VIEWS = 12


def name_cameras(bringup: Bringup) -> str:
    """Preview each camera there is, have it named, lock what would adjust itself."""
    specs = bringup.cell.info.cameras
    if not specs:
        return "no cameras"
    if bringup.emulated:
        return _preview_served(bringup)
    named = []
    for spec in specs:
        device = _device_of(bringup, spec)
        if device.driver == "v4l2":
            device = _choose(bringup, spec, device)
        picture = _one_picture(bringup, spec, device)
        show(bringup.person, picture, _beside(bringup, spec.name))
        if not bringup.person.yes(f"   Is this the {spec.name} camera ({spec.mount})?"):
            raise CellRefused("not_this", f"{spec.name}: run cell setup again and choose another")
        text = CellText(bringup.path)
        text.camera_device(device)
        text.save()
        bringup.reload()
        named.append(f"{spec.name} = {device.path}")
    return "; ".join(named)


def measure_lenses(bringup: Bringup) -> str:
    """The matrix and distortion of each real camera; the board is shown to it by hand."""
    if bringup.emulated:
        return "the stand-in's cameras are pinholes; their focal length is checked with the poses"
    notes = []
    for spec in bringup.cell.info.cameras:
        device = _device_of(bringup, spec)
        if device.driver == "realsense":
            notes.append(f"{spec.name}: the maker's")
            continue
        views = _show_board(bringup, spec, device)
        try:
            lens = measure_lens(views, bringup.board)
        except Unsolvable as problem:
            raise CellRefused("lens", f"{spec.name}: {problem}") from None
        why = refusal(lens)
        if why:
            raise CellRefused("lens", f"{spec.name}: {why}")
        text = CellText(bringup.path)
        text.camera_device(
            msgspec.structs.replace(
                device,
                intrinsics_px=lens.intrinsics_px,
                distortion=lens.distortion,
                intrinsics_at=now_text(),
                intrinsics_px_residual=lens.residual_px,
            )
        )
        text.camera_fovy(spec.name, lens.fovy_deg(spec.height))
        text.save()
        bringup.reload()
        notes.append(f"{spec.name}: {lens.residual_px:.2f} px over {lens.views} views")
    return "; ".join(notes) or "no cameras"


def _preview_served(bringup: Bringup) -> str:
    with bringup.served() as arm:
        for spec in bringup.cell.info.cameras:
            show(bringup.person, arm.client.frame(spec.name).rgb, _beside(bringup, spec.name))
            if not bringup.person.yes(f"   Is this the {spec.name} camera ({spec.mount})?"):
                raise CellRefused("not_this", f"{spec.name}: correct [[cameras]] in the cell file")
    names = ", ".join(spec.name for spec in bringup.cell.info.cameras)
    return f"{names}; emulated: nothing in them adjusts itself"


def _choose(bringup: Bringup, spec: CameraSpec, device: CameraDevice) -> CameraDevice:
    """Which USB camera it is, locked as it has adjusted itself to the bench."""
    there = [seen for seen in cameras() if seen.usable]
    if not there:
        raise CellFault("no usable camera under /dev/v4l/by-id: plug it in, join group video")
    for n, seen in enumerate(there, 1):
        bringup.person.say(f"   {n}  {seen.path}")
    n = round(bringup.person.number(f"   Which is the {spec.name} camera?", 1, len(there)))
    chosen = msgspec.structs.replace(device, path=there[n - 1].path, controls={})
    _one_picture(bringup, spec, chosen)
    fd = os.open(chosen.path, os.O_RDWR | os.O_NONBLOCK)
    try:
        locked = Controls(fd).lock()
    except OSError as error:
        raise CellFault(f"{chosen.path}: {error}") from None
    finally:
        os.close(fd)
    bringup.person.say("   locked: " + (", ".join(f"{k} {v}" for k, v in locked.items()) or "-"))
    return msgspec.structs.replace(chosen, controls=locked)


def _one_picture(bringup: Bringup, spec: CameraSpec, device: CameraDevice) -> NDArray[np.uint8]:
    grabber = grabber_of(spec, device, bringup.path.resolve().parent)
    try:
        grabber.open()
        for _ in range(WARM_UP):
            picture = grabber.grab()
    except OSError as error:
        raise CellFault(f"camera {spec.name}: {error}") from None
    finally:
        grabber.close()
    return picture.rgb


def _show_board(bringup: Bringup, spec: CameraSpec, device: CameraDevice) -> list[Sighting]:
    finder, person = Finder(bringup.board), bringup.person
    person.say(
        f"   {spec.name}: show it the board {LENS_VIEWS} times: tilted, near every edge, near and "
        "far. Enter takes a picture"
    )
    grabber = grabber_of(spec, device, bringup.path.resolve().parent)
    views: list[Sighting] = []
    try:
        grabber.open()
        while len(views) < max(LEAST_VIEWS, LENS_VIEWS):
            person.ask(f"   {len(views)} of {LENS_VIEWS}")
            until_s = time.monotonic() + 0.3
            while time.monotonic() < until_s:  # what waited in the device is from before
                picture = grabber.grab()
            seen = finder.look(picture.rgb)
            if seen is None:
                person.say("   the board is not seen: nearer, sharper, whole")
            else:
                views.append(seen)
    except OSError as error:
        raise CellFault(f"camera {spec.name}: {error}") from None
    finally:
        grabber.close()
    return views


def _device_of(bringup: Bringup, spec: CameraSpec) -> CameraDevice:
    for device in bringup.cell.camera_devices:
        if device.camera == spec.name:
            return device
    return CameraDevice(spec.name, "v4l2", "unset")


def _beside(bringup: Bringup, camera: str) -> Path:
    return bringup.path.resolve().with_name(f"{bringup.cell.info.name}-{camera}.png")
