"""A host whose arm is on a serial line: what is wrong there, and what a person does about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import cells_folder, until
from sts_process import EmulatedBus, hardware_cell
from test_findings import calibrate, listed_on

from drivers.client import CellClient
from drivers.errors import CellRefused
from drivers.spawn import ensure_host

SEVERE = ("error", "warn")


@pytest.fixture
def runtime() -> Iterator[Path]:
    with cells_folder() as folder:
        yield folder


def hosted(bus: EmulatedBus, runtime: Path) -> CellClient:
    calibrate(bus.folder)
    ensure_host(hardware_cell(bus.folder, bus.port), "bench-so101", "test", runtime)
    return CellClient("bench-so101", who="ann", runtime=runtime)


def enabled(client: CellClient) -> None:
    def holds() -> bool:
        with contextlib.suppress(CellRefused):
            if client.status().state == "PSTOP":
                client.ack_stop("ann")
            client.enable("ann")
        return client.status().state == "HOLD"

    until(holds, "the drives are on")


def test_a_broken_cable_at_opening_is_read_through_the_host_and_mended(
    emulated: EmulatedBus, runtime: Path
) -> None:
    emulated.inject("cable", servo=3)
    section = calibrate(emulated.folder)
    alone = {f.code: (f.severity, f.seen) for f in listed_on(emulated, section)}
    client = hosted(emulated, runtime)
    told = {f.code: (f.severity, f.seen) for f in client.findings()}
    assert told["ids_missing"] == alone["ids_missing"]
    noisy = {"bus_slow", "bus_errors"}
    assert {c for c in told if told[c][0] in SEVERE} - noisy == {
        c for c in alone if alone[c][0] in SEVERE
    } - noisy
    status = client.status()
    assert status.state == "FAULT" and "no answer from 4" in status.cause
    with pytest.raises(CellRefused, match="clear the fault first"):
        client.enable("ann")
    client.clear_fault("ann")
    assert client.status().state == "FAULT", "nothing was mended"
    emulated.inject("mend")
    client.clear_fault("ann")
    assert client.status().state == "LIMP"
    assert "ids_missing" not in {f.code for f in client.findings()}
    client.close()


@pytest.mark.alone
def test_a_latency_timer_of_16_ms_is_a_slower_arm_with_a_warning(
    emulated: EmulatedBus, runtime: Path
) -> None:
    emulated.inject("latency", ms=16)
    client = hosted(emulated, runtime)
    warned = next(f for f in client.findings() if f.code == "bus_slow")
    assert warned.severity == "warn" and "controlled at" in warned.seen
    assert "latency timer" in warned.why and warned.do
    enabled(client)
    client.set_speed(1.0, "ann")
    arm = client.info.arms[0]
    start = client.status().arms[0].q_rad[0]

    def stepped() -> bool:
        enabled(client)
        with contextlib.suppress(CellRefused):
            client.jog(arm.name, -0.05, joint=arm.joints[0].name, valid_for_ms=2000)
        return client.status().arms[0].q_rad[0] < start - 0.04

    until(stepped, "it follows")
    goals = emulated.faults.ask(do="goals")["arms"]["arm"]["servos"]["1"]
    assert goals["outside"] == 0 and goals["goals"] > 3
    assert client.status().state != "LOST"
    client.close()


def test_a_person_guides_the_arm_by_hand_and_it_holds_where_they_left_it(
    emulated: EmulatedBus, runtime: Path
) -> None:
    client = hosted(emulated, runtime)
    enabled(client)
    client.hand_guide("arm", 30.0, "ann")
    assert client.status().state == "HAND_GUIDE"

    def torque() -> list[int]:
        servos = emulated.faults.ask(do="state")["arms"]["arm"]["servos"]
        return [servo["torque"] for servo in servos]

    until(lambda: torque() == [0, 0, 0, 0, 0, 1], "its strength fades; the gripper keeps hold")
    left_at = client.status().arms[0].q_rad
    client.hand_guide("arm", 0.0, "ann")
    until(lambda: client.status().state in ("HOLD", "PSTOP"), "it holds again")
    assert torque() == [1] * 6
    sample = client.status().arms[0]
    assert sample.q_cmd_rad == pytest.approx(left_at, abs=0.01), "where it was left"
    client.close()


def test_a_brown_out_in_motion_stops_the_arm_and_switches_nothing_on_again(
    emulated: EmulatedBus, runtime: Path
) -> None:
    client = hosted(emulated, runtime)
    enabled(client)
    arm = client.info.arms[0]
    client.jog(arm.name, -0.2, joint=arm.joints[0].name, valid_for_ms=2000)
    until(lambda: client.status().state == "RUN", "it moves")
    emulated.inject("brown_out", seconds=0.1)
    until(lambda: client.status().state in ("PSTOP", "LOST"), "it is noticed")
    # A goal alone would switch a servo on, wherever it has sunk to.
    until(lambda: client.status().state == "PSTOP", "they answer again")
    seen = client.ticks()
    until(lambda: client.ticks() > seen + 50, "half a second goes by")
    servos = emulated.faults.ask(do="state")["arms"]["arm"]["servos"]
    assert [servo["torque"] for servo in servos] == [0] * 6
    with pytest.raises(CellRefused):
        client.ack_stop("ann")
        client.jog(arm.name, 0.1, joint=arm.joints[0].name)
    assert client.status().cause == "arm shoulder_pan: restarted: its torque is off"
    assert len([a for a in client.status().alarms if "restarted: its torque is off" in a]) == 6
    client.close()
