"""What the wire does: instructions found in any stream, answers in time and byte for byte."""

from __future__ import annotations

from pathlib import Path

from bench import Bench, packets, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.emu.packet import InstructionReader
from drivers.emu.wire import Wire

params = st.binary(max_size=20)
whole = st.tuples(st.integers(0, 0xFE), st.integers(0, 0x83), params)


@settings(deadline=None)
@given(st.lists(whole, max_size=5), st.integers(1, 7))
def test_instructions_are_found_however_they_are_cut(
    sent: list[tuple[int, int, bytes]], piece: int
) -> None:
    stream = b"".join(told(i, c, *p) for i, c, p in sent)
    reader = InstructionReader()
    found = []
    for at in range(0, len(stream), piece):
        found += reader.feed(stream[at : at + piece])
    assert [tuple(f) for f in found] == sent
    assert reader.stray == reader.spoilt == 0


@settings(deadline=None)
@given(st.binary(max_size=200), whole)
def test_garbage_is_passed_over_and_counted(junk: bytes, sent: tuple[int, int, bytes]) -> None:
    reader = InstructionReader()
    reader.feed(junk)
    reader.forget()
    assert tuple(sent) in [tuple(f) for f in reader.feed(told(sent[0], sent[1], *sent[2]))]


def test_answers_are_right_byte_for_byte(bench: Bench) -> None:
    assert bench.ask(bytes.fromhex("ffff010201fb")) == bytes.fromhex("ffff010200fc")
    # The example of the protocol manual: present position of servo 1.
    assert bench.ask(bytes.fromhex("ffff0104023802be")) == bytes.fromhex("ffff0104000008f2")
    assert bench.ask(bytes.fromhex("ffff0104023802bd")) == b""


def test_everyone_answers_a_broadcast_ping_one_after_the_other(bench: Bench) -> None:
    assert packets(bench.ask(told(0xFE, 1))) == [(1, 0, b""), (2, 0, b""), (3, 0, b"")]


def test_a_sync_read_is_answered_in_the_order_asked(bench: Bench) -> None:
    found = packets(bench.ask(told(0xFE, 0x82, 56, 2, 3, 1, 9, 2)))
    assert [servo_id for servo_id, _, _ in found] == [3, 1, 2]
    assert all(data == b"\x00\x08" for _, _, data in found)


def test_an_unfinished_packet_is_given_up_after_a_silence(bench: Bench) -> None:
    assert bench.ask(told(1, 1)[:4], within_s=0.1) == b""
    assert packets(bench.ask(told(2, 1))) == [(2, 0, b"")]


def test_writes_are_answered_only_at_response_level_one(bench: Bench) -> None:
    assert packets(bench.ask(told(1, 3, 41, 50))) == [(1, 0, b"")]
    bench.servo(1).memory.poke(8, b"\0")
    assert bench.ask(told(1, 3, 41, 60)) == b""
    assert bench.read(1, 41, 1) == bytes([60])


def test_bytes_take_their_time_on_the_wire() -> None:
    wire = Wire(latency_s=0.001, timed=True)
    at_s = wire.heard(14, 0.0, 1_000_000)
    for _ in range(6):
        at_s = wire.send(bytes(21), at_s + 0.0005, 1_000_000)
    # 140 µs for the question, six times 500 µs of return delay and 210 µs of answer.
    assert abs(at_s - 0.0044) < 1e-9
    assert wire.due_s() == at_s + 0.001 or wire.due_s() == wire._hand_overs()[-1][0]
    assert wire.deliver(at_s + 0.0011) == bytes(126)
    assert wire.due_s() is None


def test_a_latency_timer_keeps_the_last_bytes_back() -> None:
    wire = Wire(latency_s=0.016, timed=True)
    at_s = wire.send(bytes(126), 0.0, 1_000_000)
    assert len(wire.deliver(at_s)) == 124
    assert wire.deliver(at_s + 0.015) == b""
    assert len(wire.deliver(at_s + 0.0161)) == 2


def test_without_wire_time_an_answer_is_there_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, wire_time=False)
    bench.bus.heard(told(1, 1), 0.0, 1_000_000)
    assert packets(bench.bus.wire.deliver(0.0)) == [(1, 0, b"")]
    bench.close()


def test_a_changed_id_or_speed_is_answered_the_old_way(bench: Bench) -> None:
    bench.write(1, 55, 0)
    assert packets(bench.ask(told(1, 3, 5, 9))) == [(1, 0, b"")]
    assert packets(bench.ask(told(9, 1))) == [(9, 0, b"")]
    assert packets(bench.ask(told(9, 3, 6, 1))) == [(9, 0, b"")]
    assert bench.ask(told(9, 1)) == b""
    assert packets(bench.ask(told(9, 1), baud=500_000)) == [(9, 0, b"")]


instruction = st.tuples(
    st.sampled_from([1, 2, 3, 0xFE, 7]),
    st.sampled_from([1, 2, 3, 4, 5, 6, 0x82, 0x83, 0x55]),
    st.binary(max_size=24),
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(instruction | st.binary(max_size=40), max_size=12))
def test_no_instruction_upsets_a_servo(
    tmp_path: Path, sent: list[tuple[int, int, bytes] | bytes]
) -> None:
    bench = Bench(tmp_path)
    for item in sent:
        bench.ask(item if isinstance(item, bytes) else told(item[0], item[1], *item[2]), 0.01)
    bench.pass_time(0.05)
    for servo in bench.bus.servos:
        servo.read(0, 128)
        assert all(abs(s.angle_rad) < 1e3 for s in bench.plant.shafts)
    bench.close()


def test_more_than_an_answer_can_hold_is_not_answered(bench: Bench) -> None:
    assert bench.ask(told(1, 2, 0, 255)) == b""
    assert bench.ask(told(0xFE, 0x82, 0, 255, 1, 2)) == b""
    assert len(bench.read(1, 100, 100)) == 100
