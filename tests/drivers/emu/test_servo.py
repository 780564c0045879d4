"""What a servo does with its registers."""

from __future__ import annotations

from bench import Bench, packets, told
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emu.memory import Memory, sign_bit, signed
from drivers.emu.profile import Profile


@settings(deadline=None)
@given(st.integers(-40000, 40000), st.sampled_from([10, 11, 15]))
def test_the_sign_is_one_bit(value: int, bit: int) -> None:
    most = (1 << bit) - 1
    assert signed(sign_bit(value, bit), bit) == max(-most, min(most, value))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 4095), st.integers(1, 400)), min_size=1, max_size=6),
    st.floats(200, 3000),
    st.floats(500, 30000),
)
def test_a_profile_keeps_its_limits_and_ends_at_its_goal(
    goals: list[tuple[float, int]], top: float, acceleration: float
) -> None:
    profile, dt = Profile(), 1 / 512
    for goal, steps in goals:
        for _ in range(steps):
            before = profile.at, profile.speed
            profile.step(goal, top, acceleration, dt)
            assert abs(profile.at - before[0]) <= top * dt * 1.001 + 1e-6
            if profile.at != goal:
                assert abs(profile.speed - before[1]) <= acceleration * dt * 1.001
    for _ in range(80_000):
        if profile.at == goals[-1][0]:
            break
        profile.step(goals[-1][0], top, acceleration, dt)
    assert (profile.at, profile.speed) == (goals[-1][0], 0.0)


def test_a_rested_profile_never_overshoots() -> None:
    profile, seen = Profile(), []
    profile.rest_at(100.0)
    for _ in range(2000):
        profile.step(1100.0, 1500.0, 6000.0, 1 / 512)
        seen.append(profile.at)
    assert max(seen) == 1100.0 and seen == sorted(seen)


def test_a_locked_eeprom_drops_writes_or_forgets_them() -> None:
    for mode, kept in (("drop", 0), ("volatile", 77)):
        memory = Memory()
        memory.lock_mode = mode
        memory.write(31, bytes([77, 0]))
        assert memory.cells[31] == kept
        memory.power_up()
        assert memory.cells[31] == 0
    memory.write(55, b"\0")
    memory.write(31, bytes([77, 0]))
    memory.power_up()
    assert memory.cells[31] == 77
    assert memory.cells[55] == 1


def test_what_is_measured_cannot_be_written(bench: Bench) -> None:
    bench.write(1, 56, 1, 1, 1, 1)
    bench.write(1, 3, 0, 0)
    assert bench.position(1) == 2048
    assert bench.read(1, 3, 2) == (777).to_bytes(2, "little")


def test_a_goal_energises_and_moves_within_the_servos_own_limits(bench: Bench) -> None:
    bench.servo(1).memory.poke(9, (1500).to_bytes(2, "little") + (2500).to_bytes(2, "little"))
    assert bench.read(1, 40, 1) == b"\0"
    bench.goal(1, 3000)
    assert bench.read(1, 40, 1) == b"\1"
    bench.pass_time(2.0)
    assert abs(bench.position(1) - 2500) <= 2
    record = bench.bus.log.newest(1)[0]
    assert (record.asked, record.taken, record.energised) == (3000, 2500, False)


def test_torque_on_drives_to_what_stands_in_the_goal_register(bench: Bench) -> None:
    bench.inject("stale_goal", servo=2, ticks=2600)
    bench.pass_time(0.5)
    assert bench.position(2) == 2048
    bench.write(2, 40, 1)
    bench.pass_time(1.5)
    assert abs(bench.position(2) - 2600) <= 2


def test_seeding_the_goal_first_keeps_it_still(bench: Bench) -> None:
    bench.inject("stale_goal", servo=2, ticks=2600)
    bench.goal(2, bench.position(2))
    bench.pass_time(1.0)
    assert abs(bench.position(2) - 2048) <= 2


def test_speed_and_acceleration_are_those_of_the_registers(bench: Bench) -> None:
    bench.write(1, 41, 20, *(3048).to_bytes(2, "little"), 0, 0, *(400).to_bytes(2, "little"))
    bench.pass_time(1.0)
    # 400 steps a second, reached after 0.2 s.
    assert 300 < bench.position(1) - 2048 < 380
    assert abs(int.from_bytes(bench.read(1, 58, 2), "little") - 400) < 30
    assert bench.read(1, 66, 1) == b"\1"


def test_a_blocked_servo_trips_its_overload_and_is_weak_until_told_back(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("jam", servo=1)
    bench.goal(1, 3000)
    bench.pass_time(1.0)
    ((_, error, data),) = packets(bench.ask(told(1, 2, 60, 2)))
    assert error == 0 and int.from_bytes(data, "little") & 0x3FF > 900
    bench.pass_time(1.5)
    ((_, error, data),) = packets(bench.ask(told(1, 2, 60, 2)))
    assert error == 32 and int.from_bytes(data, "little") & 0x3FF <= 200
    bench.inject("jam", servo=1, on=0)
    bench.goal(1, 1900)
    assert packets(bench.ask(told(1, 1))) == [(1, 0, b"")]


def test_a_torque_cycle_clears_an_overload(bench: Bench) -> None:
    bench.inject("overload", servo=1)
    assert packets(bench.ask(told(1, 1))) == [(1, 32, b"")]
    bench.write(1, 40, 0)
    assert packets(bench.ask(told(1, 1))) == [(1, 0, b"")]


def test_heat_comes_from_work_and_cuts_the_motor(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("jam", servo=1)
    bench.servo(1).memory.poke(36, bytes([200]))
    bench.goal(1, 3000)
    before = bench.servo(1).body.temperature_C
    bench.pass_time(5.0)
    assert bench.servo(1).body.temperature_C > before + 1.0
    bench.inject("heat", servo=1, celsius=71)
    bench.pass_time(0.1)
    ((_, error, data),) = packets(bench.ask(told(1, 2, 60, 4)))
    assert error & 4 and data[3] >= 70
    assert abs(bench.servo(1).shaft.torque_Nm) < 1e-9


def test_the_present_pose_becomes_the_middle(bench: Bench) -> None:
    bench.goal(1, 2300)
    bench.pass_time(1.0)
    bench.write(1, 55, 0)
    bench.write(1, 40, 128)
    assert abs(bench.position(1) - 2048) <= 1
    assert abs(signed(int.from_bytes(bench.read(1, 31, 2), "little"), 11) - 252) <= 2


def test_homing_is_modulo_a_turn_and_turns_count_when_asked(bench: Bench) -> None:
    bench.inject("homing", servo=1, by=2047)
    assert bench.position(1) == 1
    bench.inject("homing", servo=1, by=-2047)
    bench.inject("turns", servo=1, count=-1)
    raw = int.from_bytes(bench.read(1, 56, 2), "little")
    assert raw & 0x8000 and signed(raw, 15) == 2048 - 4096


def test_a_power_cycle_forgets_torque_and_what_was_not_saved(bench: Bench) -> None:
    bench.goal(1, 2200)
    bench.write(1, 48, 100, 0)
    bench.inject("power_cycle")
    assert bench.read(1, 40, 1) == b"\0"
    assert int.from_bytes(bench.read(1, 48, 2), "little") == 1000


def test_gravity_pulls_a_held_shaft_off_and_play_hides_half_a_tooth(bench: Bench) -> None:
    bench.plant.load_Nm[0] = 1.0
    for servo_id in (1, 2):
        bench.write(servo_id, 21, 16)
        bench.goal(servo_id, 2048)
    bench.pass_time(2.0)
    sag_deg = (2048 - bench.position(1)) * 360 / 4096
    assert 0.6 < sag_deg < 2.0
    assert abs(bench.position(2) - 2048) <= 1
    hidden_rad = bench.plant.shafts[0].angle_rad - bench.plant._horn[0]
    assert abs(abs(hidden_rad) - 0.25 * 3.14159 / 180) < 1e-3
