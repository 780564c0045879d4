"""Real host processes over real sockets, with a kinematic world."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from hosts import cells_folder, until
from stand import smooth

from drivers.address import Address, local, remote
from drivers.cellfile import load_cell
from drivers.client import CellClient, StateStream, StopClient, hold_now
from drivers.errors import CellFault, CellFileError, CellRefused
from drivers.findings import FINDINGS
from drivers.keys import load_keys, make_keys
from drivers.runtime_dir import RuntimeDirError, cell_paths, runtime_dir
from drivers.spawn import RunningHost, ensure_host, running_host
from drivers.types import Trajectory
from drivers.wire import MAX_MESSAGE, Ping, Request, decode_reply, encode

CELL = Path(__file__).parent / "kinematic.toml"


@pytest.fixture
def runtime() -> Iterator[Path]:
    with cells_folder() as folder:
        yield folder


@pytest.fixture
def host(runtime: Path) -> RunningHost:
    """A host of the test's own, to be killed."""
    return ensure_host(CELL, "kin", "test", runtime)


@pytest.fixture
def client(host: RunningHost, runtime: Path) -> Iterator[CellClient]:
    client = CellClient("kin", who="ann", runtime=runtime)
    yield client
    client.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Path]:
    """A host that the tests share, somewhat faster than the wall clock; its runtime folder."""
    with cells_folder() as folder:
        ensure_host(CELL, "kin", "test", folder, speed=3.0)
        yield folder


@pytest.fixture
def ann(bench: Path) -> Iterator[CellClient]:
    client = CellClient("kin", who="ann", runtime=bench)
    client.resume("ann")
    client.set_speed(1.0, "ann")
    yield client
    client.close()


def away(client: CellClient, goal: float = 1.0, duration_s: float = 3.0) -> Trajectory:
    held = list(client.status().arms[0].q_cmd_rad)
    return smooth(held, [goal, *held[1:]], duration_s)


@contextlib.contextmanager
def moving(client: CellClient, duration_s: float = 3.0) -> Iterator[list[object]]:
    """A motion in flight on another thread; what came of it is in the list afterwards."""
    outcome: list[object] = []

    def move() -> None:
        try:
            held = client.status().arms[0].q_cmd_rad[0]
            goal = -1.0 if held > 0.0 else 1.0
            outcome.append(client.execute("left", away(client, goal, duration_s)))
        except (CellFault, CellRefused) as error:
            outcome.append(error)

    thread = threading.Thread(target=move)
    thread.start()
    until(lambda: client.status().state == "RUN", "the motion starts")
    yield outcome
    thread.join(30.0)
    assert not thread.is_alive()


def test_motions_grips_waits_and_records(ann: CellClient) -> None:
    before = ann.now_s()
    report = ann.execute("left", away(ann, 0.5, 1.0))
    assert report.status == "OK" and report.q_reached_rad[0] == pytest.approx(0.5, abs=0.01)
    assert ann.grip("left", 0.02, 5.0).width_m == pytest.approx(0.02, abs=0.002)
    ann.wait(0.1)
    log = ann.samples("left", before)
    assert log.q_rad.shape == (len(log.t_s), 3) and len(log.t_s) > 100
    assert (log.t_s[1:] > log.t_s[:-1]).all()
    assert ann.status().lease == "ann"
    events = ann.events()
    assert [e.seq for e in events] == list(range(1, len(events) + 1))


def test_samples_longer_than_a_message_come_in_pages(ann: CellClient) -> None:
    until(lambda: ann.now_s() > 9.0, "enough samples", 30.0)
    log = ann.samples("left", 0.0)
    assert len(log.t_s) > 800 and (log.t_s[1:] > log.t_s[:-1]).all()


def test_a_refused_trajectory_is_a_report_and_nothing_moves(ann: CellClient) -> None:
    before = ann.status().arms[0].q_cmd_rad
    assert ann.execute("left", away(ann, 3.0)).status == "LIMIT"
    assert ann.execute("left", away(ann, float("nan"))).status == "INVALID"
    crooked = Trajectory(away(ann).t_s, away(ann).q_rad[:5], away(ann).dq_rad_s)
    assert ann.execute("left", crooked).status == "INVALID"
    assert ann.execute("left", smooth([0.0, 0.0], [0.1, 0.1], 1.0)).status == "INVALID"
    assert ann.grip("left", float("nan"), 5.0).status == "INVALID"
    assert ann.status().arms[0].q_cmd_rad == before


def test_a_picture_is_newer_than_the_request_and_the_motion(ann: CellClient) -> None:
    report = ann.execute("left", away(ann, 0.5, 0.7))
    asked_s = ann.now_s()
    frame = ann.frame("scene")
    assert frame.t_s >= asked_s and frame.t_s >= report.ended_s
    assert frame.rgb.shape == (24, 32, 3) and frame.depth is not None
    assert ann.glance("scene").seq > frame.seq
    with pytest.raises(KeyError, match="it has scene"):
        ann.frame("attic")


def test_the_camera_process_is_started_again(client: CellClient, host: RunningHost) -> None:
    client.frame("scene")
    children = Path(f"/proc/{host.pid}/task/{host.pid}/children")
    (camera,) = (int(pid) for pid in children.read_text().split())
    os.kill(camera, signal.SIGKILL)
    until(lambda: str(camera) not in children.read_text().split(), "the host notices")
    assert client.frame("scene").rgb.shape == (24, 32, 3)
    assert client.status().state == "HOLD"


def test_hold_resume_and_abort_from_elsewhere(ann: CellClient, bench: Path) -> None:
    with moving(ann) as outcome:
        hold_now("kin", "bob", "looked odd", bench)
        status = ann.status()
        assert (status.state, status.held, status.who) == ("HOLD", True, "bob")
        ann.resume("ann")
        until(lambda: ann.status().state == "RUN", "it goes on")
    (report,) = outcome
    assert report.status == "OK" and report.held_s > 0.0  # type: ignore[attr-defined]
    with moving(ann) as outcome:
        ann.abort("ann")
    assert outcome[0].status == "STOPPED"  # type: ignore[attr-defined]


OWNER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from stand import smooth
from drivers.client import CellClient
client = CellClient("kin", who="doomed", runtime=Path(sys.argv[2]))
client.execute("left", smooth([0.0] * 3, [1.0, 0.0, 0.0], 60.0))
"""


def test_a_killed_client_leaves_the_cell_in_hold(client: CellClient, runtime: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(Path(__file__).parent), str(runtime)]
    owner = subprocess.Popen(command)
    until(lambda: client.status().state == "RUN", "the motion starts")
    owner.kill()
    owner.wait()
    until(lambda: client.status().held, "the watchdog holds")
    assert client.status().who == "watchdog" and "doomed" in client.status().cause
    until(lambda: client.status().lease is None, "the lease ends")
    frozen = client.status().arms[0].q_cmd_rad
    client.resume("ann")
    until(lambda: not client.status().held, "resumed")
    assert client.status().state == "HOLD", "the motion died with its owner"
    assert client.execute("left", away(client, frozen[0] - 0.1, 1.0)).status == "OK"


def flood(endpoint: str, stop: threading.Event, raw: bytes) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.SNDHWM, 100)
    socket.connect(endpoint)
    while not stop.is_set():
        with contextlib.suppress(zmq.Again):
            socket.send(raw, zmq.NOBLOCK)
            while True:
                socket.recv(zmq.NOBLOCK)
    context.destroy(0)


def test_stop_and_motion_get_through_a_flood(ann: CellClient, bench: Path) -> None:
    stop = threading.Event()
    raw = encode(Request("f", "viewer", "mallory", Ping()))
    thread = threading.Thread(target=flood, args=(local("kin", bench).ctl, stop, raw))
    thread.start()
    try:
        with moving(ann, 3.0) as outcome:
            pass
        assert outcome[0].status == "OK", "the owner is still heard"  # type: ignore[attr-defined]
        with moving(ann, 3.0):
            assert hold_now("kin", "bob", "flooded", bench, timeout_s=5.0) > 0.0
            until(lambda: ann.status().held, "held")
            ann.abort("ann")
    finally:
        stop.set()
        thread.join()


def test_a_peer_that_says_too_much_is_told_so(ann: CellClient, bench: Path) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(local("kin", bench).ctl)
    raw = encode(Request("f", "viewer", "mallory", Ping()))
    codes = set()
    for _ in range(900):
        socket.send(raw)
    while socket.poll(1000):
        reply = decode_reply(socket.recv())
        codes.add("" if reply.error is None else reply.error.code)
    context.destroy(0)
    assert codes == {"", "over_rate"}
    assert ann.status().state == "HOLD", "others are served"


BAD = {
    "garbage": b"\xc1\xff\x00",
    "empty": b"",
    "oversized": b"\0" * (MAX_MESSAGE + 1),
    "another protocol": b'{"method": "command_joint_state", "args": []}',
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
@pytest.mark.parametrize("door", ["ctl", "stop"])
def test_bad_frames_are_answered_and_the_loop_goes_on(
    ann: CellClient, bench: Path, raw: bytes, door: str
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(getattr(local("kin", bench), door))
    ticks = ann.ticks()
    for message in (raw, raw):
        socket.send(message)
        assert socket.poll(5000)
        reply = decode_reply(socket.recv())
        assert not reply.ok and reply.error is not None and "\n" not in reply.error.text
    socket.send_multipart([raw, raw])
    assert socket.poll(5000)
    socket.send(b"\0" * (4 * MAX_MESSAGE))  # Beyond all bounds: the peer is cut off.
    context.destroy(0)
    until(lambda: ann.ticks() > ticks, "the loop goes on")
    assert ann.status().state == "HOLD"


def test_a_killed_host_is_a_fault_in_one_line_and_a_restart_adopts_without_motion(
    client: CellClient, host: RunningHost, runtime: Path
) -> None:
    client.execute("left", away(client, 0.4, 0.7))
    client.grip("left", 0.03, 5.0)
    with moving(client, 4.0) as outcome:
        before_s = client.now_s()
        until(lambda: client.now_s() > before_s + 0.6, "it is well on its way")
        os.kill(host.pid, signal.SIGKILL)
    (fault,) = outcome
    assert isinstance(fault, CellFault) and "\n" not in str(fault)
    assert "gone" in str(fault) and "kin" in str(fault)
    with pytest.raises(CellFault):
        client.frame("scene")
    with pytest.raises(CellFault):
        CellClient("kin", runtime=runtime)

    again = ensure_host(CELL, "kin", "test", runtime)
    assert again.started and again.adopted and again.pid != host.pid
    later = CellClient("kin", runtime=runtime)
    status = later.status()
    assert status.state == "HOLD"
    first = status.arms[0]
    assert first.t_s >= before_s and -1.0 < first.q_cmd_rad[0] < 0.4
    assert first.width_m == pytest.approx(0.03, abs=0.002)
    until(lambda: later.now_s() > first.t_s + 0.3, "time passes")
    assert later.status().arms[0].q_cmd_rad == first.q_cmd_rad
    with pytest.raises(CellFault, match="restarted"):
        client.status()
    later.close()


def test_one_host_per_cell_and_the_second_says_who_has_it(host: RunningHost, runtime: Path) -> None:
    assert ensure_host(CELL, "kin", "other", runtime) == RunningHost(
        "kin", host.pid, host.paths, adopted=True, started=False
    )
    command = [sys.executable, "-m", "drivers.host", str(CELL), "--runtime", str(runtime)]
    second = subprocess.run(
        [*command, "--name", "kin"], capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 5
    assert f"process {host.pid} of test" in second.stderr


def test_sigterm_holds_then_exits(client: CellClient, host: RunningHost, runtime: Path) -> None:
    with moving(client, 6.0) as outcome, watching(runtime) as stream:
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: running_host("kin", runtime) is None, "the host leaves")
        seen = stream.latest()
    assert seen is not None and seen.status.held
    assert isinstance(outcome[0], CellFault) or outcome[0].status == "STOPPED"  # type: ignore[attr-defined]
    assert not host.paths.ctl.exists()


@contextlib.contextmanager
def watching(runtime: Path) -> Iterator[StateStream]:
    stream = StateStream("kin", runtime)
    assert stream.wait(5.0) is not None
    yield stream
    stream.close()


def test_the_state_stream_shows_the_newest_state_and_its_age(
    client: CellClient, host: RunningHost, runtime: Path
) -> None:
    stream = StateStream("kin", runtime)
    first = stream.wait(5.0)
    assert first is not None and first.age_s < 5.0
    until(lambda: client.ticks() > first.ticks + 60, "time passes")
    second = stream.latest()
    assert second is not None and second.seq > first.seq + 3, "only the newest is kept"
    os.kill(host.pid, signal.SIGKILL)
    until(lambda: running_host("kin", runtime) is None, "the host ends")
    until(lambda: (stream.latest() or first).age_s > 0.3, "the age tells")
    stream.close()


def test_a_stand_in_nobody_uses_exits(runtime: Path) -> None:
    ensure_host(CELL, "kin", "test", runtime, idle_exit_s=0.3)
    until(lambda: running_host("kin", runtime) is None, "the host leaves by itself")
    again = ensure_host(CELL, "kin", "test", runtime, idle_exit_s=0.8)
    assert again.adopted
    stream = StateStream("kin", runtime)
    first = stream.wait(5.0)
    assert first is not None
    until(lambda: (stream.latest() or first).seq > first.seq + 60, "it stays while watched")
    stream.close()
    until(lambda: running_host("kin", runtime) is None, "it leaves when the watcher has left")


def test_hold_without_a_host_fails_at_once_and_is_not_kept_for_later(runtime: Path) -> None:
    stop = StopClient("kin", "bob", runtime=runtime)
    with pytest.raises(CellFault, match="physical stop"):
        stop.hold("x")
    ensure_host(CELL, "kin", "test", runtime)
    client = CellClient("kin", runtime=runtime)
    until(lambda: client.ticks() > 100, "a queued stop would have come by now")
    assert not client.status().held
    assert stop.hold("y", 5.0) > 0.0 and client.status().held
    stop.close()
    client.close()


def test_viewers_and_other_operators_do_not_move_it(ann: CellClient, bench: Path) -> None:
    ann.set_speed(0.9, "ann")
    bob = CellClient("kin", who="bob", runtime=bench)
    with pytest.raises(CellRefused, match="ann has control"):
        bob.execute("left", away(bob))
    viewer = CellClient("kin", role="viewer", who="eve", runtime=bench)
    with pytest.raises(CellRefused, match="viewer"):
        viewer.execute("left", away(viewer))
    agent = CellClient("kin", role="agent", who="llm", runtime=bench, lease=ann.lease)
    assert agent.execute("left", away(agent, 0.2, 3.0)).status == "OK"
    with pytest.raises(CellRefused, match="agent"):
        agent.resume("llm")
    viewer.hold("x", "eve")
    assert ann.status().held
    for other in (bob, viewer, agent):
        other.close()


# -- network -----------------------------------------------------------------------------------


def start_tcp(runtime: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "drivers.host", str(CELL), "--runtime", str(runtime)]
    return subprocess.Popen([*command, *more], stderr=subprocess.PIPE, text=True)


def test_a_network_address_without_keys_is_refused(runtime: Path) -> None:
    host = start_tcp(runtime, "--tcp", "127.0.0.1:17601")
    _, said = host.communicate(timeout=30)
    assert host.returncode == 2 and "--keys" in said
    assert FINDINGS["bind_open"].do[0] in said


def test_only_known_keys_get_in_and_only_as_what_they_are(runtime: Path) -> None:
    keys = runtime / "keys"
    make_keys(keys)
    for name, role in (("ann", "operator"), ("eve", "viewer")):
        make_keys(keys / "clients", name, role)  # type: ignore[arg-type]
        (keys / "authorized").mkdir(exist_ok=True)
        shutil.copy(keys / "clients" / f"{name}.{role}.key", keys / "authorized")
    stranger = load_keys(make_keys(keys / "clients", "stranger"))
    port = 20000 + os.getpid() % 20000
    host = start_tcp(runtime, "--tcp", f"127.0.0.1:{port}", "--keys", str(keys))
    host_key = load_keys(keys / "host.key_secret").public

    def address(name: str) -> Address:
        return remote(
            "127.0.0.1", host_key, load_keys(keys / "clients" / f"{name}.key_secret"), port
        )

    ann = CellClient(address("ann.operator"), who="ann")
    assert ann.execute("left", away(ann, 0.2, 0.5)).status == "OK"
    with pytest.raises(CellRefused, match="viewer"):
        CellClient(address("eve.viewer"), role="operator", who="eve").set_speed(0.5, "eve")
    stop = StopClient(address("eve.viewer"), "eve")
    assert stop.hold("x", 5.0) > 0.0
    wrong = StopClient(remote("127.0.0.1", host_key, stranger, port), "mallory")
    with pytest.raises(CellFault):
        wrong.hold("let me in", 1.0)
    ann.shutdown("ann")
    assert host.wait(20) == 0


def test_secret_keys_are_private(runtime: Path) -> None:
    secret = make_keys(runtime / "keys")
    assert secret.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CellFileError, match="exists"):
        make_keys(runtime / "keys")
    secret.chmod(0o644)
    with pytest.raises(CellFileError, match="chmod 600"):
        load_keys(secret)


# -- folders -----------------------------------------------------------------------------------


def test_the_runtime_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = runtime_dir()
    assert folder == tmp_path / "aspire" and folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    assert runtime_dir().stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    folder.symlink_to("/tmp")
    with pytest.raises(RuntimeDirError, match="not a folder of ours"):
        runtime_dir()


def test_a_socket_path_that_would_be_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeDirError, match="107"):
        cell_paths("kin", tmp_path / ("x" * 100))


def test_the_cell_file_of_these_tests_is_in_order() -> None:
    assert load_cell(CELL).sim is not None
