"""The two examples of the protocol's page: each speaks to our other side, and to the other."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from far import Far, four_free_ports, served, write_reference
from hosts import cells_folder, until
from stand import smooth

from drivers.client import CellClient, StateStream, hold_now
from drivers.errors import CellFileError, CellRefused
from drivers.keys import make_keys
from drivers.meeting import met
from drivers.spawn import ensure_host

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
    with cells_folder() as near, cells_folder() as far:
        port, keys = four_free_ports(), far / "keys"
        make_keys(keys)
        make_keys(near / "keys", "ann", "operator")
        make_keys(near / "keys", "bob", "operator")
        (keys / "authorized").mkdir()
        for who in ("ann", "bob"):
            shutil.copy(near / "keys" / f"{who}.operator.key", keys / "authorized")
        shutil.copy(keys / "host.key", near / "keys" / "far.key")
        command = [sys.executable, str(EXAMPLES / "arm_server.py"), str(EXAMPLES / "arm.toml")]
        process = subprocess.Popen(
            [*command, f"127.0.0.1:{port}", str(keys)],
            env={**os.environ, "XDG_RUNTIME_DIR": str(far), "PYTHONPATH": str(EXAMPLES.parents[1])},
        )
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
    client.set_speed(1.0, "ann")
    yield client
    client.close()


def test_each_example_fits_on_a_page() -> None:
    for name in ("cell_client.py", "arm_server.py"):
        assert len((EXAMPLES / name).read_text().splitlines()) <= 40


def test_the_example_client_moves_a_cell_of_ours() -> None:
    with served() as far:
        said = run_client(far.near, far.port).split()
        assert said[0] == "OK" and float(said[1]) == pytest.approx(0.1, abs=0.01)


def test_the_example_client_moves_the_example_server(server: Far) -> None:
    ann = CellClient("far", who="ann", runtime=server.near)
    ann.resume("ann")
    before = ann.status().arms[0].q_rad[0]
    said = run_client(server.near, server.port).split()
    assert said[0] == "OK" and float(said[1]) == pytest.approx(before + 0.1, abs=0.02)
    assert ann.status().held
    ann.close()


def test_our_console_sees_moves_and_stops_the_example_server(server: Far, ann: CellClient) -> None:
    stream = StateStream("far", server.near)
    until(lambda: (s := stream.wait(0.2)) and s.status.arms[0].q_rad, "its state is seen")
    held = list(ann.status().arms[0].q_cmd_rad)
    assert ann.execute("left", smooth(held, [0.4, *held[1:]], 1.0)).status == "OK"
    assert ann.status().arms[0].q_rad[0] == pytest.approx(0.4, abs=0.02)
    assert ann.grip("left", 0.03, 5.0).status == "OK"
    assert hold_now("far", "pedal", "pedal", server.near, timeout_s=5.0) > 0.0
    until(lambda: (s := stream.wait(0.2)) and s.status.held and s.status.who == "pedal", "held")
    stream.close()


def test_the_example_server_refuses_what_an_arm_must_not_do(server: Far, ann: CellClient) -> None:
    held = list(ann.status().arms[0].q_cmd_rad)
    report = ann.execute("left", smooth(held, [3.0, *held[1:]], 1.0))
    assert report.status == "LIMIT" and "joint1" in report.detail
    assert ann.execute("left", smooth([1.0, 0.0, 0.0], [1.1, 0.0, 0.0], 1.0)).status == "INVALID"
    with pytest.raises(CellRefused, match="admin key"):
        ann.release_torque("ann")
    bob = CellClient("far", who="bob", runtime=server.near)
    with pytest.raises(CellRefused, match="ann"):
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


def test_a_cell_that_is_served_elsewhere_says_so_here() -> None:
    with cells_folder() as runtime, pytest.raises(CellFileError, match="the program that brings"):
        ensure_host(EXAMPLES / "arm.toml", "my-arm", "ann", runtime)
