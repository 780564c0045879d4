"""The two examples of the protocol's page: each speaks to our other side, and to the other."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from far import KINEMATIC, Far, four_free_ports, served, write_reference
from hosts import cells_folder, until
from stand import smooth

from drivers.address import address_of
from drivers.client import CellClient, StateStream, hold_now
from drivers.errors import CellRefused
from drivers.keys import make_keys
from drivers.meeting import met

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def run_client(near: Path, port: int) -> str:
    done = subprocess.run(
        [
            *(sys.executable, str(EXAMPLES / "cell_client.py"), "127.0.0.1", str(port)),
            *(str(near / "keys" / "far.key"), str(near / "keys" / "ann.operator.key_secret")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def example_server() -> Iterator[Far]:
    with cells_folder() as near:
        port = four_free_ports()
        host = make_keys(near / "host")
        make_keys(near / "keys", "ann", "operator")
        known = near / "host" / "authorized"
        known.mkdir()
        (known / "ann.key").write_bytes((near / "keys" / "ann.operator.key").read_bytes())
        (near / "keys" / "far.key").write_bytes((near / "host" / "host.key").read_bytes())
        command = [sys.executable, str(EXAMPLES / "arm_server.py"), str(KINEMATIC), str(port)]
        process = subprocess.Popen([*command, str(host), str(known)])
        write_reference(near, port)
        yield Far(near, near, port, process)
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[Far]:
    with example_server() as far:
        met(far.reference, far.near)
        yield far


@pytest.fixture
def ann(server: Far) -> Iterator[CellClient]:
    client = CellClient("far", who="ann", runtime=server.near)
    client.resume("ann")
    yield client
    client.close()


def test_the_example_client_moves_a_cell_of_ours() -> None:
    with served() as far:
        said = run_client(far.near, far.port).split()
        assert said[0] == "OK" and float(said[1]) == pytest.approx(0.1, abs=0.01)


def test_the_example_client_moves_the_example_server(server: Far) -> None:
    client = CellClient("far", who="ann", runtime=server.near)
    before = client.status().arms[0].q_rad[0]
    client.resume("ann")
    said = run_client(server.near, server.port).split()
    assert said[0] == "OK" and float(said[1]) == pytest.approx(before + 0.1, abs=1e-6)
    assert client.status().held
    client.close()


def test_our_console_sees_moves_and_stops_the_example_server(server: Far, ann: CellClient) -> None:
    stream = StateStream("far", server.near)
    until(lambda: (s := stream.wait(0.2)) and s.status.arms[0].q_rad, "its state is seen")
    held = list(ann.status().arms[0].q_cmd_rad)
    assert ann.execute("left", smooth(held, [0.4, *held[1:]], 1.0)).status == "OK"
    assert ann.status().arms[0].q_rad[0] == pytest.approx(0.4)
    assert hold_now("far", "pedal", "pedal", server.near, timeout_s=5.0) > 0.0
    until(lambda: (s := stream.wait(0.2)) and s.status.held and s.status.who == "pedal", "held")
    stream.close()


def test_the_example_server_refuses_what_an_arm_must_not_do(server: Far, ann: CellClient) -> None:
    held = list(ann.status().arms[0].q_cmd_rad)
    with pytest.raises(CellRefused, match="leave its range"):
        ann.execute("left", smooth(held, [3.0, *held[1:]], 1.0))
    with pytest.raises(CellRefused, match="does not begin"):
        ann.execute("left", smooth([1.0, 0.0, 0.0], [1.1, 0.0, 0.0], 1.0))
    with pytest.raises(CellRefused, match="not offered"):
        ann.grip("left", 0.01, 1.0)
    bob = CellClient("far", who="bob", runtime=server.near)
    with pytest.raises(CellRefused, match="not now"):
        bob.execute("left", smooth(held, held, 1.0))
    bob.close()


def test_the_example_server_holds_when_its_owner_falls_silent(server: Far, ann: CellClient) -> None:
    held = list(ann.status().arms[0].q_cmd_rad)
    goal = held[0] - 0.5
    ann._own()
    ann._heartbeat.close()  # type: ignore[union-attr]
    came: list[str] = []

    def move() -> None:
        came.append(ann.execute("left", smooth(held, [goal, *held[1:]], 2.0)).status)

    mover = threading.Thread(target=move)
    mover.start()
    stream = StateStream("far", server.near)  # Asking ann's client would be a sign of life.
    until(lambda: (x := stream.wait(0.2)) and x.status.who == "watchdog", "it is held")
    stream.close()
    assert ann.status().held and held[0] >= ann.status().arms[0].q_rad[0] > goal
    ann.abort("ann")
    mover.join(20.0)
    assert came == ["STOPPED"]


def test_garbage_does_not_end_the_example_server(server: Far, ann: CellClient) -> None:
    address = address_of("far", server.near)
    rude = zmq.Context.instance().socket(zmq.DEALER)
    rude.linger = 0
    address.prepare(rude)
    rude.connect(address.ctl)
    for raw in (b"", b"\xff", b"\xc1" * 99, msgspec.msgpack.encode({"id": 3}), b"\x90", b"\x01"):
        rude.send(raw)
    rude.send_multipart([b"a", b"b", b"c"])
    assert rude.poll(5000)
    rude.close(0)
    assert ann.status().state == "HOLD"
