"""The decoder of what a program sends: whatever comes, only messages, bad frames or a violation."""

from __future__ import annotations

import json
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.rollout.sandbox.api import (
    Answer,
    Call,
    Function,
    Namespace,
    Parameter,
    ProgramLimits,
)
from aspire_tui.rollout.sandbox.frames import (
    BadFrame,
    CallFrame,
    EndFrame,
    Message,
    NotKnown,
    Outgoing,
    Reader,
    Unsendable,
    WireViolation,
    decode_arguments,
)
from aspire_tui.rollout.sandbox.inside import wire
from aspire_tui.rollout.sandbox.lent import LentArrays, digest_of
from aspire_tui.rollout.sandbox.reception import Malformed, Reception, TokenBucket

FRAME_MAX, ARRAYS_MAX = 4096, 65536


def framed(text: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(text)) + text + payload


def call(arguments: object, arrays: object = (), payload: bytes = b"", **more: object) -> bytes:
    header = {"t": "call", "n": 1, "f": "f", "line": 1, "a": arguments, "arrays": arrays, **more}
    return framed(json.dumps(header).encode(), payload)


def reader() -> Reader:
    return Reader(FRAME_MAX, ARRAYS_MAX)


def decoded(data: bytes, known: dict | None = None) -> dict:
    (message,) = reader().feed(data)
    assert isinstance(message, Message)
    assert isinstance(message.header, CallFrame)
    return decode_arguments(message.header, message.arrays, known or {})


BAD = [
    b"", b"{}", b"null", b"[]", b"\xff\xfe", b"{", b'{"t":"call"}', b'{"t":"other"}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":[]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{"x":NaN}}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{"x":1e999}}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"extra":1}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{"x":' + b"[" * 1500 + b"]" * 1500 + b"}}",
    b'{"t":"call","n":1.5,"f":"f","line":1,"a":{}}',
    b'{"t":"end","ended":"aborted","error":"","line":0,"claimed":null}',
    b'{"t":"end","ended":"returned","error":"","line":0,"claimed":"yes"}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"object","shape":[1]}]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"O","shape":[1]}]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"uint8","shape":[-1]}]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"uint8","shape":[0,1e9]}]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"uint8","shape":[0,4294967296]}]}',
    b'{"t":"call","n":1,"f":"f","line":1,"a":{},"arrays":[{"dtype":"uint8","shape":[1,1,1,1,1,1,1,1,1]}]}',
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_nonsense_is_a_bad_frame_and_the_next_message_is_read(text):
    good = call({"x": 1})
    bad, message = reader().feed(framed(text) + good)
    assert isinstance(bad, BadFrame)
    assert bad.why.isprintable()
    assert isinstance(message, Message)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", FRAME_MAX + 1),
        struct.pack(">I", 0xFFFFFFFF) + b"x" * 100,
        call({}, [{"dtype": "uint8", "shape": [ARRAYS_MAX + 1]}]),
        call(
            {}, [{"dtype": "float64", "shape": [ARRAYS_MAX // 8]}, {"dtype": "bool", "shape": [1]}]
        ),
        call({}, [{"dtype": "uint8", "shape": [1]}] * 65),
    ],
)
def test_what_is_too_large_is_a_violation_before_it_is_read(data):
    with pytest.raises(WireViolation):
        reader().feed(data)


ARGUMENTS_BAD = [
    {"$": "a", "i": 0}, {"$": "a", "i": -1}, {"$": "a", "i": True}, {"$": "a"}, {"$": "z"},
    {"$": 1}, {"$": "t", "v": {}}, {"$": "m", "v": [[1]]}, {"$": "m", "v": [1]},
    {"$": "r", "s": "GREAT", "d": "", "f": {}}, {"$": "r", "s": "OK", "d": "", "f": []},
    {"$": "f", "v": "nan"}, {"$": "t"}, {"$": "d", "h": 3},
]  # fmt: skip


@pytest.mark.parametrize("value", ARGUMENTS_BAD)
def test_marks_that_make_no_sense_are_malformed(value):
    (message,) = reader().feed(call({"x": value}))
    with pytest.raises(Malformed):
        _reception().answer(message, message.header)


def test_depth_is_bounded():
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Unsendable, match="nested deeper"):
        decoded(call({"x": deep}))
    mapping: object = 1
    for _ in range(40):
        mapping = {"$": "m", "v": [["k", mapping]]}
    with pytest.raises(Unsendable, match="nested deeper"):
        decoded(call({"x": mapping}))


def test_numbers_are_bounded():
    with pytest.raises(Unsendable, match="beyond 64 bits"):
        decoded(framed(b'{"t":"call","n":1,"f":"f","line":1,"a":{"x":' + b"9" * 3000 + b"}}"))


def test_unhashable_keys_are_refused():
    with pytest.raises(Unsendable, match="key of type list"):
        decoded(call({"x": {"$": "m", "v": [[[1], 2]]}}))


def test_an_unknown_digest_asks_for_the_array():
    with pytest.raises(NotKnown):
        decoded(call({"x": {"$": "d", "h": "00" * 16}}))


def _reception() -> Reception:
    space = Namespace((Function("f", (Parameter("x", True), Parameter("y", False, 1)), ""),))
    return Reception(space, lambda c: Answer(None), ProgramLimits(), None, lambda: 0.0)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (call({"x": 1}, f="g"), "'g' is not a declared primitive"),
        (call({"x": 1}, f="__class__"), "'__class__' is not a declared primitive"),
        (call({"x": 1, "z": 1}), "f has no argument 'z'"),
        (call({"y": 1}), "f needs the argument x"),
    ],
)
def test_only_what_is_declared_can_be_called(frame, why):
    (message,) = reader().feed(frame)
    header, _ = _reception().answer(message, message.header)
    assert (header["t"], header["status"], header["detail"]) == ("err", "INVALID", why)


def test_too_many_calls_per_second_wait():
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    space = Namespace((Function("f", (Parameter("x", True),), ""),))
    limits = ProgramLimits(calls=10**6)
    reception = Reception(space, lambda c: Answer(None), limits, None, lambda: now[0], sleep)
    (message,) = reader().feed(call({"x": 1}))
    for _ in range(2000):
        reception.answer(message, message.header)
    assert not slept
    for _ in range(200):
        reception.answer(message, message.header)
    assert now[0] == pytest.approx(0.1)


def test_a_bucket_refills_no_further_than_its_burst():
    bucket = TokenBucket(10.0, 5.0, 0.0)
    assert [bucket.take(100.0) > 0 for _ in range(6)] == [False] * 5 + [True]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    | st.lists(inner, max_size=3).map(tuple),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
@settings(max_examples=150, deadline=None)
def test_what_the_program_encodes_is_what_we_decode(value):
    encoder = wire.Encoder(set(), ARRAYS_MAX, inline=False)
    encoded = {"x": encoder.encode(value)}
    header = {"t": "call", "n": 1, "f": "f", "line": 1, "a": encoded}
    frame = wire.pack(header, encoder.arrays)
    (message,) = Reader(1 << 20, ARRAYS_MAX).feed(framed(frame))
    assert decode_arguments(message.header, message.arrays, {}) == {"x": value}


@given(json_values)
@settings(max_examples=150, deadline=None)
def test_what_we_encode_is_what_the_program_decodes(value):
    outgoing = Outgoing()
    (data,) = outgoing.message({"v": outgoing.encode(value)})
    assert wire.decode(json.loads(data[4:])["v"], []) == value


@given(st.binary(max_size=300), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_any_bytes_in_pieces_of_any_size(data, piece):
    """Never another exception, and the same messages however the stream is cut."""

    def read(pieces: list[bytes]) -> object:
        r, out = reader(), []
        try:
            for p in pieces:
                out += r.feed(p)
        except WireViolation as violation:
            return out, str(violation)
        return out, None

    whole = read([data])
    cut = read([data[i : i + piece] for i in range(0, len(data), piece)])
    assert cut[1] == whole[1]
    assert [type(m) for m in cut[0]][: len(whole[0])] == [type(m) for m in whole[0]]


SEEDS = [
    call({"x": [0.1, 0.2, {"$": "t", "v": [1, 2]}], "y": {"$": "a", "i": 0}},
         [{"dtype": "float64", "shape": [2, 2]}], bytes(32)),
    call({"x": {"$": "r", "s": "OK", "d": "d", "f": {"q": [1.5]}}}),
    call({"x": {"$": "m", "v": [[1, {"$": "d", "h": "ab"}]]}, "y": {"$": "x", "w": "NaN"}}),
    framed(b'{"t":"end","ended":"raised","error":"e","line":3,"claimed":true}'),
    framed(b'{"t":"probe","denied":["a"],"leaks":[]}'),
]  # fmt: skip


def test_thousands_of_mutated_frames_never_surprise():
    rng = random.Random(20240229)
    lent = LentArrays()
    lent.remember([np.zeros(4096, np.uint8)])
    accepted = 0
    for _ in range(6000):
        data = bytearray(rng.choice(SEEDS))
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(4 if rng.random() < 0.9 else 0, len(data))
            act = rng.random()
            if act < 0.5:
                data[at] = rng.choice(b'0123456789"{}[]:,.$-eEtrufalsn\x00\xff')
            elif act < 0.75:
                del data[at : at + rng.randint(1, 8)]
            else:
                data[at:at] = bytes(data[at : at + rng.randint(1, 12)])
            if len(data) < 5:
                break
        if rng.random() < 0.8:
            end = data.rfind(b"}") + 1
            data[:4] = struct.pack(">I", max(0, end - 4))
        try:
            messages = reader().feed(bytes(data))
        except WireViolation:
            continue
        for message in messages:
            if not isinstance(message, Message) or not isinstance(message.header, CallFrame):
                continue
            try:
                header, _ = Reception(
                    Namespace((Function("f", (Parameter("x", True), Parameter("y", False)), ""),)),
                    lambda c: Answer(isinstance(c, Call)),
                    ProgramLimits(),
                    None,
                    lambda: 0.0,
                ).answer(message, message.header)
            except Malformed:
                continue
            assert header["t"] in ("ok", "err", "again")
            accepted += header["t"] == "ok"
    assert accepted > 100  # the mutations are not so wild that nothing is ever decoded


def test_an_end_in_the_middle_of_a_message_is_not_a_message():
    r = reader()
    whole = call({"y": {"$": "a", "i": 0}}, [{"dtype": "uint8", "shape": [9]}], b"123456789")
    assert r.feed(whole[:-1]) == []
    (message,) = r.feed(whole[-1:])
    assert bytes(message.arrays[0]) == b"123456789"
    assert not isinstance(message.header, EndFrame)


def test_lent_arrays_are_found_by_content_and_forgotten_when_old():
    lent = LentArrays(kept_bytes=3 * 8192)
    arrays = [np.full(8192, i, np.uint8) for i in range(4)]
    lent.remember(arrays[:3])
    assert digest_of(arrays[0]) in lent
    lent.remember([arrays[3], np.zeros(10, np.uint8)])
    held = [digest_of(a) in lent for a in arrays]
    assert held == [True, False, True, True]  # the one asked for stayed, the oldest other went
    reshaped = arrays[2].reshape(64, 128)
    assert digest_of(reshaped) not in lent
    assert wire.digest(arrays[2]) == digest_of(arrays[2])
