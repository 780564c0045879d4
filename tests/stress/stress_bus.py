"""A cell host with an arm on an emulated servo bus, while one thing after another goes wrong there.

Faults of the whole catalogue with random arguments, one or two at a time, while the arm rests, is
switched on, moves or is guided. Whatever happens, the host lives, answers, says no traceback, and
no goal lies outside what the arm may do; after faults that ``clear`` undoes, the arm comes back.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drivers.client import CellClient
from drivers.errors import CellFault, CellFileError, CellRefused
from drivers.feetech.calibration import Beside, ServoCalibration, save_beside, save_calibration
from drivers.hostlock import holder_of
from drivers.runtime_dir import cell_paths
from drivers.spawn import ensure_host
from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "drivers"))
sys.path.insert(0, str(Path(__file__).parents[1] / "drivers" / "feetech"))

from hosts import cells_folder
from sts_process import EmulatedBus, hardware_cell

N = 300
PER_ARM = 10
"""Faults before a new arm: what some leave in registers stays."""
CELL = "bench-so101"
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
LEFT_OUT = ("swap", "mend", "clear", "free", "replug", "by_hand")
"""What takes a second arm, undoes a fault, or is no fault."""
UNDONE = (
    "drop", "corrupt", "truncate", "stray", "missing", "cable", "unplug", "busy", "voltage", "sag",
    "brown_out", "power", "overload", "jam", "echo", "status", "power_cycle",
)  # fmt: skip
"""After these and ``clear`` a person can switch the arm on again."""
BACK_WITHIN_S = 30.0


@dataclass
class Tally:
    """What was seen over all arms."""

    faults: int = 0
    died: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    arms: int = 0
    came_back: int = 0


def run(n: int, seed: int) -> list[Result]:
    rng, tally = random.Random(seed), Tally()
    while tally.faults < n and not (tally.died or tally.raised):
        curable = tally.arms % 2 == 0
        tally.arms += 1
        with tempfile.TemporaryDirectory(prefix="bus-") as folder, cells_folder() as runtime:
            _one_arm(Path(folder), runtime, rng, tally, min(PER_ARM, n - tally.faults), curable)
    arms = f"{tally.faults} faults on {tally.arms} arms"
    backs = (tally.arms + 1) // 2
    return [
        Result("servo bus: the host lives", f"{arms}, died {_told(tally.died)}", not tally.died),
        Result("servo bus: nothing unforeseen", f"raised {_told(tally.raised)}", not tally.raised),
        Result("servo bus: goals", f"outside {_told(tally.outside)}", not tally.outside),
        Result(
            "servo bus: on again after what can be undone",
            f"{tally.came_back} of {backs}, not {_told(tally.stuck)}",
            tally.came_back == backs,
        ),
    ]


def _told(cases: list[str]) -> str:
    return f"{len(cases)}" + "".join(f"\n    {case}" for case in cases[:5])


def _one_arm(
    folder: Path, runtime: Path, rng: random.Random, tally: Tally, count: int, curable: bool
) -> None:
    rows = {name: ServoCalibration(n, 0, 0, 0, 4095) for n, name in enumerate(JOINTS, 1)}
    save_calibration(folder / "arm.json", rows)
    save_beside(folder / "arm.json", Beside())
    bus = EmulatedBus(folder)
    client: CellClient | None = None
    happened: list[str] = []
    try:
        if rng.random() < 0.5:
            happened.append(_strike(bus, rng, curable))
            tally.faults += 1
        host = ensure_host(hardware_cell(folder, bus.port), CELL, "stress", runtime)
        client = CellClient(CELL, who="stress", runtime=runtime)
        for _ in range(count):
            _act(client, rng)
            happened.append(_strike(bus, rng, curable))
            tally.faults += 1
            _go_on(client, rng.uniform(0.0, 1.5), rng)
            if rng.random() < 0.6:
                bus.inject("clear")
                bus.inject("mend")
                happened.append("clear")
            _go_on(client, rng.uniform(0.0, 1.5), rng)
        bus.inject("clear")
        bus.inject("mend")
        goals = bus.faults.ask(do="goals")["arms"]["arm"]["servos"]
        bad = {n: row["outside"] for n, row in goals.items() if row["outside"]}
        if bad:
            tally.outside.append(f"{bad} after {', '.join(happened)}")
        if curable:
            if _comes_back(client):
                tally.came_back += 1
            else:
                status = client.status()
                tally.stuck.append(f"{status.state}: {status.cause} after {', '.join(happened)}")
        holder = holder_of(cell_paths(CELL, runtime).lock)
        if holder is None or holder.pid != host.pid:
            tally.died.append(", ".join(happened))
    except CellFault as error:
        tally.died.append(f"{error} after {', '.join(happened)}")
    finally:
        print(", ".join(happened), file=sys.stderr)
        said = cell_paths(CELL, runtime).log
        text = said.read_text(errors="replace") if said.exists() else ""
        if "Traceback" in text:
            tally.raised.append(f"{text[-600:]} after {', '.join(happened)}")
        if client is not None:
            client.close()
        bus.close()


def _strike(bus: EmulatedBus, rng: random.Random, curable: bool) -> str:
    """One fault of the catalogue; its name."""
    known = [f for f in bus.faults.ask(do="list")["faults"] if "camera" not in f["name"]]
    chosen = rng.choice(
        [f for f in known if (f["name"] in UNDONE if curable else f["name"] not in LEFT_OUT)]
    )
    name, args = chosen["name"], {}
    for key, usual in chosen["takes"].items():
        if isinstance(usual, float) and rng.random() < 0.5:
            args[key] = round(usual * rng.uniform(0.0, 2.0), 3)
    if name == "register":  # EEPROM and RAM, not the goal: that is what the check reads
        args = {"address": rng.choice((*range(5, 42), 48, 55)), "value": rng.randrange(256)}
    if "seconds" in chosen["takes"]:
        args["seconds"] = round(rng.uniform(0.05, 1.0), 2)
    if chosen["servo"]:
        args["servo"] = rng.randint(1, 6)
    try:
        bus.inject(name, **args)
    except CellFileError as error:
        return f"{name} {args} refused: {error}"
    return f"{name} {args}" if args else str(name)


def _act(client: CellClient, rng: random.Random) -> None:
    """What a person might be doing at that moment; refusals are answers."""
    with _answers(client):
        match rng.randrange(5):
            case 0:
                _switch_on(client)
            case 1 | 2:
                _switch_on(client)
                client.jog("arm", rng.uniform(-0.3, 0.3), joint="shoulder_pan", valid_for_ms=900)
            case 3:
                _switch_on(client)
                client.hand_guide("arm", 5.0, "stress")
            case _:
                pass


@contextlib.contextmanager
def _answers(client: CellClient) -> Iterator[None]:
    """A refusal and an act that failed are answers; a host that is gone is none."""
    try:
        yield
    except CellRefused:
        pass
    except CellFault:
        client.status()


def _switch_on(client: CellClient) -> None:
    state = client.status().state
    if state == "FAULT":
        client.clear_fault("stress")
    if client.status().state == "PSTOP":
        client.ack_stop("stress")
    if client.status().state == "LIMP":
        client.enable("stress")


def _go_on(client: CellClient, for_s: float, rng: random.Random) -> None:
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        client.status()
        if rng.random() < 0.1:
            client.findings()
        with _answers(client):
            if rng.random() < 0.2:
                _switch_on(client)


def _comes_back(client: CellClient) -> bool:
    until_s = time.monotonic() + BACK_WITHIN_S
    while time.monotonic() < until_s:
        with _answers(client):
            _switch_on(client)
        if client.status().state == "HOLD":
            return True
        time.sleep(0.05)
    return False
