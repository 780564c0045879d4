"""What becomes of cameras is seen in an emulated cell, and named as ``cell check`` names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hosts import cells_folder, until

import drivers
from drivers.cameras.base import CameraTrouble
from drivers.cameras.look import look
from drivers.client import CellClient
from drivers.emu.fault_socket import FaultClient
from drivers.findings import FINDINGS
from drivers.spawn import ensure_host
from drivers.types import Frame

CELL = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"
FAULTS = {
    "camera_frozen": "camera_frozen",
    "camera_silent": "camera_stale",
    "camera_black": "camera_black",
    "camera_missing": "camera_missing",
}


@pytest.mark.long
def test_every_trouble_of_a_camera_has_a_fault_that_makes_it_and_a_name() -> None:
    with cells_folder() as runtime:
        host = ensure_host(CELL, "emu", "test", runtime, timeout_s=60.0)
        client = CellClient("emu", who="ann", runtime=runtime)
        names = [camera.name for camera in client.info.cameras]

        def codes() -> list[str]:
            return [f.code for f in look(names, client.glance, "emu")]

        until(lambda: codes() == [], "all cameras see", within_s=60.0)
        with FaultClient(host.paths.folder / "fault.sock") as faults:
            for fault, code in FAULTS.items():
                faults.inject(fault)
                assert codes() == [code] * len(names), fault
                faults.inject("clear")
                until(lambda: codes() == [], f"after {fault} it sees again", within_s=30.0)
        client.close()


def frame(value: int) -> Frame:
    rgb = np.full((4, 4, 3), value, np.uint8)
    return Frame("left", 1, 0.0, 0.0, rgb, None, 0.001, np.eye(3), np.eye(4), "base", ())


def test_a_camera_that_wakes_up_slowly_is_waited_for_and_then_named() -> None:
    now, asked = [0.0], []

    def take(camera: str) -> Frame:
        now[0] += 0.5
        asked.append(camera)
        if now[0] < 3.0:
            raise CameraTrouble("stale", "no picture yet")
        return frame(90)

    assert look(["left"], take, "bench", lambda: now[0]) == [] and len(asked) > 6

    def gone(camera: str) -> Frame:
        now[0] += 0.5
        raise CameraTrouble("missing", "/dev/video7: there is none")

    (said,) = look(["left"], gone, "bench", lambda: now[0])
    assert (said.code, said.seen) == ("camera_missing", "/dev/video7: there is none")
    assert "cell setup bench" in said.do[0] and said.severity == "error"


def test_each_camera_finding_says_what_to_do() -> None:
    for code in FAULTS.values():
        assert FINDINGS[code].do and FINDINGS[code].why, code
