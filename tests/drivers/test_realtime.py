"""Whether the loop has real-time priority is said in the state, and never assumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import cells_folder, until

from drivers.client import CellClient

KINEMATIC = Path(__file__).parent / "kinematic.toml"
HOST = """
import os, sys
def asked(thread, policy, param):
    if policy == os.SCHED_FIFO and {denied}:
        raise PermissionError(1, "Operation not permitted")
os.sched_setscheduler = asked
from drivers.host import main
sys.exit(main())
"""


@pytest.mark.parametrize("denied", [True, False])
def test_the_state_says_whether_real_time_was_granted(denied: bool) -> None:
    with cells_folder() as runtime:
        read_fd, write_fd = os.pipe()
        command = [sys.executable, "-c", HOST.format(denied=denied), str(KINEMATIC)]
        command += ["--name", "rt", "--runtime", str(runtime), "--realtime"]
        process = subprocess.Popen([*command, "--ready-fd", str(write_fd)], pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            assert json.loads(pipe.readline())["ready"]
        client = CellClient("rt", who="ann", runtime=runtime)
        until(lambda: client.status().loop_hz > 0.0, "the loop runs")
        assert client.status().realtime is (not denied)
        client.close()
        process.kill()
        process.wait()
