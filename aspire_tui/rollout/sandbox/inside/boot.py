"""Makes the zygote: imports what programs may use, gives up everything it can, then waits.

Started with an empty environment and one socket. Any step that fails ends it: a half-made sandbox
is never used.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
from pathlib import Path

from . import confinement
from .channel import Channel, one_line
from .packages import AllowedPackages


def main(control_fd: int) -> None:
    launcher = os.getppid()
    control = Channel(socket.socket(fileno=control_fd))
    plan = control.receive()
    layers: list[list[object]] = []
    try:
        sys.meta_path.append(AllowedPackages(plan["packages"]))
        _load(plan["preload"])
        # only now: it needs numpy, and everything has to be read before files go out of sight
        from .runtime import rehearse
        from .zygote import Zygote

        rehearse()
        memory = _address_space_bytes()
        inner = confinement.apply(plan, layers, control, launcher)
    except Exception as error:
        control.send({"ready": False, "why": one_line(error), "layers": layers})
        os._exit(3)
    for name in [m for m in sys.modules if m == __package__ or m.startswith(f"{__package__}.")]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    control.send({"ready": True, "layers": layers})
    Zygote(control, plan["level"], memory, 0 if inner else launcher).serve()


def _load(names: list[str]) -> None:
    """Import while files are still in sight. A package may not leave settings or threads behind."""
    environment = dict(os.environ)
    for name in names:
        importlib.import_module(name)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(0)


def _address_space_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
