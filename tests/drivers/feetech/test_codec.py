"""Packets and registers: whatever comes in, whole packets are found and nothing is raised."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers.feetech import codec
from drivers.feetech import registers as r
from drivers.feetech.codec import Status, StatusStream

statuses = st.builds(
    Status,
    id=st.integers(0, codec.LARGEST_ID),
    error=st.integers(0, codec.LARGEST_ERROR),
    params=st.binary(max_size=40),
)
quiet = st.binary(max_size=30).map(lambda b: b.replace(b"\xff", b"\xfe"))
"""Noise in which no packet can begin."""


def wire(status: Status) -> bytes:
    return codec.packet(status.id, status.error, status.params)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(st.tuples(quiet, statuses)), st.lists(st.integers(0, 10_000)))
def test_every_packet_is_found_between_noise_in_any_pieces(
    sent: list[tuple[bytes, Status]], cuts: list[int]
) -> None:
    stream = StatusStream()
    data = b"".join(noise + wire(status) for noise, status in sent)
    found = [status for piece in pieces(data, cuts) for status in stream.feed(piece)]
    assert found == [status for _, status in sent]
    assert stream.discarded == sum(len(noise) for noise, _ in sent)
    assert stream.pending == 0


@given(st.lists(st.binary(max_size=80)), st.one_of(st.none(), st.integers(0, 20)))
def test_garbage_is_counted_to_the_last_byte(chunks: list[bytes], params: int | None) -> None:
    stream = StatusStream(params)
    found = [status for chunk in chunks for status in stream.feed(chunk)]
    used = sum(len(wire(status)) for status in found)
    assert used + stream.discarded + stream.pending == sum(map(len, chunks))
    assert all(status.id <= codec.LARGEST_ID for status in found)


@given(st.binary(max_size=60), statuses)
def test_a_packet_of_the_expected_size_survives_any_noise_before_it(
    noise: bytes, status: Status
) -> None:
    """A false header can hide at most itself: a second copy is always found."""
    stream = StatusStream(len(status.params))
    found = stream.feed(noise + wire(status) + wire(status) + bytes(64))
    assert status in found


@given(st.integers(0, codec.LARGEST_ID), st.integers(2, 9), statuses)
def test_a_packet_that_begins_inside_a_false_one_is_found(
    servo: int, length: int, status: Status
) -> None:
    """A header whose packet was torn swallows the one behind it, unless it is looked at again."""
    torn = codec.HEADER + bytes((servo, length, 0))
    stream = StatusStream()
    found = stream.feed(torn + wire(status) + bytes(16))
    assume(stream.bad_checksums >= 1)  # by chance the false one adds up
    assert found[-1:] == [status]


@given(statuses, st.integers(2, 30), st.integers(1, 255))
def test_a_flipped_bit_is_never_believed(status: Status, at: int, flip: int) -> None:
    data = bytearray(wire(status))
    data[at % len(data)] ^= flip
    assert status not in StatusStream().feed(bytes(data))


def test_the_packets_of_the_reference() -> None:
    assert codec.ping(1) == bytes.fromhex("ffff010201fb")
    assert codec.read(1, 56, 2) == bytes.fromhex("ffff0104023802be")
    assert codec.sync_read(56, 8, (1, 2)) == bytes.fromhex("fffffe06823808010236")
    goal = codec.sync_write(42, {1: b"\x00\x08", 2: b"\x00\x08"})
    assert goal == bytes.fromhex("fffffe0a832a0201000802000835")


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        codec.sync_write(42, {1: b"\x00", 2: b"\x00\x00"})


signed = [register for register in r.ALL if register.sign_bit is not None]


@pytest.mark.parametrize("register", r.ALL, ids=lambda register: register.name)
def test_values_come_back_from_their_registers(register: r.Register) -> None:
    top = (1 << (8 * register.size if register.sign_bit is None else register.sign_bit)) - 1
    for value in {0, 1, top // 2, top}:
        assert register.decode(register.encode(value)) == value
        if register.sign_bit is not None:
            assert register.decode(register.encode(-value)) == -value
    with pytest.raises(r.OutOfRange):
        register.encode(top + 1)


def test_signs_sit_in_a_bit_of_their_own_per_register() -> None:
    assert {register.name: register.sign_bit for register in signed} == {
        "homing offset": 11,
        "goal position": 15,
        "goal speed": 15,
        "position": 15,
        "speed": 15,
        "load": 10,
        "current": 15,
    }
    assert r.HOMING_OFFSET.encode(-5) == (0x0805).to_bytes(2, "little")
    assert r.LOAD.decode((0x0405).to_bytes(2, "little")) == -5
    assert r.POSITION.decode((0x8005).to_bytes(2, "little")) == -5
