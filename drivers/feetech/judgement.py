"""Judges what a survey of a bus saw. Pure: values in, findings out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.feetech import registers as r
from drivers.feetech.pace import period_s
from drivers.feetech.section import FeetechSection
from drivers.feetech.survey import BusSeen, ServoSeen
from drivers.feetech.telemetry import BIT_ALARMS, WARM_BELOW_LIMIT_C, limits_of
from drivers.feetech.wiring import Wiring
from drivers.findings import found
from drivers.serial_ports import PortSeen
from drivers.types import ArmSpec, Finding, Severity

SLOW_MS = 6.0
SAG_V = 0.8
STALE_TICKS = 40
OUTSIDE_RAD = 0.05
"""As the control loop judges it."""
RANGE_SLACK_RAD = 0.02


@dataclass(frozen=True)
class Judged:
    """What every judgement is about."""

    spec: ArmSpec
    section: FeetechSection
    wiring: Wiring
    cell: str
    port: PortSeen


def judge(about: Judged, seen: BusSeen) -> list[Finding]:
    """Everything an operator should know, the worst causes first."""
    return [
        *_port(about, seen),
        *_ids(about, seen),
        *_swapped(about, seen),
        *_firmware(about, seen),
        *(f for servo, one in seen.servos.items() for f in _servo(about, servo, one)),
        *_supply(about, seen),
        *_pose(about, seen),
        *_torque(about, seen),
    ]


def _port(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    port = about.port
    round_ms = 1e3 * seen.round_trip_s
    pace_s = period_s(seen.round_trip_s)
    severity: Severity = "error" if pace_s is None else "warn"
    slowed = f": controlled at {1.0 / pace_s:.0f} Hz" if pace_s else ""
    if port.latency_ms is not None and port.latency_ms > 1:
        yield found(
            "latency_timer",
            f"{port.latency_ms} ms; one reading takes {round_ms:.1f} ms{slowed}",
            severity,
            port=port.port,
            file=port.latency_file,
        )
    elif round_ms > SLOW_MS and len(seen.servos) == len(about.wiring.ids):
        cause, remedy = _why_slow(seen, round_ms)
        yield found(
            "bus_slow",
            f"{round_ms:.1f} ms{slowed}",
            severity,
            arm=about.spec.name,
            limit_ms=SLOW_MS,
            cause=cause,
            remedy=remedy,
        )
    if port.by_id and port.port != port.by_id:
        yield found("port_by_number", "a number", port=port.port, by_id=port.by_id)
    if seen.echo:
        yield found("port_echo", "it echoes", port=port.port)


def _why_slow(seen: BusSeen, round_ms: float) -> tuple[str, str]:
    if 14.0 <= round_ms <= 24.0:
        return (
            "the adapter keeps answers back for 16 ms: a latency timer that was left as delivered",
            "set the latency timer of the adapter to 1 ms (FTDI: latency_timer under /sys)",
        )
    if any(one.value(r.RETURN_DELAY) > 0 for one in seen.servos.values()):
        return (
            "the servos wait before they answer",
            "let aspire-tui cell calibrate set their return delay to 0",
        )
    return ("the line is slow or answers get lost", "look at the cable, or raise the baud")


def _ids(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    wiring = about.wiring
    expected = ", ".join(map(str, wiring.ids))
    missing = [n for n in wiring.ids if n not in seen.servos and n not in seen.colliding]
    for servo in seen.colliding:
        yield found(
            "id_duplicate",
            "broken answers",
            servo=servo,
            joint=wiring.name_of(servo),
        )
    if missing:
        answering = ", ".join(map(str, seen.servos)) or "none"
        names = ", ".join(f"{n} ({wiring.name_of(n)})" for n in missing)
        strays = f"; also there: {', '.join(map(str, seen.strays))}" if seen.strays else ""
        words = f"no answer from {names}; answering: {answering}{strays}"
        if set(seen.servos) | set(seen.strays) == {1} and len(wiring.ids) > 1:
            yield found("ids_never_set", words, arm=about.spec.name, ids=expected)
        else:
            cause, remedy = why_missing(wiring.ids, missing)
            yield found(
                "ids_missing",
                words,
                arm=about.spec.name,
                ids=expected,
                cause=cause,
                remedy=remedy,
            )
    if seen.strays and set(seen.servos) | set(seen.strays) != {1}:
        strays = ", ".join(map(str, seen.strays))
        yield found("id_stray", f"also {strays}", arm=about.spec.name, ids=expected)
    for servo, share in seen.lossy.items():
        if servo not in seen.colliding:
            yield found(
                "bus_errors",
                f"{share:.0%} of its answers were lost",
                servo=servo,
                joint=wiring.name_of(servo),
                cell=about.cell,
            )


def why_missing(chain: Sequence[int], missing: Sequence[int]) -> tuple[str, str]:
    """Which plug to look at, from which servos of a chain are silent."""
    if len(missing) == len(chain):
        return "no motor power, or the bus is not plugged in", "switch the motor supply on"
    first = chain.index(missing[0])
    if list(chain[first:]) == list(missing):
        if first == 0:
            return "the cable at the adapter", f"look at the plug of servo {missing[0]}"
        before, here = chain[first - 1], chain[first]
        return (
            f"everything after servo {before} is silent: the cable between {before} and {here}",
            f"push both ends of the cable between servo {before} and servo {here} in",
        )
    names = ", ".join(map(str, missing))
    return (
        f"servos beyond {names} answer, so the cable carries on: it is the servo itself or its id",
        f"look at servo {names}: its id, its plug, whether its light is on",
    )


def _firmware(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    versions: dict[str, list[int]] = {}
    for servo, one in seen.servos.items():
        version = f"{one.value(r.FIRMWARE_MAJOR)}.{one.value(r.FIRMWARE_MINOR)}"
        versions.setdefault(version, []).append(servo)
    if len(versions) > 1:
        words = "; ".join(
            f"{version} on {', '.join(map(str, servos))}" for version, servos in versions.items()
        )
        yield found("firmware_mixed", words, arm=about.spec.name)


def _servo(about: Judged, servo: int, one: ServoSeen) -> Iterator[Finding]:
    joint = about.wiring.name_of(servo)
    cell = about.cell

    def say(code: str, seen: str, **words: Any) -> Finding:
        return found(code, seen, servo=servo, joint=joint, cell=cell, **words)

    model = one.value(r.MODEL)
    if model != about.section.model:
        named = r.MODELS.get(model, "unknown")
        wanted = f"{about.section.model} ({r.MODELS.get(about.section.model, 'unknown')})"
        yield say("model_wrong", f"{model} ({named})", model=wanted, seen_model=model)
    if one.value(r.MODE) != 0:
        yield say("mode_wrong", f"mode {one.value(r.MODE)}")
    if one.value(r.PHASE) & r.PHASE_MULTI_TURN:
        yield say("phase_multi_turn", f"phase {one.value(r.PHASE)}: bit 4 is set")
    if one.value(r.PHASE) & r.PHASE_REVERSED:
        yield say("joint_reversed", f"phase {one.value(r.PHASE)}: bit 7 is set")
    if one.value(r.LOCK) == 0:
        yield say("lock_open", "open (register 55 = 0)")
    if one.value(r.RETURN_DELAY) > 0:
        delay = one.value(r.RETURN_DELAY)
        yield say("return_delay", f"{delay} ({2 * delay} µs)")
    if one.value(r.RESPONSE_LEVEL) == 0:
        yield say("response_level", "register 8 = 0")
    position = one.value(r.POSITION)
    if not 0 <= position <= r.LARGEST_TICK:
        yield say("position_impossible", f"{position} ticks")
    yield from _eeprom(about, servo, one)
    status = one.value(r.STATUS)
    for bit, code, text in BIT_ALARMS:
        if status & bit:
            known = "overload_latched" if code == "overload" else "servo_alarm"
            yield say(known, text)
    limits = limits_of(one.settings, about.section.supply_V)
    temperature = one.value(r.TEMPERATURE)
    limit = limits.max_temperature_C - WARM_BELOW_LIMIT_C
    if temperature >= limit:
        yield say(
            "temperature_high",
            f"{temperature} °C",
            limit=limit,
            cut_off=limits.max_temperature_C,
        )
    volts = one.value(r.VOLTAGE) * r.VOLT
    if not limits.lo_V <= volts <= limits.hi_V:
        remedy = (
            "cut the motor supply at once and look which one it is: this servo is for less"
            if volts > limits.hi_V
            else "use the supply the servos are made for, with enough current and short cables"
        )
        yield say("voltage_out", f"{volts:.1f} V", lo=limits.lo_V, hi=limits.hi_V, remedy=remedy)


def _eeprom(about: Judged, servo: int, one: ServoSeen) -> Iterator[Finding]:
    rows = about.wiring.calibrated
    if rows is None:
        return
    wanted = rows[about.wiring.ids.index(servo)]
    held = _calibration_in(one)
    differing = [
        (name, held[name], value)
        for name, value in wanted.registers().items()
        if held[name] != value
    ]
    if differing:
        yield found(
            "eeprom_differs",
            "in the servo: " + ", ".join(f"{name} {there}" for name, there, _ in differing),
            servo=servo,
            joint=about.wiring.name_of(servo),
            cell=about.cell,
            file_says=", ".join(f"{name} {value}" for name, _, value in differing),
        )


def _swapped(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    """Servos that hold another arm's calibration: the ports were exchanged."""
    held = {n: _calibration_in(one) for n, one in seen.servos.items()}
    rows = about.wiring.calibrated
    if rows is None or not held or all(held.get(row.id) == row.registers() for row in rows):
        return
    for file, calibration in about.wiring.others.items():
        theirs = {row.id: row.registers() for row in calibration.values()}
        if all(theirs.get(n) == values for n, values in held.items()):
            yield found("arm_swapped", f"the servos hold {file}", arm=about.spec.name, file=file)


def _calibration_in(one: ServoSeen) -> dict[str, int]:
    registers = (r.HOMING_OFFSET, r.MIN_POSITION, r.MAX_POSITION)
    return {register.name: one.value(register) for register in registers}


def _supply(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    volts = {n: one.value(r.VOLTAGE) * r.VOLT for n, one in seen.servos.items()}
    if len(volts) > 1 and max(volts.values()) - min(volts.values()) > SAG_V:
        lowest = min(volts, key=lambda n: volts[n])
        words = f"{max(volts.values()):.1f} V at best, {volts[lowest]:.1f} V at servo {lowest}"
        yield found("voltage_sags", words, arm=about.spec.name, tolerance=SAG_V)


def _pose(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    for joint, servo, mapped in zip(
        about.spec.joints, about.wiring.ids, about.wiring.joints, strict=False
    ):
        one = seen.servos.get(servo)
        if one is None:
            continue
        q = mapped.rad(one.value(r.POSITION))
        words: dict[str, Any] = {"joint": joint.name, "lo": joint.lo_rad, "hi": joint.hi_rad}
        if not joint.lo_rad - OUTSIDE_RAD <= q <= joint.hi_rad + OUTSIDE_RAD:
            back = q - math.copysign(2.0 * math.pi, q)
            turned = joint.lo_rad <= back <= joint.hi_rad
            code = "pose_turned" if turned else "pose_outside"
            yield found(code, f"{q:.2f} rad", None, **words)
        lo, hi = mapped.range_rad()
        if lo > joint.lo_rad + RANGE_SLACK_RAD or hi < joint.hi_rad - RANGE_SLACK_RAD:
            yield found(
                "range_narrow",
                f"it accepts {lo:.2f} to {hi:.2f} rad of {joint.lo_rad:.2f} to {joint.hi_rad:.2f}",
                servo=servo,
                joint=joint.name,
            )


def _torque(about: Judged, seen: BusSeen) -> Iterator[Finding]:
    on = [n for n, one in seen.servos.items() if one.value(r.TORQUE) != 0]
    if on and len(on) == len(seen.servos):
        yield found("torque_on", "torque is on", arm=about.spec.name)
    elif on:
        off = ", ".join(about.wiring.name_of(n) for n in seen.servos if n not in on)
        yield found("torque_mixed", f"off: {off}", arm=about.spec.name)
    away = {
        n: abs(one.value(r.GOAL_POSITION) - one.value(r.POSITION))
        for n, one in seen.servos.items()
        if n not in on
    }
    for servo, ticks in away.items():
        if ticks > STALE_TICKS:
            degrees = ticks * 360.0 / r.TICKS_PER_TURN
            joint = about.wiring.name_of(servo)
            yield found("goal_stale", f"a goal {degrees:.0f}° away", servo=servo, joint=joint)
