"""A host under hostile messages on every socket: each is refused in one line, and in the same
stream the legal commands are followed."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq
from hosts import cells_folder
from stand import smooth

from drivers.address import local
from drivers.client import CellClient
from drivers.spawn import ensure_host
from drivers.wire import (
    MAX_MESSAGE,
    Command,
    Enable,
    Grip,
    Jog,
    Request,
    Setpoint,
    TrajStart,
    decode_reply,
    encode,
)

CELL = Path(__file__).parent / "kinematic.toml"
TRACKED_RAD = math.radians(2.0)
NAN, INF = math.nan, math.inf


@pytest.fixture
def runtime() -> Iterator[Path]:
    with cells_folder() as folder:
        ensure_host(CELL, "kin", "test", folder)
        yield folder


def hostile(
    sess: str,
    lease: str,
    host_now_ns: int,
    arm: str = "left",
    joints: int = 3,
    joint: str = "joint1",
) -> list[bytes]:
    """One of each: what a broken, old, confused or malicious client might say."""
    ids = (f"bad-{n}" for n in itertools.count())

    def say(body: Command, **envelope: object) -> bytes:
        fields = {
            "id": next(ids), "role": "operator", "who": "mallory", "sess": sess,
            "expires_ns": host_now_ns + 3600 * 10**9, **envelope,
        }  # fmt: skip
        return encode(Request(body=body, **fields))  # type: ignore[arg-type]

    rest = (0.0,) * (joints - 1)
    far = Setpoint(arm, 10**6, 100, q_rad=(9.0,) * joints)
    raw = msgspec.msgpack.decode(say(Enable()))
    return [
        b"",
        b"\xc1\xff\x00 garbage",
        b'{"method": "command_joint_state", "args": [9, 9, 9]}',
        b"\x93" * 5000,
        b"\0" * (MAX_MESSAGE + 1),
        msgspec.msgpack.encode({**raw, "v": 2}),
        msgspec.msgpack.encode({**raw, "extra": 1}),
        msgspec.msgpack.encode({**raw, "body": {"op": "MOVE_FAST"}}),
        say(far),
        say(far, lease="0123456789abcdef"),
        say(far, lease=lease, expires_ns=1),
        say(far, lease=lease, sess="yesterday"),
        say(far, lease=lease, role="viewer"),
        say(far, lease=lease),
        say(Setpoint(arm, 1, 100, q_rad=(NAN, *rest)), lease=lease),
        say(Setpoint(arm, 1, 100, dq_rad_s=(INF, *rest)), lease=lease),
        say(Setpoint(arm, 1, 100, q_rad=(0.0,) * 2000), lease=lease),
        say(Setpoint(arm, 1, 10**9, q_rad=(0.0, *rest)), lease=lease),
        say(Jog(arm, NAN, 100, joint), lease=lease),
        say(Jog(arm, 50.0, 100, joint), lease=lease),
        say(Grip(arm, -INF, NAN), lease=lease),
        say(TrajStart(arm, "never loaded"), lease=lease),
        say(TrajStart("attic", "x"), lease=lease),
    ]


class Hostiles:
    """Sends them round and round from a few peers, and keeps what was answered."""

    def __init__(self, endpoint: str, messages: list[bytes]) -> None:
        self.answers: list[bytes] = []
        self.rounds = 0
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(endpoint, messages))

    def __enter__(self) -> Hostiles:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, endpoint: str, messages: list[bytes]) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        sockets = [context.socket(zmq.DEALER) for _ in range(3)]
        for socket in sockets:
            socket.setsockopt(zmq.SNDHWM, 50)
            socket.connect(endpoint)
        while not self._stop.wait(0.002):
            self.rounds += 1
            for n, message in enumerate(messages):
                socket = sockets[(n + self.rounds) % len(sockets)]
                with contextlib.suppress(zmq.Again):
                    socket.send(message, zmq.NOBLOCK)
                    self.sent += 1
                with contextlib.suppress(zmq.Again):
                    while True:
                        self.answers.append(socket.recv(zmq.NOBLOCK))
        context.destroy(0)


@pytest.mark.parametrize("door", ["ctl", "stop", "state", "frames"])
def test_legal_commands_are_followed_in_a_hostile_stream(runtime: Path, door: str) -> None:
    ann = CellClient("kin", who="ann", runtime=runtime)
    ann.set_speed(1.0, "ann")
    welcome_ns = int(1e9 * 0)  # expires_ns is checked against the host's clock, which is later.
    messages = hostile(ann._sess, ann.lease, welcome_ns + 2**62)
    before = ann.status()
    with Hostiles(getattr(local("kin", runtime), door), messages) as flood:
        report = ann.execute("left", smooth([0.0] * 3, [0.6, -0.4, 0.3], 2.0))
        q = list(report.q_target_rad)
        for n in range(60):
            q = [q[0] - 0.005, *q[1:]]
            ann.setpoint("left", n, q, valid_for_ms=500)
        while ann.status().state == "RUN":
            ann.wait(0.0)
    log = ann.samples("left", before.t_s)
    status = ann.status()
    assert report.status == "OK", "the legal path was followed to its end"
    assert np.abs(log.q_rad - log.q_cmd_rad).max() < TRACKED_RAD
    assert status.arms[0].q_rad == pytest.approx(q, abs=TRACKED_RAD)
    assert np.abs(log.q_cmd_rad).max() <= 0.61, "no hostile goal was followed"
    assert status.state == "HOLD" and not status.held
    assert ann.ticks() > 0
    assert flood.rounds > 5
    if door == "frames":
        assert ann.frame("scene").rgb.size, "it goes on showing pictures"
    if door in ("state", "frames"):
        return  # Whoever says nonsense there is not heard at all.
    codes = set()
    for raw in flood.answers:
        reply = decode_reply(raw)
        assert not reply.ok and reply.error is not None
        assert reply.error.text and "\n" not in reply.error.text
        codes.add(reply.error.code)
    expected = {"malformed", "oversized", "over_rate", "not_finite", "version", "no_lease"}
    expected |= {"expired", "restarted", "role", "limit", "invalid", "not_loaded"}
    if door == "ctl":
        assert codes & expected >= {"malformed", "oversized", "version", "no_lease", "expired"}
    else:
        assert codes >= {"malformed", "oversized", "stop_only"}
    ann.close()


def test_a_replayed_start_does_not_start_again(runtime: Path) -> None:
    ann = CellClient("kin", who="ann", runtime=runtime)
    ann.set_speed(1.0, "ann")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(local("kin", runtime).ctl)
    grip = encode(ann._request(Grip("left", 0.02, 5.0), "once", expires=True))
    replies = []
    for _ in range(2):
        socket.send(grip)
        assert socket.poll(5000)
        replies.append(decode_reply(socket.recv()))
    context.destroy(0)
    assert replies[0].ok and replies[0] == replies[1], "the first answer again, no second motion"
    ann.close()
