from __future__ import annotations

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np
from stand import smooth

from drivers.rows import pack_samples, pack_trajectory, unpack_samples, unpack_trajectory
from drivers.types import SampleLog, Trajectory
from drivers.wire import (
    MAX_MESSAGE,
    BadMessage,
    Grip,
    Hello,
    Pause,
    Request,
    TrajLoad,
    decode_request,
    encode,
)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_bad_message(raw: bytes) -> None:
    try:
        assert isinstance(decode_request(raw), Request)
    except BadMessage as bad:
        assert bad.code in ("malformed", "not_finite", "oversized")


GOOD = encode(Request("a-1", "operator", "ann", Grip("left", 0.04, 10.0), sess="s"))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_message_with_one_byte_changed_never_raises_anything_else(at: int, byte: int) -> None:
    raw = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    with contextlib.suppress(BadMessage):
        decode_request(raw)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    for body in (Grip("left", value, 1.0), Grip("left", 0.1, 1.0, value), Pause(value)):
        with pytest.raises(BadMessage) as caught:
            decode_request(encode(Request("a", "operator", "ann", body)))
        assert caught.value.code == "not_finite"
    knots = np.array([0.0, value, 0.0]).tobytes()
    with pytest.raises(BadMessage):
        decode_request(encode(Request("a", "operator", "ann", TrajLoad("k", 0, 1, 1, knots))))


def test_unknown_fields_and_commands_are_refused() -> None:
    good = msgspec.msgpack.decode(encode(Request("a", "operator", "ann", Hello())))
    for change in (
        {"shout": 1},
        {"body": {"op": "HELLO", "loud": True}},
        {"body": {"op": "DANCE"}},
        {"role": "god"},
        {"id": 7},
    ):
        with pytest.raises(BadMessage) as caught:
            decode_request(msgspec.msgpack.encode({**good, **change}))
        assert caught.value.code == "malformed" and "\n" not in str(caught.value)


def test_an_oversized_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadMessage) as caught:
        decode_request(b"\xc1" * (MAX_MESSAGE + 1))
    assert caught.value.code == "oversized"


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4000), st.integers(1, 8), st.randoms(use_true_random=False))
def test_trajectories_travel_whole_in_parts_that_fit(knots: int, joints: int, random) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(random.randrange(2**32))
    sent = Trajectory(
        np.arange(knots) * 0.01, rng.normal(size=(knots, joints)), rng.normal(size=(knots, joints))
    )
    parts = pack_trajectory(sent, "key")
    for part in parts:
        assert len(encode(Request("a" * 40, "operator", "ann" * 9, part))) <= MAX_MESSAGE
    got = unpack_trajectory(parts)
    for a, b in ((got.t_s, sent.t_s), (got.q_rad, sent.q_rad), (got.dq_rad_s, sent.dq_rad_s)):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "part",
    [
        TrajLoad("k", 0, 1, 3, b""),
        TrajLoad("k", 0, 1, 3, b"\0" * 57),
        TrajLoad("k", 0, 1, 0, b"\0" * 8),
        TrajLoad("k", 0, 1, -3, b"\0" * 40),
    ],
)
def test_knots_that_do_not_fit_are_malformed(part: TrajLoad) -> None:
    with pytest.raises(BadMessage):
        unpack_trajectory([part])


@settings(max_examples=30, deadline=None)
@given(
    st_np.arrays(np.float64, st.tuples(st.integers(0, 2000), st.just(9)), elements=st.floats(-9, 9))
)
def test_samples_travel_in_pages_that_fit(rows) -> None:  # type: ignore[no-untyped-def]
    n = len(rows)
    log = SampleLog("left", np.arange(n) * 0.01, rows[:, :3], rows[:, 3:6], rows[:, 6], rows[:, 7])
    page = pack_samples(log)
    table = unpack_samples(page)
    assert len(page.rows) <= MAX_MESSAGE and page.more == (len(table) < n)
    assert np.array_equal(table[:, 3:6], rows[: len(table), :3])
    assert np.array_equal(table[:, 1], rows[: len(table), 6])


def test_a_trajectory_is_not_changed_by_travel() -> None:
    sent = smooth([0.0, 0.0], [1.0, -1.0], 2.0)
    assert np.array_equal(unpack_trajectory(pack_trajectory(sent, "k")).q_rad, sent.q_rad)
