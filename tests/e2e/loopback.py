"""A real sshd on loopback, with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LISTENS_S = 20.0


def sshd_binary() -> str | None:
    """Where sshd is; None where it or ssh is not installed."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    return found if shutil.which("ssh") is not None else None


@contextmanager
def sshd_on_loopback(folder: Path) -> Iterator[list[str]]:
    """The command that logs in; ``folder`` holds keys and settings."""
    binary = sshd_binary()
    assert binary is not None, "openssh-server is not installed"
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized", "StrictModes": "no", "UsePAM": "no",
        "PidFile": folder / "pid", "PermitRootLogin": "yes", "AcceptEnv": "LANG",
    }  # fmt: skip
    config = folder / "sshd_config"
    config.write_text("\n".join(f"{k} {v}" for k, v in settings.items()) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([binary, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + LISTENS_S
        while not _listens(port):
            assert time.monotonic() < end, "sshd does not listen"
            time.sleep(0.02)
        yield [
            "ssh", "-tt", "-p", str(port), "-i", str(folder / "user"), "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder / 'known'}",
            "-o", "LogLevel=ERROR", f"{getpass.getuser()}@127.0.0.1",
        ]  # fmt: skip
    finally:
        server.terminate()
        server.wait(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
