"""Meeting a cell elsewhere: connect, ask what it is, keep that as a cell file of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from drivers.address import remote_of
from drivers.cellfile import CellReference, read_reference
from drivers.client import CellClient
from drivers.errors import CellFault, CellFileError
from drivers.hostlock import holder_of
from drivers.remote_section import write_note
from drivers.runtime_dir import cell_paths
from drivers.types import CellInfo

SEEN = "seen.toml"


def met(path: Path, runtime: Path | None = None) -> Path:
    """The file itself, or for a reference the one written from what its host says now.

    From then on the cell can be spoken to by name, as if its host were on this machine.

    Raises:
        CellFileError: The reference or its keys are wrong, or a host of that name runs here.
        CellFault: Nobody answers there.
    """
    reference = read_reference(path)
    if reference is None:
        return path
    paths = cell_paths(reference.name, runtime)
    if holder_of(paths.lock) is not None:
        raise CellFileError(
            f"{path}: a host on this machine serves a cell named {reference.name}; rename one"
        )
    info = _asked(reference)
    write_note(paths.folder, reference.remote)
    seen, beside = paths.folder / SEEN, paths.folder / f"{SEEN}.{os.getpid()}"
    beside.write_text(cell_text(reference, info), encoding="utf-8")
    beside.replace(seen)
    return seen


def _asked(reference: CellReference) -> CellInfo:
    address = remote_of(reference.name, reference.remote)
    try:
        client = CellClient(address, role="viewer", who="meeting")
    except CellFault as fault:
        raise CellFault(
            f"{fault}; is it served at {reference.remote.address}, and is our key in its "
            "`authorized` folder?"
        ) from None
    try:
        return client.info
    finally:
        client.close()


def cell_text(reference: CellReference, info: CellInfo) -> str:
    """A cell file, as TOML, of what a host said of its cell."""
    table = {
        "name": reference.name,
        "kind": info.kind,
        "clock": info.clock,
        "control_hz": info.control_hz,
        "estop": info.estop,
        "workspace": info.workspace,
        "task_area": info.task_area,
        "arms": info.arms,
        "cameras": info.cameras,
        "operation": reference.operation,
        "remote": reference.remote,
    }
    lines = [f"# What the host at {reference.remote.address} says; written when connecting."]
    lines += [
        f"{key} = {_toml(value)}"
        for key, value in msgspec.to_builtins(table).items()
        if value is not None
    ]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML in one line; what is None is left out."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{k} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inner} }}"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence):
        return f"[{', '.join(_toml(v) for v in value)}]"
    return repr(value)
