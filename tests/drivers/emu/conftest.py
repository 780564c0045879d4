from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench
from emulator import Running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts emulators as processes of their own; all are gone after the test."""
    with tempfile.TemporaryDirectory(prefix="emu") as folder:
        started: list[Running] = []

        def launch(*arguments: str, module: str = "drivers.emu.bus") -> Running:
            read_fd, write_fd = os.pipe()
            command = [sys.executable, "-m", module, *arguments, "--ready-fd", str(write_fd)]
            if module == "drivers.emu.bus":
                command += ["--link", f"{folder}/bus0"]
            else:
                command += ["--run-dir", folder]
            process = subprocess.Popen(command, pass_fds=(write_fd,))
            os.close(write_fd)
            with os.fdopen(read_fd) as pipe:
                said = json.loads(pipe.readline())
            running = Running(process, said, Path(folder))
            started.append(running)
            return running

        yield launch
        for running in started:
            running.close()
