"""Whether what set-up and teaching wrote into a cell file can be so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from drivers.cameras.section import CameraCalibration, CameraDevice
from drivers.cameras.section import problem_of as camera_problem
from drivers.taught import Taught
from drivers.taught import problem_of as taught_problem
from drivers.types import ArmSpec, CameraSpec


def found_out_problems(
    arms: Sequence[ArmSpec],
    cameras: Sequence[CameraSpec],
    devices: Sequence[CameraDevice],
    calibrated: Mapping[str, CameraCalibration],
    taught: Mapping[str, Taught],
) -> Iterator[tuple[str, str]]:
    """What is wrong: the key to look for in the file, and one line."""
    names = [camera.name for camera in cameras]
    taken = [device.camera for device in devices]
    if len(set(taken)) != len(taken):
        yield "camera", "two [[camera_device]] for one camera"
    for device in devices:
        if device.camera not in names:
            yield "camera", f"[[camera_device]] of {device.camera!r}: no such camera"
        if wrong := camera_problem(device):
            yield "camera_device", f"[[camera_device]] of {device.camera}: {wrong}"
    for camera in calibrated:
        if camera not in names:
            yield camera, f"[calibrated.{camera}]: no such camera"
    for name, entry in taught.items():
        if wrong := taught_problem(name, entry, arms):
            yield name, wrong
