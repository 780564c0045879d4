"""Servos as a table of bytes on a line without time: what the driver says, bit for bit.

Written from the protocol alone; shares nothing with the driver or the emulator.
"""

from __future__ import annotations

from collections.abc import Callable


class FakeServo:
    def __init__(self, servo: int) -> None:
        self.memory = bytearray(128)
        self.memory[0:2] = bytes((3, 10))
        self.memory[3:5] = (777).to_bytes(2, "little")
        self.memory[5] = servo
        self.memory[8] = 1
        self.memory[11:13] = (4095).to_bytes(2, "little")
        self.memory[13:16] = bytes((70, 140, 40))
        self.memory[16:18] = (1000).to_bytes(2, "little")
        self.memory[42:44] = (2048).to_bytes(2, "little")
        self.memory[48:50] = (1000).to_bytes(2, "little")
        self.memory[55] = 1
        self.memory[56:58] = (2048).to_bytes(2, "little")
        self.memory[62:64] = bytes((120, 30))
        self.silent = False

    def word(self, address: int) -> int:
        return int.from_bytes(self.memory[address : address + 2], "little")

    def put(self, address: int, value: int) -> None:
        self.memory[address : address + 2] = value.to_bytes(2, "little")


class FakeLine:
    """Implements ``drivers.feetech.link.Link``; time passes only while somebody waits."""

    def __init__(self, ids: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> None:
        self.now_s = 0.0
        self.servos = {servo: FakeServo(servo) for servo in ids}
        self.writes: list[tuple[int, int, bytes]] = []
        """Servo, address, data of everything that was ever written."""
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer
        self.after_write: Callable[[int, int, bytes], None] = lambda *_: None
        self.echo = False
        self._out = b""

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def send(self, data: bytes) -> None:
        self.now_s += 1e-5 * len(data)
        assert data[:2] == b"\xff\xff" and data[3] == len(data) - 4
        assert ~sum(data[2:-1]) & 0xFF == data[-1], "a wrong checksum was sent"
        if self.echo:
            self._out += data
        servo, code, params = data[2], data[4], data[5:-1]
        if code == 0x01:
            asked = self.servos if servo == 0xFE else [servo]
            for each in asked:
                self._answer(each, b"")
        elif code == 0x02:
            self._answer(servo, self._read(servo, params[0], params[1]))
        elif code == 0x03:
            if self._write(servo, params[0], params[1:]):
                self._answer(servo, b"")
        elif code == 0x82:
            for each in params[2:]:
                self._answer(each, self._read(each, params[0], params[1]))
        elif code == 0x83:
            address, size = params[0], params[1]
            rows = params[2:]
            for i in range(0, len(rows), size + 1):
                self._write(rows[i], address, rows[i + 1 : i + 1 + size])
        else:
            raise AssertionError(f"instruction {code} is not for this driver")

    def receive(self, until_s: float) -> bytes:
        came, self._out = self._out, b""
        if not came:
            self.now_s = max(self.now_s, until_s)
        self.now_s += 1e-5 * len(came)
        return came

    def discard(self) -> bytes:
        came, self._out = self._out, b""
        return came

    def close(self) -> None:
        self._out = b""

    def _read(self, servo: int, address: int, count: int) -> bytes:
        one = self.servos.get(servo)
        return bytes(one.memory[address : address + count]) if one else b""

    def _write(self, servo: int, address: int, data: bytes) -> bool:
        one = self.servos.get(servo)
        if one is None or one.silent:
            return False
        self.writes.append((servo, address, bytes(data)))
        one.memory[address : address + len(data)] = data
        self.after_write(servo, address, bytes(data))
        return one.memory[8] == 1

    def _answer(self, servo: int, params: bytes) -> None:
        one = self.servos.get(servo)
        if one is None or one.silent:
            return
        body = bytes((servo, len(params) + 2, one.memory[65])) + params
        self._out += self.spoil(b"\xff\xff" + body + bytes((~sum(body) & 0xFF,)))
