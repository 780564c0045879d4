"""A YAM follower's portal server played: ``python -m drivers.emu.arm_server_portal --port 11333``.

Written from the published source of `portal` 3 with the standard library and msgpack's bytes by
msgspec. Like the real one it ends at a method it does not know.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import socket
import socketserver
import struct
import sys
import time
from typing import Any, Final

import msgspec

from drivers.emu.arm_server import DumbArm

HELLO: Final = b"portal_handshake"
SLOW_S: Final = 0.2


class PortalFollower(socketserver.ThreadingTCPServer):
    """Serves one arm on loopback; ``shutdown`` ends it."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, arm: DumbArm, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Talk)
        self.arm = arm
        self.port: int = self.server_address[1]
        self.unknown: list[str] = []
        self.talks: set[Any] = set()

    def hang_up(self) -> None:
        """Stop serving and cut whoever is connected, as a server that ends does."""
        self.shutdown()
        self.server_close()
        for connection in tuple(self.talks):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Talk(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, PortalFollower)
        server.talks.add(self.request)
        try:
            self._talk(server)
        finally:
            server.talks.discard(self.request)

    def _talk(self, server: PortalFollower) -> None:
        if self._take(len(HELLO)) != HELLO:
            return
        while True:
            head = self._take(8)
            body = self._take(int.from_bytes(head, "little")) if len(head) == 8 else b""
            if len(body) < 16:
                return
            number, name_size = body[:8], int.from_bytes(body[8:16], "little")
            method = body[16 : 16 + name_size].decode()
            said = self._answer(server, method, body[16 + name_size :])
            if said is None:
                return
            status, rest = said
            whole = number + status.to_bytes(8, "little") + rest
            if server.arm.trouble == "cut":
                whole, size = whole[: len(whole) // 2], len(whole)
                self.request.sendall(size.to_bytes(8, "little") + whole)
                return
            with contextlib.suppress(OSError):  # Who asked may be gone.
                self.request.sendall(len(whole).to_bytes(8, "little") + whole)

    def _answer(self, server: PortalFollower, method: str, tree: bytes) -> tuple[int, bytes] | None:
        arm = server.arm
        while arm.trouble == "silent":
            time.sleep(0.01)
        if arm.trouble == "slow":
            time.sleep(SLOW_S)
        if arm.trouble == "garbage":
            return 0, b"\xff" * 40
        if arm.trouble == "error":
            return 4, b"Error in server method: test"
        row = arm.positions()
        if arm.trouble == "nan":
            row[0] = float("nan")
        if arm.trouble == "short":
            row = row[:-1]
        match method:
            case "num_dofs":
                return 0, _tree([], "<i8", struct.pack("<q", len(row)))
            case "get_joint_pos":
                return 0, _row(row)
            case "command_joint_pos":
                arm.go(_doubles(tree))
                return 0, _packed(None, [["none"]], [b"\0"])
        server.unknown.append(method)
        server.shutdown()
        return None

    def _take(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            try:
                part: bytes = self.request.recv(size - len(got))
            except OSError:
                return b""
            if not part:
                return b""
            got += part
        return got


def _row(values: list[float]) -> bytes:
    return _tree([len(values)], "<f8", array.array("d", values).tobytes())


def _tree(shape: list[int], dtype: str, data: bytes) -> bytes:
    return _packed(None, [["array", shape, dtype]], [data])


def _packed(structure: Any, kinds: list[Any], leaves: list[bytes]) -> bytes:
    encode = msgspec.msgpack.encode
    parts = [encode(structure), encode(kinds), *leaves]
    sizes = b"".join(len(p).to_bytes(8, "little") for p in parts)
    return len(parts).to_bytes(8, "little") + sizes + b"".join(parts)


def _doubles(tree: bytes) -> list[float]:
    """The one row of float64 in a call's arguments: its last part."""
    count = int.from_bytes(tree[:8], "little")
    last = int.from_bytes(tree[8 * count : 8 * count + 8], "little")
    return array.array("d", tree[-last:]).tolist()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drivers.emu.arm_server_portal")
    parser.add_argument("--port", type=int, default=11333)
    parser.add_argument("--start", default="0,0,0,0,0,0,1", help="joints (rad), then the gripper")
    args = parser.parse_args(argv)
    server = PortalFollower(DumbArm([float(v) for v in args.start.split(",")]), args.port)
    sys.stderr.write(f"a YAM follower on tcp://127.0.0.1:{server.port}\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
