"""A running emulator, and an independent client of its bus: the vendor's SDK, unmodified."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scservo_sdk import (
    COMM_SUCCESS,
    GroupSyncRead,
    GroupSyncWrite,
    PacketHandler,
    PortHandler,
)

from drivers.emu.fault_socket import NAME, FaultClient

IDS = (1, 2, 3, 4, 5, 6)
TRIES = 20


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    said: dict[str, Any]
    folder: Path
    faults: FaultClient = field(init=False)

    def __post_init__(self) -> None:
        if self.said["ready"]:
            self.faults = FaultClient(self.folder / NAME)

    @property
    def link(self) -> Path:
        return self.folder / "bus0"

    def servos(self) -> list[dict[str, Any]]:
        servos: list[dict[str, Any]] = self.faults.ask(do="state")["arms"]["arm"]["servos"]
        return servos

    def close(self) -> None:
        if self.said["ready"]:
            with contextlib.suppress(OSError):
                self.faults.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)


class Sdk:
    """``feetech-servo-sdk`` as anybody would use it.

    It gives up on an answer after 34 ms of wall time, which a busy machine can take; an answer that
    comes later is taken for the next one. So every question is repeated, on an empty line.
    """

    def __init__(self, link: Path, baud: int = 1_000_000) -> None:
        self.port = PortHandler(str(link))
        assert self.port.openPort() and self.port.setBaudRate(baud)
        self.packets = PacketHandler(0)

    def ping(self, servo_id: int, tries: int = TRIES) -> int | None:
        """The model, or None when nobody answers."""

        def ask() -> tuple[int, int]:
            model, result, _ = self.packets.ping(self.port, servo_id)
            return model, result

        return self._repeat(ask, tries)

    def read(self, servo_id: int, address: int, size: int = 2) -> int:
        call = {1: self.packets.read1ByteTxRx, 2: self.packets.read2ByteTxRx}[size]

        def ask() -> tuple[int, int]:
            value, result, _ = call(self.port, servo_id, address)
            return value, result

        value = self._repeat(ask)
        assert value is not None, f"servo {servo_id} does not answer a read of {address}"
        return value

    def write(self, servo_id: int, address: int, value: int, size: int = 2) -> None:
        """Written and read back: the answer to a write may be lost, the write is not."""
        call = {1: self.packets.write1ByteTxRx, 2: self.packets.write2ByteTxRx}[size]
        call(self.port, servo_id, address, value)
        assert self.read(servo_id, address, size) == value

    def sync_read(self, address: int, size: int) -> GroupSyncRead:
        group = GroupSyncRead(self.port, self.packets, address, size)
        for servo_id in IDS:
            group.addParam(servo_id)
        assert self._repeat(lambda: (1, group.txRxPacket())) == 1
        return group

    def sync_goals(self, goals: dict[int, int]) -> None:
        group = GroupSyncWrite(self.port, self.packets, 42, 2)
        for servo_id, goal in goals.items():
            group.addParam(servo_id, [goal & 0xFF, goal >> 8])
        assert group.txPacket() == COMM_SUCCESS

    def close(self) -> None:
        self.port.closePort()

    def _repeat(self, ask: Callable[[], tuple[int, int]], tries: int = TRIES) -> int | None:
        for _ in range(tries):
            # The SDK takes the data of a reply apart without looking whether there is any.
            with contextlib.suppress(IndexError):
                value, result = ask()
                if result == COMM_SUCCESS:
                    return value
            self._empty()
        return None

    def _empty(self) -> None:
        """Hear the line out until it is quiet."""
        line = self.port.ser
        line.timeout = 0.05
        while line.read(256):
            pass
        line.timeout = 0
