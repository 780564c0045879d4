"""One servo bus on a pseudo-terminal, with loads that belong to no world."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from drivers.emu.answers import Answers
from drivers.emu.assembly import Owned, assemble, gears_of
from drivers.emu.fault_socket import NAME, FaultServer
from drivers.emu.faults import Chaos
from drivers.emu.loop import Loop
from drivers.emu.rig import Rig
from drivers.emu.section import EmulatorSection
from drivers.emu.servo import HALF, TICK_RAD
from drivers.emu.shaft import FreeShafts
from drivers.loop import claim_realtime

BAD_INPUT = 2
PROMPT = 10

log = logging.getLogger("emulator")


def tell(fd: int | None, **line: object) -> None:
    """One JSON line to whoever started this process."""
    if fd is not None:
        os.write(fd, json.dumps(line).encode() + b"\n")
        os.close(fd)


def run_until_told(loop: Loop, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; then close everything. ``ready``: from now on it answers."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.end())
    gc.collect()
    gc.freeze()
    # Servos do not wait for this machine's other work. Only some users may ask for that; it is
    # bounded: a few milliseconds of physics between two looks at the bus, a tenth of a core in all.
    claim_realtime(PROMPT)
    ready()
    try:
        loop.run()
    finally:
        loop.close()


def main(argv: list[str] | None = None) -> int:
    """``python -m drivers.emu.bus``."""
    parser = argparse.ArgumentParser(prog="drivers.emu.bus", description="Emulate an STS bus.")
    parser.add_argument("--servos", type=int, default=6)
    parser.add_argument("--link", type=Path, required=True, help="where the port appears")
    parser.add_argument("--faults", type=Path, help=f"fault socket; else {NAME} beside the link")
    parser.add_argument("--ready-fd", type=int, help="write one JSON line here when ready or not")
    parser.add_argument("--section", default="{}", help="[emulator] of a cell file, as JSON")
    parser.add_argument("--pose", default="", help="ticks of every servo, with commas; else 2048")
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        section = msgspec.json.decode(args.section, type=EmulatorSection)
        plant = FreeShafts(args.servos, gears_of(section))
        plant.place(_angles(args.pose, args.servos))
        owned = [Owned(servo_id) for servo_id in range(1, args.servos + 1)]
        line = assemble(section, "arm", args.link, plant.shafts, owned)
        rig = Rig([line], plant, time.monotonic())
        chaos = Chaos(rig, section.chaos, section.chaos_per_minute, section.seed)
        faults = args.faults or args.link.with_name(NAME)
        loop = Loop(rig, FaultServer(faults, Answers(rig, chaos)))
    except (ValueError, OSError) as error:
        tell(args.ready_fd, ready=False, error=str(error))
        log.error(str(error))
        return BAD_INPUT
    said = {"pid": os.getpid(), "port": str(args.link), "faults": str(faults)}
    run_until_told(loop, lambda: tell(args.ready_fd, ready=True, **said))
    return 0


def _angles(pose: str, count: int) -> list[float]:
    ticks: list[Any] = [HALF] * count if not pose else [int(t) for t in pose.split(",")]
    if len(ticks) != count or not all(math.isfinite(t) for t in ticks):
        raise ValueError(f"--pose has {len(ticks)} values for {count} servos")
    return [(t - HALF) * TICK_RAD for t in ticks]
