"""Faults of servos and their power: what is in their registers, and what they feel."""

from __future__ import annotations

import math

from drivers.emu.body import OVERLOAD_BIT
from drivers.emu.faults import Target, fault
from drivers.emu.memory import WORDS, Reg, sign_bit, signed
from drivers.emu.servo import REVERSED
from drivers.emu.shaft import Shaft


@fault("model", "a servo of another model; 777 is an STS3215", number=2825.0)
def model(at: Target, number: float) -> str:
    at.one.memory.put(Reg.MODEL, _word(number))
    return f"servo {at.servo} is of model {int(number)}"


@fault("firmware", "other firmware in a servo", major=3.0, minor=9.0)
def firmware(at: Target, major: float, minor: float) -> str:
    at.one.memory.put(Reg.FIRMWARE_MAJOR, _byte(major))
    at.one.memory.put(Reg.FIRMWARE_MINOR, _byte(minor))
    return f"servo {at.servo} has firmware {int(major)}.{int(minor)}"


@fault(
    "status",
    "error bits: 1 voltage, 2 encoder, 4 heat, 8 current, 32 overload; 0 takes them away",
    passing=True,
    bits=2.0,
    seconds=1.0,
)
def status(at: Target, bits: float, seconds: float) -> str:
    servos = at.some
    for servo in servos:
        servo.body.forced_bits = _byte(bits)

    def over() -> None:
        for servo in servos:
            servo.body.forced_bits = 0

    if seconds > 0.0:
        at.rig.later(seconds, over)
    return f"{_who(at)} reports {int(bits)}" + (f" for {seconds:g} s" if seconds > 0.0 else "")


@fault("voltage", "the supply's voltage without load", whole=True, volts=7.4)
def voltage(at: Target, volts: float) -> str:
    at.line.supply.open_V = _between(volts, 0.0, 25.0, "volts")
    return f"the supply gives {volts:g} V"


@fault("sag", "a weak supply or thin cable: volts lost per ampere", whole=True, ohm=1.0)
def sag(at: Target, ohm: float) -> str:
    at.line.supply.ohm = _between(ohm, 0.0, 100.0, "ohm")
    return f"{ohm:g} V are lost per ampere drawn"


@fault("thin_cable", "a bad plug: volts lost before a servo and all behind it", volts=1.5)
def thin_cable(at: Target, volts: float) -> str:
    lost = _between(volts, 0.0, 12.0, "volts")
    for servo in at.line.bus.servos[at.line.bus.servos.index(at.one) :]:
        servo.lost_V = lost
    return f"{lost:g} V are lost before servo {at.servo}"


@fault(
    "brown_out",
    "the supply gives way for a moment: every servo restarts",
    whole=True,
    passing=True,
    seconds=0.15,
)
def brown_out(at: Target, seconds: float) -> str:
    supply, before = at.line.supply, at.line.supply.open_V
    if before < 1.0:
        raise ValueError("there is no power already")
    supply.open_V = 0.5

    def over() -> None:
        supply.open_V = before

    at.rig.later(_between(seconds, 0.0, 600.0, "seconds"), over)
    return f"no power for {seconds:g} s"


@fault("power", "the servos' power, as by a switch or an E-stop; USB stays", whole=True, on=0.0)
def power(at: Target, on: float) -> str:
    at.line.supply.open_V = 12.0 if on else 0.0
    return f"power {'on' if on else 'off'}"


@fault("power_cycle", "every servo restarts: EEPROM values, torque off")
def power_cycle(at: Target) -> str:
    for servo in at.some:
        servo.power_cycle()
    return f"{_who(at)} has restarted"


@fault("overload", "the overload protection has tripped")
def overload(at: Target) -> str:
    at.one.body.trip(OVERLOAD_BIT)
    return f"servo {at.servo} has latched an overload"


@fault("heat", "a hot winding", celsius=68.0)
def heat(at: Target, celsius: float) -> str:
    for servo in at.some:
        servo.body.temperature_C = _between(celsius, -20.0, 200.0, "celsius")
    return f"{_who(at)} has {celsius:g} °C"


@fault("ambient", "a hot day: what every servo warms up towards", whole=True, celsius=45.0)
def ambient(at: Target, celsius: float) -> str:
    at.line.supply.ambient_C = _between(celsius, -20.0, 150.0, "celsius")
    return f"{celsius:g} °C around the arm"


@fault("stale_goal", "a goal from earlier stands in the register, torque as it is", ticks=3000.0)
def stale_goal(at: Target, ticks: float) -> str:
    for servo in at.some:
        servo.set_goal_register(_ticks(ticks))
    return f"{_who(at)} has the goal {int(ticks)} in its register"


@fault("torque", "the torque switch as somebody else left it: 0, 1 or 2", value=1.0)
def torque(at: Target, value: float) -> str:
    for servo in at.some:
        servo.write(Reg.TORQUE, bytes((_byte(value),)))
    return f"{_who(at)} has torque {int(value)}"


@fault("jam", "a joint that does not turn, whatever pushes", on=1.0)
def jam(at: Target, on: float) -> str:
    at.one.shaft.jammed = bool(on)
    return f"servo {at.servo} {'is stuck' if on else 'turns'}"


@fault(
    "by_hand",
    "a hand leads limp joints: to=middle, zero, rest, sweep (stop to stop) or degrees; to=off",
    to="middle",
    seconds=1.0,
)
def by_hand(at: Target, to: str, seconds: float) -> str:
    hand, within_s = at.rig.hand, _between(seconds, 0.05, 60.0, "seconds")
    servos = at.some
    if to == "off":
        for servo in servos:
            hand.let_go(servo.shaft)
        return f"the hand lets go of {_who(at)}"
    stiff = [str(servo.servo_id) for servo in servos if servo.memory.get(Reg.TORQUE)]
    if stiff:
        raise ValueError(f"servo {', '.join(stiff)} holds torque: a hand would break its gears")
    if to == "sweep":
        over_s = hand.sweep([servo.shaft for servo in servos], at.rig.now_s, within_s)
        return f"{_who(at)} goes from stop to stop, done in {over_s - at.rig.now_s:.1f} s"
    for servo in servos:
        hand.lead(servo.shaft, _led_to(servo.shaft, to), at.rig.now_s, within_s)
    return f"{_who(at)} is led to {to} within {within_s:g} s"


def _led_to(shaft: Shaft, to: str) -> float:
    lo, hi = shaft.stops_rad
    named = {"middle": (lo + hi) / 2.0, "zero": 0.0, "rest": shaft.rest_rad}
    try:
        angle = named[to] if to in named else math.radians(float(to))
    except ValueError:
        raise ValueError(f"to={to}: middle, zero, rest, sweep, off or degrees") from None
    if not lo <= angle <= hi:
        raise ValueError(f"to={to}: {math.degrees(lo):.0f} to {math.degrees(hi):.0f} degrees")
    return angle


@fault(
    "turns",
    "multi-turn feedback is on and counts so many turns: positions below 0 or over 4095",
    count=-1.0,
)
def turns(at: Target, count: float) -> str:
    at.one.turn_counter(int(_between(count, -7.0, 7.0, "count")))
    return f"servo {at.servo} counts {int(count)} turns"


@fault("homing", "another homing offset in the EEPROM than the calibration file has", by=300.0)
def homing(at: Target, by: float) -> str:
    for servo in at.some:
        offset = signed(servo.memory.get(Reg.HOMING), 11) + int(by)
        servo.memory.put(Reg.HOMING, sign_bit(offset, 11))
    return f"the homing offset of {_who(at)} differs by {int(by)}"


@fault(
    "limits", "other position limits in the EEPROM than the calibration file has", lo=0.0, hi=4095.0
)
def limits(at: Target, lo: float, hi: float) -> str:
    for servo in at.some:
        servo.memory.put(Reg.MIN_LIMIT, _word(lo))
        servo.memory.put(Reg.MAX_LIMIT, _word(hi))
    return f"{_who(at)} allows {int(lo)} to {int(hi)}"


@fault("lock_mode", "what a locked EEPROM does with a write: drop or volatile", mode="volatile")
def lock_mode(at: Target, mode: str) -> str:
    if mode not in ("drop", "volatile"):
        raise ValueError(f"mode={mode}: expected drop or volatile")
    for servo in at.some:
        servo.memory.lock_mode = "drop" if mode == "drop" else "volatile"
    return f"{_who(at)}: a write to a locked EEPROM is {mode}"


@fault("unlocked", "the EEPROM lock was left open")
def unlocked(at: Target) -> str:
    for servo in at.some:
        servo.memory.put(Reg.LOCK, 0)
    return f"{_who(at)} is left unlocked"


@fault("reversed", "a joint counts the wrong way (phase bit 7)")
def reversed_(at: Target) -> str:
    memory = at.one.memory
    memory.put(Reg.PHASE, memory.get(Reg.PHASE) ^ REVERSED)
    return f"servo {at.servo} counts the other way"


@fault("slip", "a horn slipped on its shaft: the joint is elsewhere than its encoder", degrees=14.4)
def slip(at: Target, degrees: float) -> str:
    at.one.slip(_between(degrees, -180.0, 180.0, "degrees"))
    return f"servo {at.servo} slipped by {degrees:g}°"


@fault("register", "any register of a servo, past lock and protection", address=0.0, value=0.0)
def register(at: Target, address: float, value: float) -> str:
    where = int(_between(address, 0.0, 127.0, "address"))
    for servo in at.some:
        width = 2 if where in WORDS else 1
        data = int(_between(value, 0.0, 256.0**width - 1, "value")).to_bytes(width, "little")
        servo.memory.poke(where, data)
    return f"register {where} of {_who(at)} is {int(value)}"


@fault(
    "clear",
    "ends every fault of wire, port, power and load; registers stay as they are",
    whole=True,
)
def clear(at: Target) -> str:
    for line in at.rig.lines:
        bus, wire = line.bus, line.bus.wire
        bus.spoiling.clear()
        wire.latency_s, wire.echo = wire.usual_latency_s, False
        line.port.let_go()
        line.port.plug()
        line.port.forbid(False)
        line.supply.restore()
        for servo in bus.servos:
            servo.body.forced_bits = 0
            servo.lost_V = 0.0
            servo.shaft.jammed = False
            at.rig.hand.let_go(servo.shaft)
            if not servo.powered or not servo.wired:
                servo.wired = servo.powered = True
                servo.power_cycle()
    at.rig.views.clear()
    return "every passing fault is over"


def _who(at: Target) -> str:
    return f"servo {at.servo}" if at.servo else "every servo"


def _byte(value: float) -> int:
    return int(_between(value, 0.0, 255.0, "value"))


def _word(value: float) -> int:
    return int(_between(value, 0.0, 65535.0, "value"))


def _ticks(value: float) -> int:
    return int(_between(value, -32767.0, 32767.0, "ticks"))


def _between(value: float, lo: float, hi: float, key: str) -> float:
    if not lo <= value <= hi:
        raise ValueError(f"{key}={value:g}: expected {lo:g} to {hi:g}")
    return value
