"""What people write first: a program in a subprocess, calls as JSON over a socket, and no bounds.

The baseline for attacks on whoever runs the program. ``python naive.py`` with an order on standard
input is the engine that such attacks may hurt; it says at its end what became of everything, and
when it says nothing it did not survive.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time

PRELUDE = """
import json, math, os, socket, struct, sys, time
import numpy as np
_rpc = socket.socket(fileno=3)
def _send(function, arguments):
    body = json.dumps({"t": "call", "n": 1, "f": function, "line": 1, "a": arguments}).encode()
    _rpc.sendall(struct.pack(">I", len(body)) + body)
def _call(function, **arguments):
    _send(function, arguments)
    size = struct.unpack(">I", _rpc.recv(4, socket.MSG_WAITALL))[0]
    return json.loads(_rpc.recv(size, socket.MSG_WAITALL))["v"]
def echo(value): return _call("echo", value=value)
def goto_pose(position, **more): return _call("goto_pose", position=position, **more)
def get_observation(): return _call("get_observation")
"""


class Bench:
    """Primitives by name, and by whatever other name somebody asks for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.odd = 0

    def echo(self, value: object = None, **more: object) -> object:
        self._note("echo", value, more)
        return value

    def goto_pose(self, position: object = None, **more: object) -> None:
        self._note("goto_pose", position, more)

    def get_observation(self) -> str:
        self._note("get_observation", None, {})
        return "x" * 300_000

    def shutdown(self, **more: object) -> None:
        """Nobody declared this one."""
        self._note("shutdown", None, {"undeclared": True})

    def _note(self, name: str, value: object, more: object) -> None:
        self.calls.append(name)
        text = json.dumps(value)
        self.odd += bool(more) or "NaN" in text or "Infinity" in text or len(text) > 1 << 20


def exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(1 << 20, size - len(data)))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def serve(order: dict) -> dict:
    ours, theirs = socket.socketpair()
    theirs.set_inheritable(True)
    program = f"import os; os.dup2({theirs.fileno()}, 3)\n" + PRELUDE + order["program"]
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=False,
        start_new_session=True,
    )
    theirs.close()
    bench, out, err, ended_at_call = Bench(), bytearray(), bytearray(), None
    streams = {child.stdout.fileno(): out, child.stderr.fileno(): err}
    open_ = {*streams, ours.fileno()}
    until = time.monotonic() + order["patience_s"]
    ended = False
    while not ended and time.monotonic() < until:
        for fd in select.select(list(open_), [], [], 0.05)[0]:
            if fd in streams:
                data = os.read(fd, 1 << 20)
                streams[fd] += data
                if not data:
                    open_.discard(fd)
                continue
            try:
                size = struct.unpack(">I", exactly(ours, 4))[0]
                frame = json.loads(exactly(ours, size))
            except (EOFError, ConnectionError):
                open_.discard(fd)
                continue
            if frame.get("t") == "end":
                ended_at_call = len(bench.calls)
                continue
            value = getattr(bench, frame["f"])(**frame["a"])
            body = json.dumps({"v": value}).encode()
            ours.sendall(struct.pack(">I", len(body)) + body)
        ended = child.poll() is not None and not open_ & set(streams)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    late = len(bench.calls) - ended_at_call if ended_at_call is not None else 0
    lines = err.decode("utf-8", "surrogateescape").strip().splitlines()
    return {
        "ended": ended,
        "stdout": out[: 64 << 20].decode("utf-8", "replace")[:200_000],
        "kept": len(out),
        "error": lines[-1] if lines else "",
        "calls": bench.calls,
        "odd": bench.odd,
        "late": late,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    order = json.loads(sys.stdin.read())
    if order["inside"]:  # the engine that runs programs in its own process
        exec(compile(order["program"], "<program>", "exec"), {})
        print(json.dumps({"ended": True}))
        return
    print(json.dumps(serve(order)))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
