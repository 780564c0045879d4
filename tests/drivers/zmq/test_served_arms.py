"""Arms behind servers that obey everybody: the care they lack is on this side."""

from __future__ import annotations

import collections
import contextlib
import functools
import math
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hosts import cells_folder, until
from hypothesis import given
from hypothesis import strategies as st
from stand import arm_spec, smooth

from drivers.arm import ArmDriver
from drivers.cellfile import load_cell
from drivers.client import CellClient
from drivers.compat.arm import MAX_AGE_S, ServedArm
from drivers.compat.exchange import VALID_S, BadAnswer, Exchange
from drivers.compat.gello import gello_arm, unpickled
from drivers.compat.portal_wire import answer, pack_tree, request, unpack_tree
from drivers.compat.ramp import CATCH_UP, LONGEST_STEP_S, Ramp
from drivers.compat.section import GelloSection, YamPortalSection
from drivers.compat.yam_portal import yam_arm
from drivers.devices import open_device
from drivers.emu.arm_server import DumbArm
from drivers.emu.arm_server_gello import GelloNode
from drivers.emu.arm_server_portal import PortalFollower
from drivers.errors import CellFileError
from drivers.spawn import ensure_host

SPEC = arm_spec()
START = (0.2, -0.1, 0.3)


class Served:
    """A server in its own thread, and what is needed to drive it."""

    def __init__(self, kind: str, start: tuple[float, ...] = START) -> None:
        open_number = 0.0 if kind == "gello" else 1.0
        self.kind, self.dumb = kind, DumbArm((*start, open_number))
        self.server: GelloNode | PortalFollower
        if kind == "gello":
            self.server, self._end = (node := GelloNode(self.dumb)), node.close
            serve: Callable[[], None] = node.serve
        else:
            self.server = follower = PortalFollower(self.dumb)
            serve = functools.partial(follower.serve_forever, 0.02)
            self._end = follower.hang_up
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> str:
        return f"tcp://127.0.0.1:{self.server.port}"

    def arm(self) -> ServedArm:
        if self.kind == "gello":
            return gello_arm(SPEC, GelloSection(), self.port, time.monotonic)
        return yam_arm(SPEC, YamPortalSection(), self.port, time.monotonic)

    def close(self) -> None:
        self.dumb.trouble = ""
        self._end()
        self._thread.join(10.0)


@pytest.fixture(params=["gello", "yam-portal"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    server = Served(request.param)
    yield server
    server.close()


@pytest.fixture
def arm(served: Served) -> Iterator[ServedArm]:
    arm = served.arm()
    yield arm
    arm.close()


def follow(arm: ArmDriver, q: tuple[float, ...], width: float, arrived: Callable[[], bool]) -> None:
    def told() -> bool:
        arm.write(q, width, 5.0)
        return arrived()

    until(told, "the arm arrives")


def test_opening_and_looking_moves_nothing_and_tells_where_it_is(
    served: Served, arm: ServedArm
) -> None:
    arm.open()
    assert [f.code for f in arm.check()] == ["server_blind"]
    sample = arm.read(0.01)
    assert sample.q_rad == pytest.approx(START) and sample.q_cmd_rad == sample.q_rad
    assert sample.width_m == pytest.approx(SPEC.gripper.open_width_m)
    assert arm.energised() and served.dumb.goals == []
    with pytest.raises(OSError, match="cannot switch torque off"):
        arm.release()


def test_a_set_point_far_away_is_gone_to_at_the_arms_own_speed(
    served: Served, arm: ServedArm
) -> None:
    arm.open()
    follow(arm, (1.4, -0.1, 0.3), 0.04, lambda: abs(arm.read(0.01).q_rad[0] - 1.4) < 0.01)
    goals = np.array([(*START, served.dumb.goals[0][-1]), *served.dumb.goals])
    largest = CATCH_UP * SPEC.joints[0].vmax_rad_s * LONGEST_STEP_S
    assert np.abs(np.diff(goals[:, :3], axis=0)).max() <= largest + 1e-9
    assert len(goals) > 5
    assert arm.read(0.01).q_cmd_rad == (1.4, -0.1, 0.3)


def test_nothing_beyond_a_range_or_not_finite_is_ever_sent(served: Served, arm: ServedArm) -> None:
    arm.open()
    follow(arm, (9.0, -9.0, 0.0), 7.0, lambda: abs(arm.read(0.01).q_rad[0] - 1.5) < 0.01)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not finite"):
            arm.write((bad, 0.0, 0.0), 0.05, 1.0)
        with pytest.raises(ValueError, match="not finite"):
            arm.write((0.0, 0.0, 0.0), bad, 1.0)
    with pytest.raises(ValueError, match="wrong length"):
        arm.write((0.0, 0.0), 0.05, 1.0)
    goals = np.array(served.dumb.goals)
    assert np.abs(goals[:, :3]).max() <= 1.5 and goals[:, 3].min() >= 0.0
    assert goals[:, 3].max() <= 1.0 and np.isfinite(goals).all()


class _Kept:
    """A peer that keeps what it is told."""

    def __init__(self) -> None:
        self.sent: list[list[float]] = []

    def open(self) -> None: ...

    def positions(self) -> tuple[float, ...]:
        return (*START, 0.04)

    def command(self, positions: Sequence[float]) -> None:
        self.sent.append(list(positions))

    def close(self) -> None: ...


def test_a_set_point_of_a_loop_that_stands_is_sent_no_more() -> None:
    now, peer = [0.0], _Kept()
    exchange = Exchange(peer, Ramp(SPEC), tuple, list, 0.01, lambda: now[0])
    exchange.step(now[0])
    exchange.want((1.0, -0.1, 0.3, 0.04))
    for tick in range(1, 60):
        now[0] = 0.01 * tick
        exchange.step(now[0])
    assert len(peer.sent) == round(VALID_S / 0.01)
    # Half a second later the arm may have sunk: what is new begins where it is measured.
    now[0] = 1.0
    exchange.want((1.0, -0.1, 0.3, 0.04))
    exchange.step(now[0])
    assert peer.sent[-1] == [*START, 0.04] and peer.sent[-2][0] > START[0]


@pytest.mark.parametrize("trouble", ["silent", "slow", "nan", "short", "error", "garbage", "cut"])
def test_whatever_a_server_does_reading_says_so_and_is_well_again(
    served: Served, arm: ServedArm, trouble: str
) -> None:
    if trouble == "cut" and served.kind == "gello":
        pytest.skip("a message of ZeroMQ comes whole or not at all")
    arm.open()
    arm.write(START, 0.05, 1.0)
    served.dumb.trouble = trouble

    def fails() -> bool:
        begun = time.perf_counter()
        try:
            arm.read(0.01)
        except OSError as error:
            # Neither waits for the server, whatever it does.
            assert time.perf_counter() - begun < MAX_AGE_S
            return "127.0.0.1" in str(error) and "Traceback" not in str(error)
        return False

    until(fails, "reading fails")
    sent = len(served.dumb.goals)
    served.dumb.trouble = ""

    def well() -> bool:
        with contextlib.suppress(OSError):
            return bool(arm.open()) and bool(arm.read(0.01).q_rad)
        return False

    until(well, "it answers again")
    # What was wanted before is not sent after: only a new set-point moves it.
    assert len(served.dumb.goals) <= sent + 1


def test_a_server_that_is_away_and_comes_back_is_found(served: Served) -> None:
    arm, port = served.arm(), served.server.port
    arm.open()
    served.close()

    def gone() -> bool:
        try:
            arm.read(0.01)
        except OSError:
            return True
        return False

    until(gone, "it is missed")
    arm.write((1.0, 0.0, 0.0), 0.02, 1.0)
    if served.kind == "gello":
        back: GelloNode | PortalFollower = GelloNode(DumbArm((*START, 0.0)), port)
        thread = threading.Thread(target=back.serve, daemon=True)  # type: ignore[union-attr]
    else:
        back = PortalFollower(DumbArm((*START, 1.0)), port)
        thread = threading.Thread(target=back.serve_forever, args=(0.02,), daemon=True)  # type: ignore[union-attr]
    thread.start()

    def well() -> bool:
        with contextlib.suppress(OSError):
            return bool(arm.open())
        return False

    until(well, "it is back")
    assert back.arm.goals == []
    arm.close()
    back.close() if isinstance(back, GelloNode) else back.hang_up()
    thread.join(10.0)


def test_fingers_that_stand_short_press(served: Served, arm: ServedArm) -> None:
    arm.open()
    if served.kind == "gello":
        pytest.skip("the emulated floor is of a gripper that counts downward to closed")
    served.dumb.floor = 0.5
    follow(arm, START, 0.0, lambda: arm.read(0.01).grip_force_N > 0.0)
    sample = arm.read(0.01)
    assert sample.grip_force_N == 5.0 and sample.width_m == pytest.approx(0.04, abs=1e-3)


def test_only_methods_that_every_server_knows_are_called(served: Served, arm: ServedArm) -> None:
    arm.open()
    arm.check()
    follow(arm, START, 0.05, lambda: len(served.dumb.goals) > 3)
    if isinstance(served.server, PortalFollower):
        assert served.server.unknown == []


@pytest.mark.parametrize("port", ["tcp://192.168.1.4:6001", "tcp://0.0.0.0:6001", "/dev/ttyUSB0"])
def test_an_arm_that_obeys_everybody_is_spoken_to_on_loopback_only(port: str) -> None:
    for make, section in ((gello_arm, GelloSection()), (yam_arm, YamPortalSection())):
        with pytest.raises(CellFileError, match=r"ssh -N -L|127\.0\.0\.1:PORT"):
            make(SPEC, section, port, time.monotonic)  # type: ignore[operator]


# -- pickles -----------------------------------------------------------------------------------


class _Exploit:
    def __init__(self, function: object, *args: object) -> None:
        self._made = (function, args)

    def __reduce__(self) -> tuple[object, ...]:
        return self._made


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_values_are_unpickled_in_the_protocols_in_use(protocol: int) -> None:
    for value in (np.arange(7.0), np.float64(3.0), 7, None, {"error": "x"}, np.zeros((2, 3), "f4")):
        back = unpickled(pickle.dumps(value, protocol))
        assert np.array_equal(back, value)


def test_nothing_else_is(tmp_path: Path) -> None:
    mark = tmp_path / "touched"
    for evil in (
        _Exploit(os.system, f"touch {mark}"),
        _Exploit(eval, f"open({str(mark)!r}, 'w')"),
        _Exploit(getattr, "x", "format"),
        _Exploit(np.load, str(mark)),
        collections.OrderedDict(),
        Path("x"),
        np.array([os.system], dtype=object),
    ):
        with pytest.raises(BadAnswer, match="refused"):
            unpickled(pickle.dumps(evil))
    assert not mark.exists()
    with pytest.raises(BadAnswer, match="bytes"):
        unpickled(b"x" * 70_000)


def test_what_is_short_to_send_and_long_to_build_is_refused_before_it_is_built() -> None:
    memo_of_gigabytes = b"\x80\x04]r\xff\xff\xff\x3f."
    tuple_of_tuples = b"\x80\x04N" + b"2\x86" * 40 + b"."
    for large in (memo_of_gigabytes, tuple_of_tuples):
        with pytest.raises(BadAnswer, match=r"refused: (memo entry|more than)"):
            unpickled(large)
    with pytest.raises(BadAnswer, match="refused"):
        unpickled(pickle.dumps(_Exploit(np.ndarray, (10**9,), "O")))


def test_the_flags_of_a_type_are_not_believed() -> None:
    """numpy takes numbers for pointers where a pickled type says that they are objects."""
    honest = pickle.dumps(np.arange(7.0), protocol=4)
    flags = b"J\xff\xff\xff\xffK"
    assert honest.count(flags) == 1
    lying = honest.replace(flags + b"\x00", flags + b"\x3f")
    assert np.array_equal(unpickled(lying), np.arange(7.0))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_be_refused(raw: bytes) -> None:
    for read in (unpickled, unpack_tree, lambda b: answer(b, 1)):
        with contextlib.suppress(BadAnswer):
            read(raw)


def test_a_node_that_sends_an_exploit_is_only_silent(tmp_path: Path) -> None:
    served = Served("gello")
    arm = served.arm()
    arm.open()
    served.dumb.trouble = "evil"

    def named() -> bool:
        try:
            arm.read(0.01)
        except OSError as error:
            return "nothing a robot would send" in str(error)
        return False

    until(named, "the exploit is named")
    arm.close()
    served.close()


# -- portal ------------------------------------------------------------------------------------


def test_the_real_portal_package_understands_us_and_we_it() -> None:
    portal = pytest.importorskip("portal")
    dumb = DumbArm((*START, 1.0))
    server = portal.Server(0 or _free_port(), logging=False)
    server.bind("num_dofs", lambda: 4)
    server.bind("get_joint_pos", lambda: np.array(dumb.positions()))
    server.bind("command_joint_pos", lambda q: dumb.go(q))
    server.start(block=False)
    arm = yam_arm(
        SPEC, YamPortalSection(), f"tcp://127.0.0.1:{server.socket.addr[1]}", time.monotonic
    )
    try:
        arm.open()
        follow(arm, (0.4, -0.1, 0.3), 0.05, lambda: abs(arm.read(0.01).q_rad[0] - 0.4) < 0.01)
        assert dumb.goals[-1][:3] == pytest.approx((0.4, -0.1, 0.3))
    finally:
        arm.close()
        server.close(timeout=2.0)


def test_the_played_follower_understands_the_real_portal_client() -> None:
    portal = pytest.importorskip("portal")
    served = Served("yam-portal")
    client = portal.Client(f"127.0.0.1:{served.server.port}", logging=False)
    try:
        assert int(client.num_dofs().result(timeout=10)) == 4
        assert client.get_joint_pos().result(timeout=10) == pytest.approx((*START, 1.0))
        client.command_joint_pos(np.array([0.1, 0.2, 0.3, 0.5])).result(timeout=10)
        assert served.dumb.goals == [(0.1, 0.2, 0.3, 0.5)]
    finally:
        client.close(timeout=2.0)
        served.close()


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


LEAF = (
    st.none() | st.text(max_size=9) | st.lists(st.floats(allow_nan=False), max_size=4).map(np.array)
)
TREE = st.recursive(
    LEAF, lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=5), c, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(TREE)
def test_portal_trees_come_back(tree: object) -> None:
    def same(a: object, b: object) -> bool:
        if isinstance(a, np.ndarray):
            return isinstance(b, np.ndarray) and np.array_equal(a, b)
        if isinstance(a, dict):
            return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        if isinstance(a, list):
            return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
        return a == b

    assert same(tree, unpack_tree(pack_tree(tree)))


def test_an_answer_to_another_call_or_an_error_is_none() -> None:
    good = request(5, "x")[8:]
    with pytest.raises(BadAnswer, match="call 5 instead of 6"):
        answer(good, 6)
    with pytest.raises(BadAnswer, match="the server says: no"):
        answer(b"\1" + bytes(7) + b"\4" + bytes(7) + b"no", 1)
    for hostile in (["sharray", "/x"], ["array", [1], "|O8"], ["array", [10**9], "<f8"], ["x"]):
        import msgspec

        parts = [msgspec.msgpack.encode(None), msgspec.msgpack.encode([hostile]), bytes(8)]
        raw = b"".join(
            [(3).to_bytes(8, "little"), *(len(p).to_bytes(8, "little") for p in parts), *parts]
        )
        with pytest.raises(BadAnswer):
            unpack_tree(raw)


# -- the ramp ----------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 1.0),
        st.lists(st.floats(-50.0, 50.0), min_size=4, max_size=4),
    ),
    max_size=30,
)


@given(st.lists(st.floats(-1.4, 1.4), min_size=3, max_size=3), STEPS)
def test_whatever_is_wanted_whenever_no_message_jumps_or_leaves_the_range(
    start: list[float], steps: list[tuple[float, list[float]]]
) -> None:
    ramp, now, last = Ramp(SPEC), 0.0, [*start, 0.04]
    ramp.begin(last, now)
    for pause, wanted in steps:
        now += pause
        sent = ramp.toward(wanted, now)
        for i, joint in enumerate(SPEC.joints):
            assert joint.lo_rad <= sent[i] <= joint.hi_rad
            reach = CATCH_UP * joint.vmax_rad_s * LONGEST_STEP_S
            assert abs(sent[i] - last[i]) <= reach + 1e-9
        assert 0.0 <= sent[3] <= SPEC.gripper.open_width_m
        last = sent


# -- as a cell ---------------------------------------------------------------------------------

YAM = Path(__file__).parents[3] / "drivers" / "cells" / "yam.toml"
HOME = (0.0, 1.6236, 1.6098, -1.5570, 0.0, 0.0)


def cell_text(kind: str, port: str) -> str:
    """The shipped arm behind a server, without cameras."""
    text = YAM.read_text().split("[[cameras]]")[0]
    for old, new in (
        ('name = "yam"', f'name = "{kind}"'),
        ('kind = "sim"', 'kind = "hardware"'),
        ('clock = "sim"', 'clock = "wall"'),
        ("tracking_limit_rad = 0.035", "tracking_limit_rad = 0.3"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    return f'{text}\n[[device]]\narm = "arm"\ndriver = "{kind}"\nport = "{port}"\n'


@pytest.mark.alone  # its server answers in real time
@pytest.mark.parametrize("kind", ["gello", "yam-portal"])
def test_a_cell_of_such_an_arm_moves_holds_and_is_lost_and_found(kind: str) -> None:
    served = Served(kind, HOME)
    with cells_folder() as runtime, contextlib.closing(served):
        file = runtime / "cell.toml"
        file.write_text(cell_text(kind, served.port))
        cell = load_cell(file)
        assert isinstance(
            open_device(cell.devices[0], cell.info.arms[0], cell, served.port), ServedArm
        )
        ensure_host(file, served.kind, "test", runtime)
        client = CellClient(served.kind, who="ann", runtime=runtime)
        assert client.status().state == "HOLD" and served.dumb.goals == []
        assert [f.code for f in client.findings()] == ["server_blind"]
        held = list(client.status().arms[0].q_cmd_rad)
        assert held == pytest.approx(HOME)
        report = client.execute("arm", smooth(held, [0.6, *held[1:]], 2.0))
        assert report.status == "OK", report
        grip = client.grip("arm", 0.03, 5.0)
        assert grip.status == "OK" and grip.width_m == pytest.approx(0.03, abs=0.003)
        goals = np.array(served.dumb.goals)[:, :3]
        assert np.abs(np.diff(goals, axis=0)).max() <= CATCH_UP * 2.0 * LONGEST_STEP_S
        served.dumb.trouble = "silent"
        until(lambda: client.status().state == "LOST", "it is lost")
        sent = len(served.dumb.goals)
        served.dumb.trouble = ""
        until(lambda: client.status().state == "PSTOP", "it is back and waits for a person")
        assert len(served.dumb.goals) <= sent + 1
        client.ack_stop("ann")
        until(lambda: client.status().state == "HOLD", "it holds")
        client.shutdown("ann")
        client.close()
