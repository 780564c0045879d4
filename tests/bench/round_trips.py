"""Round trips of one small message between two processes, per transport; part of ``bench_host``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq

from tests.bench.figure import Figure

COMMAND = 'make bench ARGS="host echo"'
ROUNDS = 2000
MESSAGE = b"x" * 293

ECHO = """
import sys, zmq
endpoint, secret, public = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
socket = zmq.Context().socket(zmq.ROUTER)
if secret:
    socket.curve_secretkey, socket.curve_publickey, socket.curve_server = secret, public, True
socket.bind(endpoint)
print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
while True:
    socket.send_multipart(socket.recv_multipart())
"""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="rt") as folder:
        return [
            _measure("ipc", f"ipc://{Path(folder) / 'echo'}", curve=False),
            _measure("tcp", "tcp://127.0.0.1:*", curve=False),
            _measure("tcp + CURVE", "tcp://127.0.0.1:*", curve=True),
        ]


def _measure(name: str, endpoint: str, curve: bool) -> Figure:
    public, secret = zmq.curve_keypair() if curve else (b"", b"")
    command = [sys.executable, "-c", ECHO, endpoint, secret.decode(), public.decode()]
    echo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    context: zmq.Context[Any] = zmq.Context()
    try:
        assert echo.stdout is not None
        socket = context.socket(zmq.DEALER)
        if curve:
            mine, my_secret = zmq.curve_keypair()
            socket.curve_serverkey, socket.curve_publickey = public, mine
            socket.curve_secretkey = my_secret
        socket.connect(echo.stdout.readline().strip())
        took_us = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            socket.send(MESSAGE)
            socket.recv()
            took_us.append(1e6 * (time.perf_counter() - begun))
    finally:
        context.destroy(0)
        echo.kill()
        echo.wait()
    took_us.sort()
    p50, p99 = took_us[ROUNDS // 2], took_us[int(0.99 * ROUNDS)]
    value = f"p50 {p50:.0f}, p99 {p99:.0f} us, n={ROUNDS}"
    return Figure(f"ZeroMQ round trip, {len(MESSAGE)} bytes, {name}", "-", value, COMMAND)
