"""What the emulated servo bus costs, how promptly it answers, and how far its arm sags."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import serial

from drivers.cellfile import load_cell
from drivers.emu.cell import EmulatedCell
from drivers.emu.fault_socket import NAME, FaultClient
from drivers.sim.scene import SceneObject, SceneSpec
from tests.bench.figure import Figure, at_most

CELL = Path(__file__).parents[2] / "drivers" / "cells" / "so101-emulated.toml"
COMMAND = "python -m tests.bench emulator"

SYNC_READ = bytes.fromhex("fffffe0a82380f010203040506")
ANSWER_BYTES = 6 * 21
WIRE_MS = (14 + ANSWER_BYTES) * 0.01
ADAPTER_MS = 1.0
CYCLES = 500


def figures() -> list[Figure]:
    return [*_in_process(), *_over_the_port()]


def _in_process() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="emu") as folder:
        cell = EmulatedCell(load_cell(CELL), Path(folder), noise=True, seed=None)
        blocks = tuple(
            SceneObject(f"b{n}", "box", (0.04,) * 3, (1.0, 0.0, 0.0), 0.05, (0.2, y, 0.02))
            for n, y in enumerate((-0.06, 0.06))
        )
        cell.plant.take(cell.plant.prepare(SceneSpec(objects=blocks))[0])
        began = time.process_time()
        for _ in range(5 * 512):
            cell.rig.step()
        share = (time.process_time() - began) / 5.0
        bus = cell.rig.lines[0].bus
        ask = _with_checksum(SYNC_READ)
        costs = []
        for n in range(300):
            at = time.perf_counter()
            bus.heard(ask, 1e6 + n, 1_000_000)
            bus.wire.deliver(1e6 + n + 0.5)
            costs.append(time.perf_counter() - at)
        sags_deg = _stretched(cell)
        cell.loop.close()
        cell.close()
    p50, p99 = np.percentile(costs, [50, 99]) * 1e3
    return [
        Figure(
            "emulated SO-101, two blocks: share of a core",
            "≤ 25 %",
            f"{100 * share:.0f} % (5 s of physics and six servos)",
            COMMAND,
            at_most(0.25, share),
        ),
        Figure(
            "its own cost of a SYNC_READ, 15 B × 6",
            "-",
            f"{p50:.2f} ms p50, {p99:.2f} p99 (n={len(costs)})",
            COMMAND,
        ),
        Figure(
            "arm stretched out, P = 16: sag and hidden play",
            "1 to 2° are published",
            f"{sags_deg[0]:.2f}° at the shoulder, {sum(sags_deg):.2f}° at the tool",
            COMMAND,
        ),
    ]


def _stretched(cell: EmulatedCell) -> list[float]:
    """Degrees between goal and joint, of lift, elbow and wrist, the arm level and straight."""
    bus = cell.rig.lines[0].bus
    start = [s.present() for s in bus.servos]
    for k in range(1, 301):
        for servo_id, degrees in ((2, 86.0), (3, -34.0), (4, -92.0)):
            goal = round(start[servo_id - 1] + k / 300 * degrees / 360 * 4096)
            bus.servos[servo_id - 1].write(42, goal.to_bytes(2, "little"))
        for _ in range(5):
            cell.rig.step()
    for _ in range(512):
        cell.rig.step()
    out = []
    for servo_id, joint in ((2, "shoulder_lift"), (3, "elbow_flex"), (4, "wrist_flex")):
        servo = bus.servos[servo_id - 1]
        goal = int.from_bytes(servo.read(42, 2), "little")
        hidden_rad = servo.shaft.angle_rad - cell.plant.world.data.joint(f"arm/{joint}").qpos[0]
        out.append(abs((servo.present() - goal) * 360 / 4096 - np.degrees(hidden_rad)))
    return out


def _over_the_port() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="emu") as folder:
        read_fd, write_fd = os.pipe()
        command = [sys.executable, "-m", "drivers.emu", str(CELL), "--run-dir", folder]
        command += ["--ready-fd", str(write_fd)]
        process = subprocess.Popen(command, pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            ready = json.loads(pipe.readline())
        try:
            took, lost = _cycles(ready["ports"][0])
            with FaultClient(Path(folder) / NAME) as faults:
                skipped_s = faults.ask(do="state")["skipped_s"]
        finally:
            process.terminate()
            process.wait(10)
    p50, p99, worst = np.percentile(took, [50, 99, 100]) * 1e3
    wire = f"{WIRE_MS:.1f} ms wire + {ADAPTER_MS:.0f} ms adapter"
    return [
        Figure(
            f"SYNC_READ over the port at 100 Hz ({wire})",
            "≤ 3 ms p50",
            f"{p50:.1f} ms p50, {p99:.1f} p99, {worst:.0f} worst; {lost} of {CYCLES} late by 50 ms",
            COMMAND,
            at_most(3.0, float(p50)),
        ),
        Figure("physics given up because the process was kept waiting", "-", f"{skipped_s:.2f} s",
               COMMAND),
    ]  # fmt: skip


def _cycles(port: str) -> tuple[list[float], int]:
    ask, took, lost = _with_checksum(SYNC_READ), [], 0
    with serial.Serial(port, 1_000_000, timeout=0.05) as line:
        due = time.perf_counter()
        for _ in range(CYCLES):
            due += 0.01
            time.sleep(max(0.0, due - time.perf_counter()))
            at = time.perf_counter()
            line.write(ask)
            if len(line.read(ANSWER_BYTES)) < ANSWER_BYTES:
                lost += 1
                time.sleep(0.1)  # Not to take the late answer for the next one.
                line.reset_input_buffer()
            took.append(time.perf_counter() - at)
    return took, lost


def _with_checksum(packet: bytes) -> bytes:
    return packet + bytes((~sum(packet[2:]) & 0xFF,))
