"""Where a cell host listens: local sockets by name, or a network address with keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.keys import KeyPair
from drivers.runtime_dir import CellPaths, cell_paths

DEFAULT_PORT = 7601


@dataclass(frozen=True)
class Address:
    """Endpoints of one cell. ``paths`` is None when it is not on this machine."""

    name: str
    ctl: str
    stop: str
    state: str
    paths: CellPaths | None
    prepare: Callable[[Any], None] = field(default=lambda _socket: None)
    """Sets up a socket (keys) before it connects."""


def local(cell: str, runtime: Path | None = None) -> Address:
    """A cell on this machine, by name or by the folder of its sockets."""
    paths = cell_paths(cell, runtime)
    name = paths.folder.name.removeprefix("cell-")
    return Address(name, f"ipc://{paths.ctl}", f"ipc://{paths.stop}", f"ipc://{paths.state}", paths)


def remote(host: str, host_key: bytes, keys: KeyPair, port: int = DEFAULT_PORT) -> Address:
    """A cell elsewhere, always encrypted. Pictures are not served there."""

    def prepare(socket: Any) -> None:
        socket.curve_serverkey = host_key
        socket.curve_publickey = keys.public
        socket.curve_secretkey = keys.secret

    ctl, state, stop = (f"tcp://{host}:{port + n}" for n in range(3))
    return Address(f"{host}:{port}", ctl, stop, state, None, prepare)


def address_of(cell: str | Address, runtime: Path | None) -> Address:
    return cell if isinstance(cell, Address) else local(cell, runtime)
