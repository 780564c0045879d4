"""Every fault of the catalogue, injected while the bus runs, seen by whoever asks over the wire."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import Bench, packets, told

from drivers.emu.faults import CATALOGUE, Chaos, inject


def ids(bench: Bench, baud: int = 1_000_000) -> list[int]:
    return [i for n in (1, 2, 3) for i, _, _ in packets(bench.ask(told(n, 1), baud=baud))]


def errors(bench: Bench) -> list[int]:
    return [e for n in (1, 2, 3) for _, e, _ in packets(bench.ask(told(n, 1)))]


def drop(bench: Bench) -> None:
    bench.inject("drop", servo=2, count=2)
    assert [ids(bench), ids(bench), ids(bench)] == [[1, 3], [1, 3], [1, 2, 3]]


def corrupt(bench: Bench) -> None:
    good = bench.ask(told(1, 2, 56, 15))
    bench.inject("corrupt", servo=1)
    bad = bench.ask(told(1, 2, 56, 15))
    assert len(bad) == len(good) and (sum(bad[2:]) & 0xFF) != 0xFF
    assert packets(bench.ask(told(1, 2, 56, 15)))


def truncate(bench: Bench) -> None:
    good = bench.ask(told(1, 2, 56, 15))
    bench.inject("truncate")
    assert good.startswith(bad := bench.ask(told(1, 2, 56, 15))) and len(bad) < len(good)


def stray(bench: Bench) -> None:
    bench.inject("stray", servo=1)
    data = bench.ask(told(1, 1))
    assert len(data) > 6 and packets(data[-6:]) == [(1, 0, b"")]


def missing(bench: Bench) -> None:
    bench.inject("missing", servo=2)
    assert ids(bench) == [1, 3]
    bench.inject("mend")
    assert ids(bench) == [1, 2, 3]


def cable(bench: Bench) -> None:
    bench.write(3, 40, 1)
    bench.inject("cable", servo=1)
    assert ids(bench) == [1]
    bench.inject("mend")
    assert ids(bench) == [1, 2, 3] and bench.read(3, 40, 1) == b"\0"


def duplicate(bench: Bench) -> None:
    bench.inject("duplicate", servo=2, id=1)
    with pytest.raises(AssertionError):
        packets(bench.ask(told(1, 1)))
    assert bench.ask(told(2, 1)) == b""


def ids_unset(bench: Bench) -> None:
    bench.inject("ids_unset")
    assert bench.ask(told(2, 1)) == bench.ask(told(3, 1)) == b""
    assert bench.ask(told(1, 1)) != b""


def baud(bench: Bench) -> None:
    bench.inject("baud", servo=3, baud=250_000)
    assert ids(bench) == [1, 2] and ids(bench, 250_000) == [3]


def latency(bench: Bench) -> None:
    bench.inject("latency", ms=16)
    assert bench.ask(told(1, 1), within_s=0.014) == b""
    assert packets(bench.ask(b"", within_s=0.006)) == [(1, 0, b"")]


def return_delay(bench: Bench) -> None:
    bench.inject("return_delay", us=500)
    assert bench.read(1, 7, 1) == bytes([250])
    bench.bus.heard(told(0xFE, 0x82, 56, 2, 1, 2, 3), 10.0, 1_000_000)
    assert bench.bus.wire.due_s() > 10.0 + 3 * 0.0005  # type: ignore[operator]


def echo(bench: Bench) -> None:
    bench.inject("echo")
    assert bench.ask(told(1, 1)) == told(1, 1) + bytes.fromhex("ffff010200fc")


def unplug(bench: Bench) -> None:
    fd = os.open(bench.line.port.link, os.O_RDWR | os.O_NOCTTY)
    bench.inject("unplug", seconds=0.1)
    with pytest.raises(OSError, match="Input/output"):
        os.write(fd, b"x")
    os.close(fd)
    assert not bench.line.port.link.exists()
    bench.pass_time(0.2)
    assert bench.line.port.link.exists()


def replug(bench: Bench) -> None:
    bench.inject("unplug")
    bench.pass_time(5.0)
    assert not bench.line.port.link.exists()
    bench.inject("replug")
    os.close(os.open(bench.line.port.link, os.O_RDWR | os.O_NOCTTY))


def rename(bench: Bench) -> None:
    before = bench.line.port.link
    bench.inject("rename", to="bus9")
    assert not before.exists() and before.with_name("bus9").exists()


def swap(bench: Bench) -> None:
    with pytest.raises(ValueError, match="one arm"):
        bench.inject("swap")


def forbid(bench: Bench) -> None:
    device = Path(bench.line.port.device)
    bench.inject("forbid")
    assert device.stat().st_mode & 0o777 == 0
    bench.inject("forbid", on=0)
    assert device.stat().st_mode & 0o600 == 0o600


def busy(bench: Bench) -> None:
    import fcntl

    bench.inject("busy")
    fd = os.open(bench.line.port.link, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    bench.inject("free")
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


def free(bench: Bench) -> None:
    busy(bench)


def camera_frozen(bench: Bench) -> None:
    bench.inject("camera_frozen")
    assert bench.rig.views.frozen
    bench.inject("camera_frozen", on=0)
    assert not bench.rig.views.frozen


def camera_black(bench: Bench) -> None:
    bench.inject("camera_black")
    assert bench.rig.views.black


def camera_missing(bench: Bench) -> None:
    bench.inject("camera_missing")
    assert bench.rig.views.missing


def by_hand(bench: Bench) -> None:
    bench.inject("by_hand", servo=1, to=45.0, seconds=0.2)
    bench.pass_time(0.4)
    assert abs(bench.position(1) - 2048 - 512) <= 1 and bench.position(2) == 2048
    bench.inject("by_hand", servo=2, to="sweep", seconds=0.3)
    seen = []
    for _ in range(40):
        bench.pass_time(0.03)
        seen.append(bench.position(2))
    assert min(seen) < 2048 - 1000 and max(seen) > 2048 + 1000 and abs(seen[-1] - 2048) <= 1
    bench.write(3, 40, 1)
    with pytest.raises(ValueError, match="servo 3 holds torque"):
        inject(bench.rig, "by_hand", {"to": "middle"})
    bench.inject("by_hand", to="off")
    bench.goal(1, 2048)
    bench.pass_time(1.5)
    assert abs(bench.position(1) - 2048) <= 5, "the motor has it again"


def thin_cable(bench: Bench) -> None:
    bench.inject("thin_cable", servo=2, volts=1.5)
    assert [bench.read(n, 62, 1)[0] for n in (1, 2, 3)] == [120, 105, 105]


def camera_silent(bench: Bench) -> None:
    bench.inject("camera_silent")
    assert bench.rig.views.silent


def model(bench: Bench) -> None:
    bench.inject("model", servo=1, number=1284)
    assert bench.read(1, 3, 2) == (1284).to_bytes(2, "little")
    bench.inject("power_cycle")
    assert bench.read(1, 3, 2) == (1284).to_bytes(2, "little")


def firmware(bench: Bench) -> None:
    bench.inject("firmware", servo=2, minor=9)
    assert [bench.read(n, 0, 2) for n in (1, 2)] == [b"\x03\x0a", b"\x03\x09"]


def status(bench: Bench) -> None:
    bench.inject("status", servo=2, bits=2, seconds=0.5)
    assert errors(bench) == [0, 2, 0]
    bench.pass_time(0.6)
    assert errors(bench) == [0, 0, 0]


def voltage(bench: Bench) -> None:
    bench.inject("voltage", volts=15.5)
    assert bench.read(1, 62, 1) == bytes([155]) and errors(bench) == [1, 1, 1]


def sag(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("jam", servo=1)
    bench.inject("sag", ohm=2.0)
    bench.goal(1, 3000)
    bench.pass_time(0.5)
    assert bench.read(1, 62, 1)[0] < 90


def brown_out(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("brown_out", seconds=0.1)
    bench.pass_time(0.01)
    assert ids(bench) == []
    bench.pass_time(0.2)
    assert ids(bench) == [1, 2, 3] and bench.read(1, 40, 1) == b"\0"


def power(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("power", on=0)
    bench.pass_time(1.0)
    assert ids(bench) == [] and bench.line.port.link.exists()
    bench.inject("power", on=1)
    bench.pass_time(0.1)
    assert ids(bench) == [1, 2, 3] and bench.read(1, 40, 1) == b"\0"


def power_cycle(bench: Bench) -> None:
    bench.write(1, 40, 1)
    bench.inject("power_cycle", servo=1)
    assert bench.read(1, 40, 1) == b"\0"


def overload(bench: Bench) -> None:
    bench.inject("overload", servo=3)
    assert errors(bench) == [0, 0, 32]


def heat(bench: Bench) -> None:
    bench.inject("heat", servo=1, celsius=72)
    bench.pass_time(0.1)
    assert bench.read(1, 63, 1)[0] >= 71 and errors(bench)[0] & 4


def ambient(bench: Bench) -> None:
    bench.inject("ambient", celsius=60)
    bench.pass_time(20.0)
    assert bench.read(1, 63, 1)[0] > 26


def stale_goal(bench: Bench) -> None:
    bench.inject("stale_goal", ticks=3000)
    assert bench.read(1, 42, 2) == (3000).to_bytes(2, "little")
    assert bench.read(1, 40, 1) == b"\0" and bench.position(1) == 2048


def torque(bench: Bench) -> None:
    bench.inject("torque", servo=2, value=1)
    assert bench.read(2, 40, 1) == b"\1"


def jam(bench: Bench) -> None:
    bench.inject("jam", servo=1)
    bench.goal(1, 2500)
    bench.goal(2, 2500)
    bench.pass_time(0.8)
    assert abs(bench.position(1) - 2048) <= 3 and bench.position(2) > 2400


def turns(bench: Bench) -> None:
    bench.inject("turns", servo=1, count=-1)
    assert bench.read(1, 56, 2)[1] & 0x80 and bench.read(1, 18, 1)[0] & 0x10


def homing(bench: Bench) -> None:
    bench.inject("homing", servo=1, by=-300)
    assert bench.position(1) == 2348
    assert bench.read(1, 31, 2) == (300 | 1 << 11).to_bytes(2, "little")


def limits(bench: Bench) -> None:
    bench.inject("limits", servo=1, lo=100, hi=200)
    assert bench.read(1, 9, 4) == bytes([100, 0, 200, 0])


def lock_mode(bench: Bench) -> None:
    bench.inject("lock_mode", mode="volatile")
    bench.write(1, 31, 9, 0)
    assert bench.position(1) == 2039
    bench.inject("power_cycle")
    assert bench.position(1) == 2048


def unlocked(bench: Bench) -> None:
    bench.inject("unlocked", servo=2)
    assert [bench.read(n, 55, 1) for n in (1, 2)] == [b"\1", b"\0"]


def reversed_(bench: Bench) -> None:
    bench.goal(1, 2148)
    bench.pass_time(1.0)
    bench.inject("reversed", servo=1)
    assert abs(bench.position(1) - 1948) <= 2


def slip(bench: Bench) -> None:
    bench.inject("slip", servo=1, degrees=14.4)
    assert abs(bench.position(1) - 2048 - 164) <= 1


def register(bench: Bench) -> None:
    bench.inject("register", servo=1, address=31, value=40)
    assert bench.position(1) == 2008


def clear(bench: Bench) -> None:
    for name, args in (
        ("missing", {"servo": 1}), ("drop", {"count": 9}), ("echo", {}), ("latency", {}),
        ("voltage", {}), ("jam", {"servo": 2}), ("status", {"seconds": 0}), ("unplug", {}),
    ):  # fmt: skip
        inject(bench.rig, name, args)
    bench.inject("clear")
    assert ids(bench) == [1, 2, 3] and errors(bench) == [0, 0, 0]
    assert bench.line.port.link.exists() and bench.read(1, 62, 1) == bytes([120])


PROOFS: dict[str, Callable[[Bench], None]] = {
    name: globals()["reversed_" if name == "reversed" else name]
    for name in CATALOGUE
    if name != "mend"
} | {"mend": missing}


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_fault_is_felt_on_the_wire(name: str, bench: Bench) -> None:
    PROOFS[name](bench)


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("dorp", {}, "did you mean 'drop'"),
        ("drop", {"servo": 9}, "servos 1 to 3"),
        ("drop", {"cuont": 2}, "did you mean 'count'"),
        ("drop", {"count": "many"}, "expected a number"),
        ("jam", {}, "say which servo"),
        ("latency", {"ms": 9999}, "0 to 255"),
        ("voltage", {"volts": float("nan")}, "finite"),
        ("drop", {"arm": "armm"}, "did you mean 'arm'"),
    ],
)
def test_a_wrong_fault_is_refused_in_words(
    name: str, args: dict[str, float | str], said: str, bench: Bench
) -> None:
    with pytest.raises(ValueError, match=said):
        inject(bench.rig, name, args)
    assert ids(bench) == [1, 2, 3]


def test_a_seed_names_the_faults_that_come_by_themselves(tmp_path: Path) -> None:
    told_by = []
    for seed in (5, 5, 6):
        bench = Bench(tmp_path)
        chaos = Chaos(bench.rig, ("drop", "corrupt", "brown_out"), 60.0, seed)
        bench.pass_time(10.0)
        told_by.append(chaos.happened)
        bench.close()
    assert len(told_by[0]) >= 3
    assert told_by[0] == told_by[1] != told_by[2]
    with pytest.raises(ValueError, match="chaos cannot cause 'model'"):
        Chaos(bench.rig, ("model",), 1.0, 0)
