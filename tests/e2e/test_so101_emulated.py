"""The cube task on an SO-101 whose servos are at the far end of a serial line."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from aspire_tui.environment.task_file import find_task
from aspire_tui.improvement.rules.compose import compose
from drivers.client import CellClient
from drivers.emu.fault_socket import FaultClient
from drivers.hostlock import holder_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CELL = ("--task", "cube_lift", "--cell", "so101-emulated")


@pytest.mark.parametrize("task", ["cube_lift", "cube_stack", "cube_restack"])
def test_the_programs_that_ship_as_examples_are_the_composed_ones(task: str) -> None:
    assert (EXAMPLES / f"{task}.py").read_text() == compose(find_task(task))


def test_a_cube_is_lifted_over_the_bus_and_a_pulled_plug_ends_it_in_one_line(bench) -> None:  # type: ignore[no-untyped-def]
    program = str(EXAMPLES / "cube_lift.py")
    answer = bench.run("exec", program, *CELL, "--seed", "40", "--json")
    said = answer.json
    assert answer.code == 0, (said, answer.err)
    assert (said["verdict"]["outcome"], said["referee"]) == ("PASS", "PASS")
    assert "emulated" in said["brands"]

    running = bench.start("exec", program, *CELL, "--seed", "41")
    folder = _until(lambda: next(bench.runtime.rglob("fault.sock"), None)).parent
    client = CellClient("so101-emulated", who="ann", runtime=folder.parent)
    _until(lambda: client.status().state == "RUN")
    with FaultClient(folder / "fault.sock") as faults:
        goals = faults.ask(do="goals", newest=0)["arms"]["arm"]["servos"].values()
        assert sum(servo["goals"] for servo in goals) > 100
        assert sum(servo["outside"] for servo in goals) == 0
        faults.inject("unplug")
        _until(lambda: client.status().state == "LOST")
        out, err = running.communicate(timeout=120)
        faults.inject("replug")
    client.close()
    holder = holder_of(folder / "lock")
    if holder is not None:
        os.kill(holder.pid, signal.SIGTERM)
    assert running.returncode == 5, (out, err)
    why = [row for row in err.splitlines() if "run ended" in row]
    assert len(why) == 1 and why[0] == err.splitlines()[-1], err
    assert "by fault" in why[0] and "bus0" in why[0] and "Traceback" not in err


def _until(true, within_s: float = 150.0):  # type: ignore[no-untyped-def]
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found
