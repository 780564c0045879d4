"""A servo bus emulated by another process, on a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from drivers.cellfile import load_cell
from drivers.emu.fault_socket import FaultClient
from drivers.feetech.arm import FeetechArm
from drivers.feetech.section import FeetechSection
from drivers.types import ArmSpec

Command = Callable[..., tuple[int, str, str]]
"""What is typed after ``aspire-tui``, and to its questions: exit code, output, errors."""
CHECKOUT = Path(__file__).resolve().parents[3]
PATIENT_S = 0.25
"""A loaded machine is late; what is tested is not how late."""


def so101() -> ArmSpec:
    return load_cell(CHECKOUT / "drivers/cells/so101.toml").info.arms[0]


def hardware_cell(folder: Path, port: str) -> Path:
    """A cell file that takes this port for a real arm's."""
    text = (CHECKOUT / "drivers/cells/so101.toml").read_text()
    text = text.replace('kind = "sim"', 'kind = "hardware"').replace('clock = "sim"', "")
    text = text.replace('name = "so101"', 'name = "bench-so101"')
    text = text[: text.index("# In front of the bench")]
    file = folder / "bench-so101.toml"
    file.write_text(
        f'{text}\n[[device]]\narm = "arm"\ndriver = "feetech"\nport = "{port}"\n'
        '[device.feetech]\ncalibration = "arm.json"\n'
    )
    return file


class EmulatedBus:
    """``python -m drivers.emu.bus`` and its fault socket."""

    def __init__(self, folder: Path, servos: int = 6, **section: object) -> None:
        self.folder = folder
        # Socket paths must stay short.
        self._short = tempfile.TemporaryDirectory(prefix="sts-")
        self.port = str(Path(self._short.name) / "bus0")
        read_fd, write_fd = os.pipe()
        command = [sys.executable, "-m", "drivers.emu.bus", "--servos", str(servos)]
        command += ["--link", self.port, "--ready-fd", str(write_fd)]
        command += ["--section", json.dumps(section)]
        self._process = subprocess.Popen(command, cwd=CHECKOUT, pass_fds=(write_fd,))
        os.close(write_fd)
        assert select.select([read_fd], [], [], 30.0)[0], "the emulator did not come up"
        said = json.loads(os.read(read_fd, 4096))
        os.close(read_fd)
        assert said["ready"], said
        self.faults = FaultClient(Path(said["faults"]))

    def arm(self, section: FeetechSection | None = None) -> FeetechArm:
        """The driver on this bus; not yet open."""
        return FeetechArm(
            so101(), section or FeetechSection(), self.port, time.monotonic, self.folder, "bench"
        )

    def inject(self, fault: str, **args: float | str) -> None:
        self.faults.inject(fault, **args)

    def close(self) -> None:
        self.faults.close()
        self._process.terminate()
        self._process.wait(10)
        self._short.cleanup()
