"""Calibration: LeRobot's file to the byte, a sweep by hand, EEPROM written as servos need it."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
from sts_fake import FakeLine
from sts_fake_arm import energised, opened
from sts_process import Command, EmulatedBus, hardware_cell, so101

from drivers.feetech.arm import FeetechArm
from drivers.feetech.bus import Bus
from drivers.feetech.calibrating import (
    HandCalibration,
    NotDone,
    calibration_of,
    write_calibration,
)
from drivers.feetech.calibration import (
    Beside,
    CalibrationError,
    JointZero,
    ServoCalibration,
    beside,
    calibration_text,
    load_calibration,
    save_beside,
    save_calibration,
)
from drivers.feetech.eeprom import NotKept, TorqueIsOn
from drivers.feetech.ids import IdsRefused, find_single, set_baud, set_id
from drivers.feetech.link import SerialLink
from drivers.feetech.measuring import Hindered, Mover, tolerance_rad
from drivers.feetech.section import FeetechSection

RAD = 2.0 * math.pi / 4096.0
POSITION, HOMING = 56, 31

LEROBOTS = """{
    "shoulder_pan": {
        "id": 1,
        "drive_mode": 0,
        "homing_offset": -1470,
        "range_min": 758,
        "range_max": 3292
    },
    "gripper": {
        "id": 6,
        "drive_mode": 0,
        "homing_offset": 1312,
        "range_min": 2031,
        "range_max": 3476
    }
}"""


def test_lerobots_file_comes_back_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "arm.json"
    path.write_text(LEROBOTS)
    calibration = load_calibration(path)
    assert calibration_text(calibration) == LEROBOTS
    save_calibration(path, calibration)
    assert path.read_text() == LEROBOTS
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"homing_offset": 2048}, "not in its middle"),
        ({"range_min": 3300}, "is not within"),
        ({"range_max": 4096}, "is not within"),
        ({"id": 254}, "id 254"),
        ({"drive_mode": 2}, "drive_mode 2"),
        ({"homing_offset": "x"}, "not LeRobot's"),
        ({"surplus": 1}, "not LeRobot's"),
    ],
)
def test_a_bad_file_is_refused_by_joint_and_value(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    table = json.loads(LEROBOTS)
    table["shoulder_pan"] |= change
    (tmp_path / "arm.json").write_text(json.dumps(table))
    with pytest.raises(CalibrationError, match=said):
        load_calibration(tmp_path / "arm.json")


def move(line: FakeLine, raw: dict[int, int]) -> None:
    """Turn joints by hand: what the encoders read, seen through each servo's own offset."""
    for servo, ticks in raw.items():
        one = line.servos[servo]
        word = one.word(HOMING)
        offset = -(word & 0x7FF) if word & 0x800 else word
        one.put(POSITION, (ticks - offset) % 4096)


def by_hand(line: FakeLine) -> HandCalibration:
    arm = opened(line)
    return HandCalibration(arm.bus, arm.wiring, ["wrist_roll"])


def test_middle_sweep_and_zero_become_lerobots_numbers_and_our_zeros() -> None:
    line = FakeLine()
    line.servos[3].put(HOMING, 1 << 11 | 300)  # an offset from before
    middles = {1: 1000, 2: 2047, 3: 3900, 4: 40, 5: 2500, 6: 2100}
    move(line, middles)
    hand = by_hand(line)
    assert hand.middle() == {
        "shoulder_pan": -1047,
        "shoulder_lift": 0,
        "elbow_flex": 1853,
        "wrist_flex": -2007,
        "wrist_roll": 453,
        "gripper": 53,
    }
    for by in (0, 300, 600, 900, 500, 0, -400, -800, -100):
        move(line, {n: (raw + by) % 4096 for n, raw in middles.items()})
        hand.watch()
    move(line, {n: (raw + 100) % 4096 for n, raw in middles.items()})
    hand.zero()
    calibration = hand.result()
    assert calibration["elbow_flex"] == ServoCalibration(3, 0, 1853, 2047 - 800, 2047 + 900)
    assert calibration["wrist_roll"] == ServoCalibration(5, 0, 453, 0, 4095)
    zeros = hand.zeros(calibration)
    # The middle of the swept range is 50 ticks on, the model's zero 100.
    assert zeros["elbow_flex"].zero_offset_rad == pytest.approx(-50 * RAD)
    assert line.writes == []


def test_a_joint_that_turns_the_other_way_gets_its_sign_and_zero() -> None:
    line = FakeLine()
    hand = by_hand(line)
    hand.middle()
    for by in (0, 500, 1000, 500, 0, -500, -1000):
        move(line, dict.fromkeys(line.servos, 2047 + by))
        hand.watch()
    move(line, dict.fromkeys(line.servos, 2147))
    hand.zero()
    before = hand.positions()["elbow_flex"]
    with pytest.raises(NotDone, match="30 ticks only"):
        move(line, {3: 2117})
        hand.turned("elbow_flex", before)
    move(line, {3: 2047})
    assert hand.turned("elbow_flex", before) == -1
    zeros = hand.zeros(hand.result())
    assert zeros["elbow_flex"] == JointZero(pytest.approx(100 * RAD), -1)
    assert zeros["wrist_flex"] == JointZero(pytest.approx(-100 * RAD), 1)


def test_a_joint_that_was_forgotten_or_ran_over_its_end_is_named() -> None:
    line = FakeLine()
    hand = by_hand(line)
    with pytest.raises(NotDone, match="middle pose comes first"):
        hand.watch()
    hand.middle()
    for by in range(0, 1000, 100):
        move(line, dict.fromkeys((2, 3, 4, 5, 6), 2047 + by))
        hand.watch()
    with pytest.raises(NotDone, match="shoulder_pan: it hardly moved"):
        hand.result()
    for ticks in (3000, 4000, 100):
        move(line, {1: ticks})
        hand.watch()
    with pytest.raises(NotDone, match="shoulder_pan: it passed the end"):
        hand.result()


def test_what_was_calibrated_is_what_the_driver_reads_afterwards(tmp_path: Path) -> None:
    rows = {
        name: ServoCalibration(n, 0, 0, 1000, 3000)
        for n, name in enumerate([*(j.name for j in so101().joints), "gripper"], 1)
    }
    save_calibration(tmp_path / "arm.json", rows)
    save_beside(tmp_path / "arm.json", Beside({"elbow_flex": JointZero(0.25, -1)}))
    line = FakeLine()
    line.servos[3].put(POSITION, 2100)
    arm = FeetechArm(
        so101(),
        FeetechSection(calibration="arm.json"),
        "fake",
        line.clock,
        tmp_path,
        link=lambda port, baud: line,
    )
    arm.open()
    assert arm.read(0.01).q_rad[2] == pytest.approx(0.25 - 100 * RAD)


# -- over a real line, into EEPROMs that drop what is written while they are locked -----------


def test_a_calibration_reaches_the_eeprom_and_survives_the_power(emulated: EmulatedBus) -> None:
    arm = emulated.arm()
    arm.open()
    emulated.inject("register", servo=5, address=18, value=16)
    emulated.inject("register", servo=4, address=8, value=0)
    names = arm.wiring.names
    rows = {
        name: ServoCalibration(n, 0, 10 * n - 35, 1000, 3000) for n, name in enumerate(names, 1)
    }
    write_calibration(arm.bus, arm.wiring, rows)
    emulated.inject("power_cycle")
    arm.open()
    assert calibration_of(arm.bus, arm.wiring) == rows
    codes = {f.code for f in arm.check()}
    assert not codes & {"lock_open", "phase_multi_turn", "response_level", "return_delay"}
    arm.close()


def test_settings_are_not_written_to_an_arm_that_holds(emulated: EmulatedBus) -> None:
    arm = emulated.arm()
    arm.open()
    emulated.inject("torque", servo=1, value=1)
    before = calibration_of(arm.bus, arm.wiring)
    rows = {name: ServoCalibration(n, 0, 5, 1, 2) for n, name in enumerate(arm.wiring.names, 1)}
    with pytest.raises(TorqueIsOn, match="servo 1"):
        write_calibration(arm.bus, arm.wiring, rows)
    assert calibration_of(arm.bus, arm.wiring) == before
    arm.close()


def test_a_servo_that_does_not_keep_a_value_is_named() -> None:
    line = FakeLine()
    arm = opened(line)
    line.after_write = lambda servo, *_: line.servos[2].put(HOMING, 0)
    rows = {name: ServoCalibration(n, 0, 7, 1, 9) for n, name in enumerate(arm.wiring.names, 1)}
    with pytest.raises(NotKept, match="servo 2: homing offset is 0 instead of 7"):
        write_calibration(arm.bus, arm.wiring, rows)
    assert line.servos[2].memory[55] == 1


def test_one_servo_gets_its_id_and_its_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.feetech.bus.BROADCAST_PING_S", 0.3)
    bench = EmulatedBus(tmp_path, servos=1)

    def link(baud: int) -> SerialLink:
        return SerialLink(bench.port, baud)

    try:
        bench.inject("baud", baud=500_000)
        found = find_single(link, time.monotonic)
        assert (found.id, found.baud, found.model) == (1, 500_000, 777)
        bus = Bus(link(found.baud), found.baud)
        with pytest.raises(IdsRefused, match="id 254"):
            set_id(bus, 1, 254)
        set_id(bus, 1, 4)
        bus = set_baud(bus, 4, 1_000_000, link, time.monotonic)
        bus.close()
        bench.inject("power_cycle")
        found = find_single(link, time.monotonic)
        assert (found.id, found.baud) == (4, 1_000_000)
    finally:
        bench.close()


def test_with_several_servos_on_the_bus_no_id_is_changed(emulated: EmulatedBus) -> None:
    arm = emulated.arm()
    arm.open()
    with pytest.raises(IdsRefused, match="others there: 2, 3"):
        set_id(arm.bus, 1, 9)
    assert arm.bus.ping(1)
    arm.close()


# -- small moves -----------------------------------------------------------------------------


def test_small_moves_measure_error_play_and_lag_and_end_where_they_began() -> None:
    line = FakeLine()
    play, sag = 4, 6
    told = dict.fromkeys(line.servos, 2048)
    side = dict.fromkeys(line.servos, 1)

    def follow(servo: int, address: int, data: bytes) -> None:
        """A servo that stays behind on whichever side it comes from, and sags a little."""
        one = line.servos[servo]
        goal = one.word(42)
        if goal != told[servo]:
            side[servo] = 1 if goal > told[servo] else -1
            told[servo] = goal
        one.put(POSITION, goal - sag - side[servo] * play)

    arm = energised(line)
    line.after_write = follow
    start = [servo.word(42) for servo in line.servos.values()]
    measured = Mover(arm, so101(), line.clock, line.pause).measure(1)
    assert measured.arrival_rad == pytest.approx((sag + play) * RAD, abs=1.5 * RAD)
    assert measured.backlash_rad == pytest.approx(2 * play * RAD, abs=1.5 * RAD)
    assert tolerance_rad({"shoulder_lift": measured}) > measured.arrival_rad
    assert [servo.word(42) for servo in line.servos.values()] == start


def test_a_joint_that_is_hindered_is_not_pushed_on() -> None:
    line = FakeLine()
    arm = energised(line)
    with pytest.raises(Hindered, match="elbow_flex"):
        Mover(arm, so101(), line.clock, line.pause)._go(2, 1.0)
    assert abs(line.servos[3].word(42) - 2048) <= 1


# -- the verb --------------------------------------------------------------------------------


def test_the_verb_keeps_what_the_servos_hold_and_asks_before_the_arm_falls(
    aspire: Command, emulated: EmulatedBus
) -> None:
    cell = str(hardware_cell(emulated.folder, emulated.port))
    code, out, err = aspire("cell", "calibrate", cell, "--keep-servos")
    assert (code, err) == (0, ""), err
    assert load_calibration(emulated.folder / "arm.json")["gripper"].range_max == 4095
    emulated.inject("torque", value=1)
    code, out, err = aspire("cell", "calibrate", cell, "--write-file", typed="yes\n")
    assert code == 3
    assert "nothing was done" in err
    assert "it falls" in out
    code, out, err = aspire("cell", "calibrate", cell, "--write-file", typed="release\n")
    assert (code, err) == (0, ""), err
    assert "read back" in out


def test_the_verb_asks_before_it_moves_and_dates_what_it_measured(
    aspire: Command, emulated: EmulatedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.feetech.measuring.SETTLE_S", 0.05)
    monkeypatch.setattr("drivers.feetech.measuring.SPEED_RAD_S", 1.0)
    cell = str(hardware_cell(emulated.folder, emulated.port))
    assert aspire("cell", "calibrate", cell, "--keep-servos")[0] == 0
    code, _, err = aspire("cell", "calibrate", cell, "--measure", typed="\n")
    assert code == 3 and "nothing was done" in err
    code, out, err = aspire("cell", "calibrate", cell, "--measure", typed="move\n")
    assert (code, err) == (0, ""), err
    kept = json.loads(beside(emulated.folder / "arm.json").read_text())
    assert set(kept["measured"]) == {joint.name for joint in so101().joints}
    assert kept["when"] and kept["who"] and 0.0 < kept["arrival_tolerance_rad"] < 0.2
    assert "the cell uses it" in out
