"""The stand-in's own socket."""

from __future__ import annotations

import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from scripted import cube, scene, yam

from drivers.errors import CellFault, CellRefused
from drivers.sim.control import Answer, StandInClient, serve
from drivers.sim.hosted import HostedWorld, open_world


class Ticks:
    """Stands for a host's loop: runs one request at a time on one thread's turn."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self.runs = 0

    def __call__(self, request: Callable[[], Answer]) -> Answer:
        with self._turn:
            self.runs += 1
            return request()


@pytest.fixture
def hosted() -> HostedWorld:
    return open_world(yam())


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "stand-in"


def test_a_client_resets_looks_and_rewinds_between_ticks(hosted: HostedWorld, path: Path) -> None:
    ticks = Ticks()
    server = serve(hosted.control, path, ticks)
    client = StandInClient(path)
    first = client.reset_scene(scene(cube()))
    assert client.reset_scene(scene(cube(), seed=2)) != first
    saved = client.snapshot()
    assert set(client.truth().objects) == {"red cube"}
    client.reset_scene(scene())
    assert client.truth().objects == {}
    client.restore(saved)
    assert (
        client.truth().objects["red cube"].xyz_m == hosted.control.truth().objects["red cube"].xyz_m
    )
    client.set_speed(5.0)
    assert hosted.control.speed == 5.0
    assert ticks.runs == 9
    assert (path.stat().st_mode & 0o777) == 0o600
    client.close()
    server.close()
    assert not path.exists()


def test_refusals_keep_their_class_and_the_connection(hosted: HostedWorld, path: Path) -> None:
    def busy() -> None:
        raise CellRefused("busy", "a motion is in flight")

    hosted.control.before_change = busy
    server = serve(hosted.control, path, Ticks())
    client = StandInClient(path)
    with pytest.raises(CellRefused, match="in flight"):
        client.reset_scene(scene())
    with pytest.raises(ValueError, match="speed"):
        client.set_speed(0.0)
    hosted.control.before_change = lambda: None
    with pytest.raises(ValueError, match="not a snapshot"):
        client.restore(b"\x00nonsense")
    assert client.truth().objects == {}
    client.close()
    server.close()


@pytest.mark.parametrize(
    "body", [b"", b"\xff" * 40, msgspec.msgpack.encode({"type": "truth", "more": 1})]
)
def test_garbage_is_answered_and_the_server_lives(
    hosted: HostedWorld, path: Path, body: bytes
) -> None:
    server = serve(hosted.control, path, Ticks())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.connect(str(path))
        raw.sendall(struct.pack(">I", len(body)) + body)
        (length,) = struct.unpack(">I", raw.recv(4))
        reply = msgspec.msgpack.decode(raw.recv(length), type=Answer)
        assert reply.code == "invalid"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.connect(str(path))
        raw.sendall(struct.pack(">I", 2**31))
        assert raw.recv(1) == b""
    client = StandInClient(path)
    assert client.truth().objects == {}
    client.close()
    server.close()


def test_a_gone_server_is_a_fault_that_names_the_socket(hosted: HostedWorld, path: Path) -> None:
    server = serve(hosted.control, path, Ticks())
    server.close()
    with pytest.raises(CellFault, match="stand-in"):
        StandInClient(path).truth()


def test_a_journal_restores_the_world_and_its_clock(hosted: HostedWorld) -> None:
    hosted.control.reset_scene(scene(cube()))
    hosted.advance(1.0)
    again = open_world(yam())
    again.restore(hosted.journal())
    assert again.clock() == hosted.clock() == 1.5
    assert again.control.truth().objects == hosted.control.truth().objects
    with pytest.raises(ValueError, match="not a snapshot"):
        again.restore(b"torn")
