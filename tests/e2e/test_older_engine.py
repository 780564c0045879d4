"""An engine of another release over its socket: looked at, or left to its own command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.protocol import PROTO

STUB = """
import json, os, socket, struct, sys
proto, path = int(sys.argv[1]), sys.argv[2]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
print("ready", flush=True)
while True:
    one, _ = server.accept()
    head = one.recv(4, socket.MSG_WAITALL)
    asked = json.loads(one.recv(struct.unpack("<I", head)[0], socket.MSG_WAITALL))
    told = {"proto": proto, "release": f"{proto}.7", "command": "/opt/that/aspire-tui"}
    if asked["verb"] == "hello":  # an older minor tells less
        answer = {"id": asked["id"], "accepted": True, "data": told if proto else {}}
    else:
        ok = asked["proto"] == proto
        answer = {"id": asked["id"], "accepted": ok, "reason": "" if ok else "another protocol"}
    body = json.dumps(answer).encode()
    one.sendall(struct.pack("<I", len(body)) + body)
    one.close()
"""


@pytest.fixture
def engine_of(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A process that speaks another protocol at a socket."""
    running: list[subprocess.Popen[str]] = []

    def start(proto: int) -> EngineClient:
        path = tmp_path / f"{proto}.sock"
        command = [sys.executable, "-c", STUB, str(proto), str(path)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert running[-1].stdout is not None and running[-1].stdout.readline() == "ready\n"
        return EngineClient(path, "tester", 10.0)

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_an_older_minor_that_tells_less_is_attached_to(engine_of) -> None:  # type: ignore[no-untyped-def]
    met = engine_of(0).greet("0.1.0", "s1")
    assert met == (False, ""), "what is not told is what this release speaks"


def test_an_older_major_is_looked_at_and_refuses_what_it_does_not_know(  # type: ignore[no-untyped-def]
    engine_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aspire_tui.engine.client.PROTO", PROTO + 1)
    client = engine_of(PROTO)
    assert client.greet("2.0", "s1") == (True, "")
    reply = client.send("stop")
    assert not reply.accepted and reply.reason == "another protocol"


def test_a_newer_major_is_left_to_its_own_command(engine_of) -> None:  # type: ignore[no-untyped-def]
    met = engine_of(PROTO + 1).greet("0.1.0", "s1")
    assert met.read_only
    assert "attach with: /opt/that/aspire-tui attach s1" in met.refused
