"""A whole emulated cell: real driver code, its bus over a pseudo-terminal, the emulator process."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import cells_folder, two_armed_cell, until
from stand import smooth
from test_hostile import Hostiles, hostile

import drivers
from drivers.address import local
from drivers.client import CellClient
from drivers.emu.fault_socket import FaultClient
from drivers.errors import CellRefused
from drivers.spawn import ensure_host
from drivers.types import ArmSample, Trajectory

CELL = Path(drivers.__file__).parent / "cells" / "so101-emulated.toml"


def garbage_to(folder: Path) -> None:
    """Into the sockets that speak no cell/1: the emulator's own, and the bench's."""
    for name in ("fault.sock", "sim"):
        for junk in (b"\xff\x00 nonsense\n[]\n{}\n", b"\0" * 100_000, b"\xff" * 5_000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
                door.connect(str(folder / name))
                with contextlib.suppress(OSError):  # it may hang up on what is too long
                    door.sendall(junk)


def in_a_hostile_stream(
    client: CellClient, faults: FaultClient, runtime: Path, ready: Callable[[], bool]
) -> None:
    """Through the socket: a legal step is followed on the bus, and no goal leaves the limits."""
    arm = client.info.arms[0]
    first = arm.joints[0].name
    messages = hostile(client._sess, client.lease, 2**62, arm.name, len(arm.joints), first)
    with Hostiles(local("emu", runtime).ctl, messages) as flood:
        until(ready, "it may move")
        wanted = client.status().arms[0].q_cmd_rad[0] + 0.1

        def made() -> bool:
            # Stopped on the way by a busy computer, the rest of the step is asked for again.
            left = wanted - client.status().arms[0].q_cmd_rad[0]
            if ready() and abs(left) > 0.002:
                with contextlib.suppress(CellRefused):
                    client.jog(arm.name, left, joint=first, valid_for_ms=2000)
                return False
            return ready()

        garbage_to(local("emu", runtime).paths.folder)
        until(made, "the step is made")
        until(lambda: flood.sent > 500, "it was hostile enough")
        assert client.status().arms[0].q_rad[0] == pytest.approx(wanted, abs=math.radians(2.0))
    log = faults.ask(do="goals")["arms"][arm.name]["servos"].values()
    assert sum(servo["outside"] for servo in log) == 0


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
            in_a_hostile_stream(client, faults, runtime, ready)
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


@pytest.mark.alone
def test_two_arms_on_two_buses_move_at_once_and_stop_together(tmp_path: Path) -> None:
    """Each line takes a third of a control period: they have to answer at the same time."""
    with cells_folder() as runtime:
        host = ensure_host(two_armed_cell(tmp_path), "two", "test", runtime, timeout_s=60.0)
        client = CellClient("two", who="ann", runtime=runtime)

        def ready() -> bool:
            if client.status().state == "PSTOP":
                with contextlib.suppress(CellRefused):
                    client.ack_stop("ann")
            return client.status().state == "HOLD"

        def asked() -> dict[str, Trajectory]:
            held = {a.name: list(s.q_cmd_rad) for a, s in zip(arms, sampled(), strict=True)}
            return {n: smooth(q, [wanted, *q[1:]], 1.5) for n, q in held.items()}

        def sampled() -> tuple[ArmSample, ...]:
            return client.status().arms

        arms, wanted = client.info.arms, 0.2
        until(ready, "adopted")
        client.set_speed(1.0, "ann")

        def made() -> bool:
            # Stopped on the way by a busy computer, the rest of the way is asked for again.
            if not ready():
                return False
            with contextlib.suppress(CellRefused):
                return {r.status for r in client.execute_together(asked()).values()} == {"OK"}
            return False

        until(made, "both arrive", within_s=60.0)
        assert [s.q_rad[0] for s in sampled()] == pytest.approx([wanted] * 2, abs=0.05)
        with FaultClient(host.paths.folder / "fault.sock") as faults:
            faults.inject("unplug", arm="right")
            until(lambda: client.status().state == "LOST", "one is lost")
            assert "bus1" in client.status().cause, "and it is told which"
            faults.inject("replug", arm="right")
            until(lambda: client.status().state == "PSTOP", "back, and it waits")
        client.close()
