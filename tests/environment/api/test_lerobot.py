"""A learned policy behind a loopback gRPC server that speaks LeRobot's asynchronous wire."""

from __future__ import annotations

import collections
import io
import pickle
import struct
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.lerobot_pickles import (
    MAGIC,
    MODULE,
    PROTOCOL,
    Refused,
    actions_in,
    instance_of,
)
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.policy import run_policy
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneSpec
from drivers.types import PolicySection


def plain(value: Any) -> bytes:
    """A pickle without its frame, to be put together with others."""
    return pickle.dumps(value, protocol=2)[2:-1]


def storage(values: np.ndarray) -> bytes:
    """A storage as ``torch.save`` writes it to a stream that is no file, before zip files."""
    out = io.BytesIO()
    for value in (MAGIC, PROTOCOL, {"protocol_version": PROTOCOL, "little_endian": True}):
        pickle.dump(value, out, protocol=2)
    pid = b"(" + plain("storage") + b"ctorch\nFloatStorage\n" + plain("94") + plain("cpu")
    out.write(b"\x80\x02" + pid + plain(values.size) + b"Nt" + b"Q.")
    pickle.dump(["94"], out, protocol=2)
    out.write(struct.pack("<q", values.size) + values.astype("<f4").tobytes())
    return out.getvalue()


def tensor(values: np.ndarray) -> bytes:
    """A tensor as pickle has it: rebuilt from its storage."""
    data = storage(values)
    kept = b"B" + struct.pack("<I", len(data)) + data
    inner = b"ctorch.storage\n_load_from_bytes\n(" + kept + b"tR"
    size, stride = plain(tuple(values.shape)), plain((1,))
    hooks = plain(collections.OrderedDict())
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + inner
        + plain(0)
        + size
        + stride
        + (plain(False) + hooks + b"tR")
    )


def timed_actions(rows: np.ndarray) -> bytes:
    """A pickled list of TimedAction."""
    out = b"\x80\x03]("
    for n, row in enumerate(rows):
        fields = b"}(" + plain("timestamp") + plain(0.1 * n) + plain("timestep") + plain(n)
        fields += plain("action") + tensor(row.astype(np.float32)) + b"u"
        out += b"c" + f"{MODULE}\nTimedAction\n".encode() + b")\x81" + fields + b"b"
    return out + b"e."


class Reader(pickle.Unpickler):
    """Stands for the server's classes: remembers their names and fields."""

    def find_class(self, module: str, name: str) -> Any:
        if module == MODULE:
            return type(name, (), {"module": module})
        return super().find_class(module, name)


class PolicyServer:
    """Answers ``GetActions`` for the last observation, as LeRobot's own does."""

    def __init__(self, answer: Callable[[dict[str, Any]], bytes]) -> None:
        self.answer = answer
        self.setup: Any = None
        self.seen: list[Any] = []
        self.ready = 0

    def handler(self, method: str) -> Any:
        raw = {"request_deserializer": bytes, "response_serializer": bytes}
        if method == "SendObservations":
            return grpc.stream_unary_rpc_method_handler(self._observe, **raw)
        return grpc.unary_unary_rpc_method_handler(getattr(self, f"_{method}"), **raw)

    def _Ready(self, request: bytes, context: Any) -> bytes:
        self.ready += 1
        return b""

    def _SendPolicyInstructions(self, request: bytes, context: Any) -> bytes:
        self.setup = Reader(io.BytesIO(first_field(request))).load()
        return b""

    def _observe(self, requests: Iterator[bytes], context: Any) -> bytes:
        data = b""
        for piece in requests:
            assert piece[0] == 0x08 and piece[1] in (1, 2, 3)
            data += first_field(piece[2:], tag=0x12)
            if piece[1] == 3:
                self.seen.append(Reader(io.BytesIO(data)).load())
        return b""

    def _GetActions(self, request: bytes, context: Any) -> bytes:
        data = self.answer(self.seen[-1].observation)
        return b"" if not data else b"\x0a" + varint(len(data)) + data

    @contextmanager
    def serving(self) -> Iterator[str]:
        methods = ("Ready", "SendPolicyInstructions", "SendObservations", "GetActions")
        handlers = {m: self.handler(m) for m in methods}
        server = grpc.server(futures.ThreadPoolExecutor(4))
        generic = grpc.method_handlers_generic_handler("transport.AsyncInference", handlers)
        server.add_generic_rpc_handlers((generic,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes((*out, n))


def first_field(message: bytes, tag: int = 0x0A) -> bytes:
    assert message[0] == tag
    size, at = 0, 1
    for shift in range(0, 35, 7):
        size |= (message[at] & 127) << shift
        at += 1
        if not message[at - 1] & 128:
            break
    return message[at : at + size]


@pytest.fixture(scope="module")
def sim() -> SimCell:
    return SimCell(load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml"))


@pytest.fixture(scope="module")
def kinematics(sim: SimCell) -> Kinematics:
    return Kinematics(sim.info.arms[0])


class Served:
    """A stand-in that knows one LeRobot server."""

    def __init__(self, sim: SimCell, address: str) -> None:
        self._sim = sim
        section = PolicySection("act", address, "lerobot", pretrained="me/act_wave")
        self.info = msgspec.structs.replace(sim.info, policies=(section,))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sim, name)


def run(sim: SimCell, kinematics: Kinematics, address: str) -> PrimitiveOutcome:
    sim.stand_in.reset_scene(SceneSpec())
    cell: Any = Served(sim, address)
    bench = Workbench(cell, kinematics.arm, kinematics, "test", np.random.default_rng(0))
    return run_policy.invoke(bench, {"name": "act", "instruction": "wave", "seconds": 0.6})


def test_a_lerobot_policy_leads_the_arm_through_its_limits(
    sim: SimCell, kinematics: Kinematics
) -> None:
    names = [f"{j.name}.pos" for j in sim.info.arms[0].joints]

    def wave(observation: dict[str, Any]) -> bytes:
        now = [observation[n] for n in (*names, "gripper.pos")]
        rows = np.repeat(np.array(now)[None], 5, axis=0)
        rows[:, 0] += np.linspace(2.0, 14.0, 5)  # degrees
        rows[:, -1] = 40.0
        return timed_actions(rows)

    server = PolicyServer(wave)
    with server.serving() as address:
        outcome = run(sim, kinematics, address)
    assert outcome.status == "OK", outcome.summary
    assert server.ready == 1
    setup = vars(server.setup)
    assert setup["pretrained_name_or_path"] == "me/act_wave" and setup["policy_type"] == "act"
    state = setup["lerobot_features"]["observation.state"]
    assert state["names"] == [*names, "gripper.pos"] and state["shape"] == (7,)
    first = server.seen[0].observation
    assert first["task"] == "wave" and first["front"].shape == (240, 320, 3)
    assert first["wrist"].dtype == np.uint8 and server.seen[0].must_go
    home_deg = np.rad2deg(sim.info.arms[0].home_rad[1])
    assert abs(first[names[1]] - home_deg) < 1.0
    assert sim.status().arms[0].q_rad[0] > 0.2
    assert sim.status().arms[0].width_m == pytest.approx(0.4 * 0.075, abs=0.003)


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("it ran",))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda o: b"", "FAULT"),
        (lambda o: b"no pickle", "INVALID"),
        (lambda o: pickle.dumps([1, 2]), "INVALID"),
        (lambda o: pickle.dumps(Evil()), "INVALID"),
        (lambda o: timed_actions(np.zeros((2, 3))), "INVALID"),
        (lambda o: timed_actions(np.full((2, 7), np.nan)), "INVALID"),
        (lambda o: timed_actions(np.full((2, 7), 900.0)), "LIMIT"),
    ],
)
def test_what_it_may_not_do_ends_in_a_status_and_nothing_moves(
    sim: SimCell,
    kinematics: Kinematics,
    answer: Callable[[Any], bytes],
    status: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PolicyServer(answer).serving() as address:
        outcome = run(sim, kinematics, address)
    assert outcome.status == status, outcome.summary
    home = sim.info.arms[0].home_rad
    assert np.abs(np.subtract(sim.status().arms[0].q_cmd_rad, home)).max() < 1e-6
    assert "it ran" not in capsys.readouterr().out


def test_a_server_that_is_not_there_is_a_fault(sim: SimCell, kinematics: Kinematics) -> None:
    outcome = run(sim, kinematics, "127.0.0.1:9")
    assert outcome.status == "FAULT" and "Ready" in outcome.summary


def test_a_chunk_is_read_in_its_order() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    assert np.allclose(actions_in(timed_actions(rows)), rows)
    assert b"TimedObservation" in instance_of("TimedObservation", {"a": 1})


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_they_are_numbers_or_refused(raw: bytes, at: int, patch: bytes) -> None:
    good = timed_actions(np.zeros((2, 3)))
    for data in (raw, good[:at] + patch + good[at + len(patch) :]):
        try:
            assert actions_in(data).dtype == np.float64
        except Refused as refused:
            assert "\n" not in str(refused)
