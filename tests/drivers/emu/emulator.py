"""A running emulator, and an independent client of its bus: the vendor's SDK, unmodified."""

from __future__ import annotations

import contextlib
import subprocess
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
    """``feetech-servo-sdk`` as anybody would use it. Retried, as its own examples do."""

    def __init__(self, link: Path, baud: int = 1_000_000) -> None:
        self.port = PortHandler(str(link))
        assert self.port.openPort() and self.port.setBaudRate(baud)
        self.packets = PacketHandler(0)

    def ping(self, servo_id: int, tries: int = 5) -> int | None:
        """The model, or None when nobody answers."""
        for _ in range(tries):
            model, result, _ = self.packets.ping(self.port, servo_id)
            if result == COMM_SUCCESS:
                return int(model)
        return None

    def read(self, servo_id: int, address: int, size: int = 2, tries: int = 5) -> tuple[int, int]:
        """Value and error byte."""
        call = {
            1: self.packets.read1ByteTxRx,
            2: self.packets.read2ByteTxRx,
        }[size]
        for _ in range(tries):
            value, result, error = call(self.port, servo_id, address)
            if result == COMM_SUCCESS:
                return value, error
        raise AssertionError(f"servo {servo_id} does not answer a read of {address}")

    def write(self, servo_id: int, address: int, value: int, size: int = 2) -> int:
        """Its result code; repeated while the answer is lost, as a write is idempotent."""
        call = {1: self.packets.write1ByteTxRx, 2: self.packets.write2ByteTxRx}[size]
        for _ in range(5):
            result, _ = call(self.port, servo_id, address, value)
            if result == COMM_SUCCESS:
                break
        return int(result)

    def sync_read(self, address: int, size: int, tries: int = 5) -> GroupSyncRead | None:
        group = GroupSyncRead(self.port, self.packets, address, size)
        for servo_id in IDS:
            group.addParam(servo_id)
        for _ in range(tries):
            if group.txRxPacket() == COMM_SUCCESS:
                return group
        return None

    def sync_goals(self, goals: dict[int, int]) -> None:
        group = GroupSyncWrite(self.port, self.packets, 42, 2)
        for servo_id, goal in goals.items():
            group.addParam(servo_id, [goal & 0xFF, goal >> 8])
        assert group.txPacket() == COMM_SUCCESS

    def close(self) -> None:
        self.port.closePort()
