"""Every trouble of a servo arm is injected at the far end of a real serial line and named.

Nothing here plants a finding: the emulator is another process and only gets bytes and physics.
"""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from sts_process import EmulatedBus, so101

from drivers.feetech.calibration import (
    Beside,
    ServoCalibration,
    calibration_text,
    load_calibration,
    save_beside,
    save_calibration,
)
from drivers.feetech.link import PortError, SerialLink
from drivers.feetech.section import FeetechSection
from drivers.findings import FINDINGS
from drivers.types import Finding

NAMES = [*(joint.name for joint in so101().joints), "gripper"]


def found_on(bus: EmulatedBus, section: FeetechSection | None = None) -> dict[str, Finding]:
    """By code, without what is always there on a bus nobody calibrated."""
    return {f.code: f for f in listed_on(bus, section) if f.code != "calibration_none"}


def listed_on(bus: EmulatedBus, section: FeetechSection | None = None) -> list[Finding]:
    arm = bus.arm(section)
    try:
        arm.open()
        findings = arm.check()
    except PortError as error:
        findings = [error.finding]
    finally:
        arm.close()
    return findings


def calibrate(folder: Path, **changes: object) -> FeetechSection:
    rows = {name: ServoCalibration(n, 0, 0, 0, 4095) for n, name in enumerate(NAMES, 1)} | changes
    save_calibration(folder / "arm.json", rows)
    save_beside(folder / "arm.json", Beside())
    return FeetechSection(calibration="arm.json")


def test_a_good_arm_has_nothing_to_say(emulated: EmulatedBus) -> None:
    noisy = {"bus_slow", "bus_errors"}  # this machine may be busy
    found = found_on(emulated, calibrate(emulated.folder))
    assert set(found) - noisy == set()


Inject = Callable[[EmulatedBus], None]

ALONE: list[tuple[str, Inject, str]] = [
    ("ids_missing", lambda b: b.inject("cable", servo=3), "cable between 3 and 4"),
    ("no_servo", lambda b: b.inject("power", on=0), "no motor power"),
    ("id_duplicate", lambda b: b.inject("duplicate", servo=4, id=3), "two servos answer"),
    ("wrong_baud", lambda b: b.inject("baud", baud=500000), "another speed"),
    ("voltage_out", lambda b: b.inject("voltage", volts=6.0), "weak supply"),
    ("voltage_out", lambda b: b.inject("voltage", volts=16.0), "burns"),
    ("bus_slow", lambda b: b.inject("latency", ms=16), "latency timer"),
    ("port_missing", lambda b: b.inject("unplug"), "unplugged"),
    ("port_missing", lambda b: b.inject("rename", to="bus7"), "renamed"),
    ("torque_on", lambda b: b.inject("torque", value=1), "adopted as it stands"),
    ("voltage_sags", lambda b: b.inject("thin_cable", servo=4), "bad plug"),
    ("bus_errors", lambda b: b.inject("corrupt", servo=4, count=3), "worn cable"),
]

TOGETHER: list[tuple[str, Inject, str, str]] = [
    ("ids_missing", lambda b: b.inject("missing", servo=1), "servo itself or its id", ""),
    ("model_wrong", lambda b: b.inject("model", servo=2), "another kind of servo", "servo 2"),
    ("temperature_high", lambda b: b.inject("heat", servo=2, celsius=66), "itself off", "servo 2"),
    ("goal_stale", lambda b: b.inject("stale_goal", servo=2), "nothing jumps", "servo 2"),
    ("range_narrow", lambda b: b.inject("limits", servo=2, lo=1800, hi=2300), "stops", "servo 2"),
    ("lock_open", lambda b: b.inject("unlocked", servo=3), "another program", "servo 3"),
    ("pose_outside", lambda b: b.inject("homing", servo=3, by=1300), "beyond its", "elbow_flex"),
    ("torque_mixed", lambda b: b.inject("torque", servo=4), "some joints hold", ""),
    ("servo_alarm", lambda b: b.inject("status", servo=4, bits=2, seconds=0), "says so", "servo 4"),
    ("mode_wrong", lambda b: poke(b, 4, 33, 1), "turn on and on", "servo 4"),
    ("response_level", lambda b: poke(b, 4, 8, 0), "cannot be confirmed", "servo 4"),
    ("joint_reversed", lambda b: b.inject("reversed", servo=4), "the wrong way", "servo 4"),
    ("firmware_mixed", lambda b: b.inject("firmware", servo=5), "defects", ""),
    ("phase_multi_turn", lambda b: b.inject("turns", servo=5, count=-1), "one turn", "servo 5"),
    ("position_impossible", lambda b: None, "counted over", "servo 5"),
    ("pose_turned", lambda b: None, "whole turn", "wrist_roll"),
    ("overload_latched", lambda b: b.inject("overload", servo=6), "for too long", "servo 6"),
    ("return_delay", lambda b: b.inject("return_delay", servo=6), "half a millisecond", "servo 6"),
    ("port_echo", lambda b: b.inject("echo", on=1), "", ""),
]


def poke(bus: EmulatedBus, servo: int, address: int, value: int) -> None:
    bus.inject("register", servo=servo, address=address, value=value)


@pytest.mark.parametrize(("code", "inject", "why"), ALONE, ids=[f"{c}-{w}" for c, _, w in ALONE])
def test_each_trouble_is_found_and_explained(
    emulated: EmulatedBus, code: str, inject: Inject, why: str
) -> None:
    inject(emulated)
    found = found_on(emulated)
    assert code in found
    assert why in found[code].why
    if found[code].severity != "info":
        assert found[code].do and found[code].seen


def test_many_troubles_at_once_are_each_found_at_their_servo(emulated: EmulatedBus) -> None:
    for _, inject, _, _ in TOGETHER:
        inject(emulated)
    found = listed_on(emulated)
    for code, _, why, where in TOGETHER:
        assert [f for f in found if f.code == code and why in f.why and where in f.what], code


def test_all_servos_with_the_factory_id_were_never_set(emulated: EmulatedBus) -> None:
    emulated.inject("cable", servo=1)
    assert "ids_never_set" in found_on(emulated)


def test_six_servos_with_one_id_break_each_others_packets(emulated: EmulatedBus) -> None:
    emulated.inject("ids_unset")
    assert "id_duplicate" in found_on(emulated)


def test_a_servo_under_a_strange_id_is_named(emulated: EmulatedBus) -> None:
    emulated.inject("duplicate", servo=4, id=9)
    found = found_on(emulated)
    assert "also 9" in found["id_stray"].seen
    assert "4 (wrist_flex)" in found["ids_missing"].seen


def test_what_differs_from_the_calibration_file_is_shown_value_by_value(
    emulated: EmulatedBus,
) -> None:
    section = calibrate(emulated.folder)
    emulated.inject("homing", servo=3, by=300)
    found = found_on(emulated, section)["eeprom_differs"]
    assert "homing offset 300" in found.seen
    assert "homing offset 0" in found.expected
    assert "3 (elbow_flex)" in found.what


def test_an_arm_with_another_arms_calibration_is_named_by_its_file(emulated: EmulatedBus) -> None:
    section = calibrate(emulated.folder)
    emulated.inject("homing", by=100)
    rows = {name: ServoCalibration(n, 0, 100, 0, 4095) for n, name in enumerate(NAMES, 1)}
    save_calibration(emulated.folder / "left.json", rows)
    assert "left.json" in found_on(emulated, section)["arm_swapped"].why


def test_a_calibration_file_that_is_not_there_or_is_broken_is_named(emulated: EmulatedBus) -> None:
    section = FeetechSection(calibration="arm.json")
    assert "arm.json" in found_on(emulated, section)["calibration_missing"].seen
    (emulated.folder / "arm.json").write_text('{"shoulder_pan": {"id": 1}}')
    assert "not LeRobot's" in found_on(emulated, section)["calibration_bad"].why
    rows = calibrate(emulated.folder) and load_calibration(emulated.folder / "arm.json")
    text = calibration_text(rows).replace('"homing_offset": 0', '"homing_offset": 2100', 1)
    (emulated.folder / "arm.json").write_text(text)
    assert "beyond ±2047" in found_on(emulated, section)["calibration_bad"].why


def test_a_calibration_without_the_models_zero_is_told(emulated: EmulatedBus) -> None:
    section = calibrate(emulated.folder)
    (emulated.folder / "arm.aspire.json").unlink()
    assert "arm.aspire.json" in found_on(emulated, section)["calibration_no_zero"].expected


def test_a_port_by_its_number_is_told_its_lasting_name(
    emulated: EmulatedBus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-left").symlink_to(Path(emulated.port).resolve())
    monkeypatch.setattr("drivers.serial_ports.BY_ID", by_id)
    assert str(by_id / "usb-left") in found_on(emulated)["port_by_number"].do[0]


def test_a_busy_port_names_who_has_it(emulated: EmulatedBus) -> None:
    link = SerialLink(emulated.port, 1_000_000)
    try:
        found = found_on(emulated)["port_busy"]
    finally:
        link.close()
    assert f"process {os.getpid()} (" in found.seen
    assert "port_busy" not in found_on(emulated)


def test_every_text_of_the_table_can_be_filled_in() -> None:
    """A word that nobody fills in would be found by the operator."""
    for code, known in FINDINGS.items():
        for text in (known.what, known.expected, known.why, *known.do):
            assert all(name is None or name for _, name, _, _ in string.Formatter().parse(text)), (
                code
            )
