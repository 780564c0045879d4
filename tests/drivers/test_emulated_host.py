"""A whole emulated cell: real driver code, its bus over a pseudo-terminal, the emulator process."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hosts import cells_folder, until

import drivers
from drivers.client import CellClient
from drivers.emu.fault_socket import FaultClient
from drivers.errors import CellRefused
from drivers.spawn import ensure_host

CELL = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"


@pytest.mark.slow
def test_jogged_streamed_unplugged_in_motion_and_back() -> None:
    with cells_folder() as runtime:
        host = ensure_host(CELL, "emu", "test", runtime, timeout_s=60.0)
        client = CellClient("emu", who="ann", runtime=runtime)
        arm = client.info.arms[0]

        def ready() -> bool:
            # A computer that was too busy for the bus for 100 ms has stopped the arm.
            if client.status().state == "PSTOP":
                with contextlib.suppress(CellRefused):
                    client.ack_stop("ann")
            return client.status().state == "HOLD"

        until(ready, "adopted")
        assert client.info.kind == "emulated" and "emulated" in client.info.brands
        assert len(client.status().arms[0].age_s) == len(arm.joints) + 1
        start = client.status().arms[0].q_rad[0]
        client.jog(arm.name, -0.1, joint=arm.joints[0].name, valid_for_ms=2000)
        until(lambda: client.status().arms[0].q_rad[0] < start - 0.08, "it moves over the bus")
        until(ready, "the step is made")
        with FaultClient(host.paths.folder / "fault.sock") as faults:
            goals = faults.ask(do="goals")["arms"][arm.name]["servos"]["1"]["goals"]
            assert goals > 5, "every goal is in the register log"
            client.jog(arm.name, 0.2, joint=arm.joints[0].name, valid_for_ms=2000)
            until(lambda: client.status().state == "RUN", "in motion")
            faults.inject("unplug")
            until(lambda: client.status().state == "LOST", "the plug is missed")
            with pytest.raises(CellRefused, match="LOST"):
                client.jog(arm.name, 0.1, joint=arm.joints[0].name)
            faults.inject("replug")
            until(lambda: client.status().state == "PSTOP", "it is back, and waits")
            at = client.status().arms[0].q_cmd_rad
            until(ready, "acknowledged")
            assert client.status().arms[0].q_cmd_rad == at, "adopted without motion"
        client.close()
