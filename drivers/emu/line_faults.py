"""Faults of wires, adapters and ports."""

from __future__ import annotations

from drivers.emu.faults import Target, fault
from drivers.emu.memory import Reg
from drivers.emu.servo import BAUDS


@fault("drop", "the next answers never come", passing=True, count=1.0)
def drop(at: Target, count: float) -> str:
    at.line.bus.spoiling.dropped[at.answering()] = int(count)
    return f"{int(count)} answers of {_who(at)} will be missing"


@fault("corrupt", "the next answers have a flipped bit", passing=True, count=1.0)
def corrupt(at: Target, count: float) -> str:
    at.line.bus.spoiling.corrupted[at.answering()] = int(count)
    return f"{int(count)} answers of {_who(at)} will be corrupt"


@fault("truncate", "the next answers break off", passing=True, count=1.0)
def truncate(at: Target, count: float) -> str:
    at.line.bus.spoiling.truncated[at.answering()] = int(count)
    return f"{int(count)} answers of {_who(at)} will break off"


@fault("stray", "stray bytes before the next answers", passing=True, count=1.0)
def stray(at: Target, count: float) -> str:
    at.line.bus.spoiling.stray[at.answering()] = int(count)
    return f"stray bytes before {int(count)} answers of {_who(at)}"


@fault("missing", "a servo's data plug is out; the others answer")
def missing(at: Target) -> str:
    at.one.wired = False
    return f"{_who(at)} no longer answers"


@fault("cable", "the cable behind a servo is out: it and all before it answer, none after it")
def cable(at: Target) -> str:
    for servo in at.line.bus.servos[at.servo :]:
        servo.wired = servo.powered = False
    return f"nothing answers behind servo {at.servo}"


@fault("mend", "plugs every servo in again")
def mend(at: Target) -> str:
    for servo in at.some:
        if not servo.powered:
            servo.powered = True
            servo.power_cycle()
        servo.wired = True
    return f"{_who(at)} is plugged in"


@fault("duplicate", "a servo answers under another's id as well", id=0.0)
def duplicate(at: Target, id: float) -> str:
    other = int(id) or at.line.bus.servos[at.servo - 2].servo_id
    at.one.memory.put(Reg.ID, other)
    return f"servo {at.servo} now has id {other}"


@fault("ids_unset", "every servo has id 1, as from the box", whole=True)
def ids_unset(at: Target) -> str:
    for servo in at.line.bus.servos:
        servo.memory.put(Reg.ID, 1)
    return "every servo has id 1"


@fault("baud", "a servo is set to another speed and is silent at the bus's", baud=500_000.0)
def baud(at: Target, baud: float) -> str:
    if int(baud) not in BAUDS:
        raise ValueError(f"baud={int(baud)}: a servo knows {', '.join(map(str, BAUDS))}")
    for servo in at.some:
        servo.memory.put(Reg.BAUD, BAUDS.index(int(baud)))
    return f"{_who(at)} listens at {int(baud)}"


@fault("latency", "the USB adapter's latency timer; FTDI's default is 16 ms", whole=True, ms=16.0)
def latency(at: Target, ms: float) -> str:
    if not 0.0 <= ms <= 255.0:
        raise ValueError(f"ms={ms:g}: a latency timer has 0 to 255 ms")
    at.line.bus.wire.latency_s = ms / 1000.0
    return f"the adapter collects for {ms:g} ms"


@fault("return_delay", "every servo waits before it answers; factory: 500 µs", us=500.0)
def return_delay(at: Target, us: float) -> str:
    if not 0.0 <= us <= 510.0:
        raise ValueError(f"us={us:g}: the register holds 0 to 510 µs")
    for servo in at.some:
        servo.memory.put(Reg.RETURN_DELAY, round(us / 2.0))
    return f"{_who(at)} waits {us:g} µs before an answer"


@fault("echo", "the host hears what it sends, as on a plain half-duplex wire", whole=True, on=1.0)
def echo(at: Target, on: float) -> str:
    at.line.bus.wire.echo = bool(on)
    return f"echo {'on' if on else 'off'}"


@fault("unplug", "the USB plug is out, for so many seconds or for good", whole=True, seconds=0.0)
def unplug(at: Target, seconds: float) -> str:
    at.line.port.unplug()
    at.line.bus.wire.clear()
    if seconds > 0.0:
        at.rig.later(seconds, at.line.port.plug)
    return "unplugged" + (f" for {seconds:g} s" if seconds > 0.0 else "; `replug` plugs it in")


@fault("replug", "the USB plug is in again", whole=True)
def replug(at: Target) -> str:
    at.line.port.plug()
    return f"plugged in, as {at.line.port.link}"


@fault("rename", "the port comes up under another name", whole=True, to="bus1")
def rename(at: Target, to: str) -> str:
    if "/" in to or not to:
        raise ValueError(f"to={to}: expected a plain file name")
    at.line.port.rename(to)
    return f"the port is now {at.line.port.link}"


@fault("swap", "two arms' ports change places", whole=True)
def swap(at: Target) -> str:
    if len(at.rig.lines) < 2:
        raise ValueError("this cell has one arm: nothing to swap with")
    first, second = at.rig.lines[0], at.rig.lines[1]
    first.bus, second.bus = second.bus, first.bus
    return f"{first.arm} and {second.arm} are swapped"


@fault("forbid", "the port may not be opened (root may)", whole=True, on=1.0)
def forbid(at: Target, on: float) -> str:
    at.line.port.forbid(bool(on))
    return f"permissions {'taken away' if on else 'given back'}"


@fault("busy", "another program has the port open, for so many seconds", whole=True, seconds=0.0)
def busy(at: Target, seconds: float) -> str:
    at.line.port.hold()
    if seconds > 0.0:
        at.rig.later(seconds, at.line.port.let_go)
    return "held by this process" + (f" for {seconds:g} s" if seconds > 0.0 else "")


@fault("free", "the other program lets go of the port", whole=True)
def free(at: Target) -> str:
    at.line.port.let_go()
    return "let go"


@fault("camera_frozen", "the cameras go on sending one and the same picture", whole=True, on=1.0)
def camera_frozen(at: Target, on: float) -> str:
    at.rig.views.frozen = bool(on)
    return f"cameras {'frozen' if on else 'live'}"


@fault("camera_silent", "the cameras send nothing any more", whole=True, on=1.0)
def camera_silent(at: Target, on: float) -> str:
    at.rig.views.silent = bool(on)
    return f"cameras {'silent' if on else 'live'}"


@fault("camera_black", "the cameras' lenses are covered", whole=True, on=1.0)
def camera_black(at: Target, on: float) -> str:
    at.rig.views.black = bool(on)
    return f"cameras {'covered' if on else 'uncovered'}"


@fault("camera_missing", "the cameras are unplugged", whole=True, on=1.0)
def camera_missing(at: Target, on: float) -> str:
    at.rig.views.missing = bool(on)
    return f"cameras {'unplugged' if on else 'plugged in'}"


def _who(at: Target) -> str:
    return f"servo {at.servo}" if at.servo else "every servo"
