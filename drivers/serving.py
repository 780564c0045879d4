"""Serve an arm of your own: bring a driver, get a whole cell host with ``cell/1`` in front of it.

The cell file says ``driver = "own"`` for the arm. Lease, limits, watchdog, stop, keys and the
fixed-rate loop are the host's; the driver only reads and writes. See ``docs/examples``.
"""

from __future__ import annotations

import getpass
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from drivers.devices import OwnDriver
from drivers.errors import CellFileError
from drivers.host import EXIT_BAD_INPUT, HostOptions, serve
from drivers.runtime_dir import RuntimeDirError, runtime_dir


def serve_arm(
    own: OwnDriver,
    cell_file: str | Path,
    *,
    tcp: str = "",
    keys: str | Path = "",
    runtime: Path | None = None,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Be the cell host of a cell file until SIGTERM, which holds and then ends.

    Args:
        own: Called with an arm's part of the cell file and its port; makes its
            :class:`~drivers.arm.ArmDriver`. Nothing is connected to yet.
        tcp: ``ADDRESS:PORT`` to serve other machines on, which needs ``keys``; else local sockets.
        keys: The folder of ``aspire-tui cell keys``: ``host.key_secret`` and ``authorized/``.
        ready: Called when clients may come.

    Returns:
        The exit code; what was wrong went to standard error, in one line.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        options = HostOptions(
            cell_file=Path(cell_file),
            name="",
            who=getpass.getuser(),
            runtime=runtime or runtime_dir(),
            tcp=tcp,
            keys=Path(keys) if keys else None,
        )
    except (CellFileError, RuntimeDirError) as error:
        logging.getLogger("cell host").error(str(error))
        return EXIT_BAD_INPUT
    return serve(options, own=own, ready=ready)
