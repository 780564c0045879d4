"""A bus without a process: bytes in, bytes out, on a clock that the test turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drivers.emu import answers  # noqa: F401  the catalogue
from drivers.emu.assembly import Owned, assemble, gears_of
from drivers.emu.faults import inject
from drivers.emu.rig import Rig
from drivers.emu.section import EmulatorSection
from drivers.emu.servo import Servo
from drivers.emu.shaft import FreeShafts

BAUD = 1_000_000


def told(servo_id: int, code: int, *params: int) -> bytes:
    """An instruction as bytes, written out by hand."""
    body = [servo_id, len(params) + 2, code, *params]
    return bytes([0xFF, 0xFF, *body, ~sum(body) & 0xFF])


def packets(data: bytes) -> list[tuple[int, int, bytes]]:
    """Well-formed status packets of a stream: id, error, parameters; anything else fails."""
    out = []
    while data:
        assert data[:2] == b"\xff\xff", data.hex()
        servo_id, length, error = data[2], data[3], data[4]
        body, data = data[2 : length + 4], data[length + 4 :]
        assert sum(body) & 0xFF == 0xFF, body.hex()
        out.append((servo_id, error, body[3:-1]))
    return out


class Bench:
    """Three servos with free shafts, at rest at 2048."""

    def __init__(self, folder: Path, **section: Any) -> None:
        self.section = EmulatorSection(**{"usb_latency_ms": 0.0, **section})
        self.plant = FreeShafts(3, gears_of(self.section))
        owned = [Owned(1), Owned(2), Owned(3)]
        line = assemble(self.section, "arm", folder / "bus0", self.plant.shafts, owned)
        self.rig = Rig([line], self.plant, 0.0)
        self.line, self.bus = line, line.bus

    def servo(self, servo_id: int) -> Servo:
        return self.bus.servos[servo_id - 1]

    def pass_time(self, seconds: float) -> None:
        end_s = self.rig.now_s + seconds
        while end_s - self.rig.now_s > 1 / 512:
            self.rig.advance_to(min(end_s, self.rig.now_s + 8.01 / 512))

    def ask(self, data: bytes, within_s: float = 0.03, baud: int = BAUD) -> bytes:
        """Send bytes; everything that comes back within a while."""
        self.bus.heard(data, self.rig.now_s, baud)
        out = b""
        for _ in range(int(within_s / 0.002)):
            self.pass_time(0.002)
            out += self.bus.wire.deliver(self.rig.now_s)
        return out

    def read(self, servo_id: int, address: int, count: int) -> bytes:
        ((who, _, data),) = packets(self.ask(told(servo_id, 2, address, count)))
        assert who == servo_id
        return data

    def position(self, servo_id: int) -> int:
        return int.from_bytes(self.read(servo_id, 56, 2), "little")

    def write(self, servo_id: int, address: int, *data: int) -> None:
        packets(self.ask(told(servo_id, 3, address, *data)))

    def goal(self, servo_id: int, ticks: int) -> None:
        self.write(servo_id, 42, ticks & 0xFF, ticks >> 8)

    def inject(self, name: str, **args: float | str) -> str:
        return inject(self.rig, name, args)

    def close(self) -> None:
        self.line.port.close()
