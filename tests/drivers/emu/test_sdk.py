"""The vendor's own client on the emulated bus, in another process, over a pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from emulator import IDS, Running, Sdk


def test_an_unmodified_client_pings_reads_and_writes(start: Callable[..., Running]) -> None:
    running = start("--pose", "2048,2000,2100,1500,3000,1000")
    sdk = Sdk(running.link)
    assert [sdk.ping(n) for n in IDS] == [777] * 6
    assert sdk.ping(7, tries=1) is None
    assert [sdk.read(n, 56) for n in IDS] == [2048, 2000, 2100, 1500, 3000, 1000]
    group = sdk.sync_read(56, 15)
    assert [group.getData(n, 56, 2) for n in IDS] == [2048, 2000, 2100, 1500, 3000, 1000]
    assert [group.getData(n, 62, 1) for n in IDS] == [120] * 6
    # A SYNC_WRITE is not answered; the goals are read back and the servos go there.
    goals = {n: 2000 + 50 * n for n in IDS}
    sdk.sync_goals(goals)
    assert {n: sdk.read(n, 42) for n in IDS} == goals
    assert [sdk.read(n, 40, 1) for n in IDS] == [1] * 6
    for _ in range(400):
        group = sdk.sync_read(56, 2)
        if all(abs(group.getData(n, 56, 2) - goals[n]) <= 3 for n in IDS):
            break
    assert {n: group.getData(n, 56, 2) for n in IDS} == pytest.approx(goals, abs=3)
    sdk.close()


def test_a_packet_written_for_later_waits_for_its_action(start: Callable[..., Running]) -> None:
    running = start()
    sdk = Sdk(running.link)
    assert sdk.ping(2) == 777
    sdk.packets.regWriteTxRx(sdk.port, 2, 42, 2, [0x34, 0x08])
    assert sdk.read(2, 42) == 2048
    assert sdk.read(2, 64, 1) == 1
    sdk.packets.action(sdk.port, 0xFE)
    assert sdk.read(2, 42) == 0x834
    sdk.close()


def test_a_changed_id_answers_under_the_old_one_first(start: Callable[..., Running]) -> None:
    running = start()
    sdk = Sdk(running.link)
    assert sdk.ping(3) == 777
    sdk.write(3, 55, 0, 1)
    sdk.packets.write1ByteTxRx(sdk.port, 3, 5, 9)
    assert sdk.ping(9) == 777
    assert sdk.ping(3, tries=1) is None
    sdk.close()


def test_servos_are_silent_at_another_speed(start: Callable[..., Running]) -> None:
    running = start()
    sdk = Sdk(running.link, baud=500_000)
    assert sdk.ping(1, tries=2) is None
    running.faults.inject("baud", servo=4, baud=500_000)
    assert sdk.ping(4) == 777
    assert sdk.ping(1, tries=2) is None
    assert sdk.port.setBaudRate(128_000)
    running.faults.inject("baud", baud=128_000)
    assert sdk.ping(4) == 777
    sdk.close()


def test_the_next_client_finds_the_port_free(start: Callable[..., Running]) -> None:
    running = start()
    for _ in range(3):
        sdk = Sdk(running.link)
        sdk.port.ser.exclusive = True
        assert sdk.ping(1) == 777
        sdk.close()
