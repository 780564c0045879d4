"""A learned policy behind a loopback server that speaks openpi's wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection, serve

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.openpi import WrongAnswer, pack, unpack
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.policy import run_policy
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneSpec
from drivers.types import PolicySection

Answer = Callable[[dict[str, Any]], bytes | str]


@contextmanager
def policy(answer: Answer) -> Iterator[str]:
    """A server that answers every observation; yields its address."""

    def talk(connection: ServerConnection) -> None:
        connection.send(pack({"server": "loopback"}))
        for message in connection:
            assert isinstance(message, bytes)
            connection.send(answer(unpack(message)))

    with serve(talk, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def sim() -> SimCell:
    return SimCell(load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml"))


@pytest.fixture(scope="module")
def kinematics(sim: SimCell) -> Kinematics:
    return Kinematics(sim.info.arms[0])


class Served:
    """A stand-in that knows one policy server."""

    def __init__(self, sim: SimCell, address: str) -> None:
        self._sim = sim
        self.info = msgspec.structs.replace(sim.info, policies=(PolicySection("pi0", address),))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sim, name)


def run(
    sim: SimCell, kinematics: Kinematics, answer: Answer, name: str = "pi0"
) -> PrimitiveOutcome:
    sim.stand_in.reset_scene(SceneSpec())
    with policy(answer) as address:
        cell: Any = Served(sim, address)
        bench = Workbench(cell, kinematics.arm, kinematics, "test", np.random.default_rng(0))
        arguments = {"name": name, "instruction": "wave", "seconds": 0.6}
        return run_policy.invoke(bench, arguments)


def test_a_policy_leads_the_arm_through_its_limits(sim: SimCell, kinematics: Kinematics) -> None:
    asked: list[dict[str, Any]] = []

    def wave(observation: dict[str, Any]) -> bytes:
        asked.append(observation)
        state = observation["observation/state"].astype(float)
        rows = np.repeat(state[None], 5, axis=0)
        rows[:, 0] += np.linspace(0.05, 0.25, 5)
        rows[:, -1] = 0.4
        return pack({"actions": rows.astype(np.float32)})

    outcome = run(sim, kinematics, wave)
    assert outcome.status == "OK", outcome.summary
    assert outcome.value
    assert asked[0]["prompt"] == "wave"
    assert asked[0]["observation/image"].shape == (240, 320, 3)
    assert asked[0]["observation/state"].shape == (7,)
    assert sim.status().arms[0].q_rad[0] > 0.2
    assert sim.status().arms[0].width_m == pytest.approx(0.4 * 0.075, abs=0.003)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda o: pack({"actions": np.full((2, 7), 9.0)}), "LIMIT"),
        (lambda o: pack({"actions": np.full((2, 7), np.nan)}), "INVALID"),
        (lambda o: pack({"actions": np.zeros((2, 3))}), "INVALID"),
        (lambda o: pack({"nothing": 1}), "INVALID"),
        (lambda o: b"\xc1 no msgpack", "INVALID"),
        (lambda o: "Traceback\nRuntimeError: out of memory", "FAULT"),
    ],
)
def test_what_a_policy_may_not_do_ends_in_a_status_and_nothing_moves(
    sim: SimCell, kinematics: Kinematics, answer: Answer, status: str
) -> None:
    outcome = run(sim, kinematics, answer)
    assert outcome.status == status, outcome.summary
    assert not outcome.value
    home = sim.info.arms[0].home_rad
    assert np.abs(np.subtract(sim.status().arms[0].q_cmd_rad, home)).max() < 1e-6


def test_no_server_of_that_name_or_none_that_answers_is_a_fault(
    sim: SimCell, kinematics: Kinematics
) -> None:
    assert run(sim, kinematics, lambda o: b"", name="pi9").status == "FAULT"
    cell: Any = Served(sim, "ws://127.0.0.1:9")
    bench = Workbench(cell, kinematics.arm, kinematics, "test", np.random.default_rng(0))
    gone = run_policy.invoke(bench, {"name": "pi0", "instruction": "wave", "seconds": 1.0})
    assert gone.status == "FAULT"
    assert "does not answer" in gone.summary


@given(raw=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_bytes_from_elsewhere_are_a_message_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(unpack(raw), dict)
    except WrongAnswer as error:
        assert str(error)


def test_arrays_go_there_and_back() -> None:
    sent = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "prompt": "x"}
    back = unpack(pack(sent))
    assert back["prompt"] == "x"
    assert np.array_equal(back["a"], sent["a"])
    with pytest.raises(WrongAnswer):
        unpack(msgspec.msgpack.encode({"a": {b"__ndarray__": True, b"dtype": "O"}}))
