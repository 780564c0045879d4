"""Where an arm's own server listens: on this machine, because it asks nobody who they are."""

from __future__ import annotations

import re
from typing import Final

from drivers.errors import CellFileError

LOOPBACK: Final = ("127.0.0.1", "localhost")
ENDPOINT: Final = re.compile(r"tcp://([A-Za-z0-9_.-]+):(\d{1,5})")


def loopback(port: str, server: str) -> tuple[str, int]:
    """Host and port of a device's ``tcp://127.0.0.1:PORT``.

    Raises:
        CellFileError: It is written otherwise, or leads to another machine.
    """
    match = ENDPOINT.fullmatch(port)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise CellFileError(f"port {port!r}: a {server} is at tcp://127.0.0.1:PORT")
    if match[1] not in LOOPBACK:
        raise CellFileError(
            f"port {port!r}: a {server} lets anybody move the arm, so it is spoken to on this "
            f"machine only; run this host beside it, or: ssh -N -L {match[2]}:localhost:{match[2]} "
            f'{match[1]}, and port = "tcp://127.0.0.1:{match[2]}"'
        )
    return "127.0.0.1", int(match[2])
