"""A real cell host reached over TCP with CURVE, as if it were on another machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hosts import cells_folder

from drivers.keys import make_keys

KINEMATIC = Path(__file__).parents[1] / "kinematic.toml"


@dataclass(frozen=True)
class Far:
    """Two machines: ``far`` runs the host, ``near`` only has a reference and a key."""

    far: Path
    near: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def reference(self) -> Path:
        return self.near / "far.toml"


def four_free_ports() -> int:
    """The first of four ports in a row that nobody listens on."""
    for first in range(21000 + os.getpid() % 9000, 60000, 7):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + 4):
                one = held.enter_context(socket.socket())
                one.bind(("127.0.0.1", port))
            return first
    raise OSError("no four ports in a row are free")


def write_reference(near: Path, port: int, stand_in: str = "", who: str = "ann.operator") -> None:
    (near / "far.toml").write_text(
        'name = "far"\n[remote]\n'
        f'address = "tcp://127.0.0.1:{port}"\n'
        'host_key = "keys/far.key"\n'
        f'keys = "keys/{who}.key_secret"\n'
        f'stand_in = "{stand_in}"\n'
    )


@contextlib.contextmanager
def served(cell: Path = KINEMATIC, name: str = "kin", *more: str) -> Iterator[Far]:
    """A host on its own "machine", and the near one's keys for it."""
    with cells_folder() as far, cells_folder() as near:
        keys, port = far / "keys", four_free_ports()
        make_keys(keys)
        (keys / "authorized").mkdir()
        for who, role in (("ann", "operator"), ("eve", "viewer"), ("adm", "admin")):
            make_keys(near / "keys", who, role)  # type: ignore[arg-type]
            shutil.copy(near / "keys" / f"{who}.{role}.key", keys / "authorized")
        shutil.copy(keys / "host.key", near / "keys" / "far.key")
        read_fd, write_fd = os.pipe()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "drivers.host", str(cell), "--name", name),
                *("--runtime", str(far), "--tcp", f"127.0.0.1:{port}", "--keys", str(keys)),
                *("--ready-fd", str(write_fd), *more),
            ],
            pass_fds=(write_fd,),
        )
        os.close(write_fd)
        with os.fdopen(read_fd, "rb") as ready:
            said = json.loads(ready.readline())
        assert said["ready"], said
        write_reference(near, port, str(far / f"cell-{name}" / "sim"))
        yield Far(far, near, port, process)
        process.kill()
        process.wait()
