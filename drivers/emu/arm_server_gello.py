"""A GELLO robot node played: ``python -m drivers.emu.arm_server_gello --port 6001``.

REP socket, pickles. It is as trusting as the real one, so it listens on loopback only.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import threading
import time
from typing import Any, Final

import numpy as np
import zmq

from drivers.emu.arm_server import DumbArm

POLL_MS: Final = 50
SLOW_S: Final = 0.2


class _Evil:
    """A pickle that runs a command where it is loaded without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return (os.system, ("false",))


class GelloNode:
    """Serves one arm until closed."""

    def __init__(self, arm: DumbArm, port: int = 0) -> None:
        self.arm = arm
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        if port:
            self._socket.bind(f"tcp://127.0.0.1:{port}")
        else:
            port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self.port = port
        self._closing = threading.Event()

    def serve(self) -> None:
        while not self._closing.is_set():
            if self._socket.poll(POLL_MS):
                self._serve_one()
        self._socket.close(0)
        self._context.term()

    def close(self) -> None:
        self._closing.set()

    def _serve_one(self) -> None:
        request = pickle.loads(self._socket.recv())  # As the real one does. Loopback only.
        method, args = request.get("method"), request.get("args", {})
        trouble = self.arm.trouble
        while self.arm.trouble == "silent" and not self._closing.is_set():
            time.sleep(0.01)
        if trouble == "slow":
            time.sleep(SLOW_S)
        self._socket.send(self._answer(method, args, trouble))

    def _answer(self, method: str, args: dict[str, Any], trouble: str) -> bytes:
        row = np.array(self.arm.positions())
        match trouble:
            case "garbage":
                return b"\x80\x04\xff\xfe garbage"
            case "evil":
                return pickle.dumps(_Evil())
            case "error":
                return pickle.dumps({"error": "Robot communication failed: test"})
            case "nan":
                row[0] = np.nan
            case "short":
                row = row[:-1]
        match method:
            case "num_dofs":
                return pickle.dumps(len(row))
            case "get_joint_state":
                return pickle.dumps(row)
            case "get_observations":
                return pickle.dumps({"joint_positions": row, "gripper_position": row[-1]})
            case "command_joint_state":
                self.arm.go(args["joint_state"])
                return pickle.dumps(None)
        raise NotImplementedError(method)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drivers.emu.arm_server_gello")
    parser.add_argument("--port", type=int, default=6001)
    parser.add_argument("--start", default="0,0,0,0,0,0,0", help="joints (rad), then the gripper")
    args = parser.parse_args(argv)
    node = GelloNode(DumbArm([float(v) for v in args.start.split(",")]), args.port)
    sys.stderr.write(f"a GELLO robot node on tcp://127.0.0.1:{node.port}\n")
    try:
        node.serve()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
