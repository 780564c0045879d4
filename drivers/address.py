"""Where a cell host listens: local sockets by name, or a network address with keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drivers.hostlock import holder_of
from drivers.keys import KeyPair, load_keys, load_public_key
from drivers.remote_section import RemoteSection, read_note
from drivers.runtime_dir import CellPaths, cell_paths

DEFAULT_PORT = 7601


@dataclass(frozen=True)
class Address:
    """Endpoints of one cell. ``paths`` is None when it is not on this machine."""

    name: str
    ctl: str
    stop: str
    state: str
    frames: str
    paths: CellPaths | None
    prepare: Callable[[Any], None] = field(default=lambda _socket: None)
    """Sets up a socket (keys) before it connects."""


def local(cell: str, runtime: Path | None = None) -> Address:
    """A cell on this machine, by name or by the folder of its sockets."""
    paths = cell_paths(cell, runtime)
    name = paths.folder.name.removeprefix("cell-")
    files = (paths.ctl, paths.stop, paths.state, paths.frames)
    ctl, stop, state, frames = (f"ipc://{file}" for file in files)
    return Address(name, ctl, stop, state, frames, paths)


def remote(host: str, host_key: bytes, keys: KeyPair, port: int = DEFAULT_PORT) -> Address:
    """A cell elsewhere, always encrypted."""

    def prepare(socket: Any) -> None:
        socket.curve_serverkey = host_key
        socket.curve_publickey = keys.public
        socket.curve_secretkey = keys.secret

    ctl, state, stop, frames = (f"tcp://{host}:{port + n}" for n in range(4))
    return Address(f"{host}:{port}", ctl, stop, state, frames, None, prepare)


def remote_of(name: str, section: RemoteSection) -> Address:
    """The address a reference with absolute paths leads to.

    Raises:
        CellFileError: A key is missing, or others may read ours.
    """
    host_key = load_public_key(Path(section.host_key))
    keys = load_keys(Path(section.keys))
    return replace(remote(section.host, host_key, keys, section.port), name=name)


def address_of(cell: str | Address, runtime: Path | None) -> Address:
    """By name: the host on this machine, else the one elsewhere that was connected to before.

    Raises:
        CellFileError: It is elsewhere and its keys are gone.
    """
    if isinstance(cell, Address):
        return cell
    here = local(cell, runtime)
    section = None if here.paths is None else read_note(here.paths.folder)
    if here.paths is None or section is None or holder_of(here.paths.lock) is not None:
        return here
    return remote_of(here.name, section)
