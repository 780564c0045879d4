"""Confines this process, then becomes the hosted agent, or tries to break out and reports.

``python -m aspire_tui.improvement.acp.inside.confined PLAN``: a plan as JSON. The outer process
waits; the inner one is pid 1 of namespaces of its own, with no network but a loopback port that
leads to the provider, no capabilities and no way to get any.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aspire_tui.improvement.acp.inside import relay
from aspire_tui.improvement.acp.inside.root import DEVICES, HOME, LINKS, WORK, change_root
from aspire_tui.rollout.sandbox.inside import kernel, namespaces

PROXY_PORT: Final = 3128
PROVIDER: Final = f"{LINKS}/provider.sock"
NOT_CONFINED: Final = 125
"""Exit code when a layer could not be made: nothing was run."""
_UP: Final = 0x1
_DEVICES_MAY: Final = {*DEVICES, "stdin", "stdout", "stderr", "fd", "shm"}


def main() -> int:
    plan = json.loads(sys.argv[1])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        as_root = os.geteuid() == 0 and has_admin()
        namespaces.unshare(as_root=as_root)
        inner = os.fork()
        if inner == 0:
            _inner(plan, as_root)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"not confined: {error.strerror}{where}\n")
        return NOT_CONFINED
    for fd in (0, 1):
        os.close(fd)  # the agent alone holds its pipes
    _, status = os.waitpid(inner, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def has_admin() -> bool:
    """Whether this process may make namespaces by itself; else it needs a user namespace."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.split("CapEff:")[1].split()[0], 16) & (1 << 21))


def _inner(plan: Mapping[str, Any], as_root: bool) -> None:
    """Pid 1: make the layers, start the way to the provider, run the agent, end with it."""
    code = NOT_CONFINED
    try:
        kernel.die_with_parent()
        change_root(plan["work"], plan["links"], plan["reads"])
        _loopback_up()
        listener = socket.socket()
        listener.bind(("127.0.0.1", PROXY_PORT))
        listener.listen(16)
        if as_root:
            kernel.drop_root(namespaces.NOBODY, namespaces.NOBODY)
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.die_with_parent()  # once more: becoming another user has cleared it
        os.chdir(WORK)
        code = _report(plan) if plan.get("probe") else _run(plan, listener)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"not confined: {error.strerror}{where}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(plan: Mapping[str, Any], listener: socket.socket) -> int:
    agent = os.fork()
    if agent == 0:
        listener.close()
        try:
            keys = {name: os.environ[name] for name in plan["keys"] if name in os.environ}
            os.execvpe(plan["argv"][0], plan["argv"], {**plan["environment"], **keys})
        except OSError as error:
            sys.stderr.write(f"{plan['argv'][0]}: {error.strerror}\n")
            sys.stderr.flush()
            os._exit(127)
    for fd in (0, 1):
        os.close(fd)
    if os.fork() == 0:
        relay.serve(listener, PROVIDER)
    listener.close()
    while True:
        child, status = os.wait()
        if child == agent:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", _UP)
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS


def _report(plan: Mapping[str, Any]) -> int:
    """Try what must not work; every success is a leak."""
    leaks = [str(s) for p in plan["forbidden"] for s in _seen(Path(p), plan["reads"])]
    leaks += [str(path) for path in Path(HOME).iterdir()]
    leaks += [str(path) for path in Path("/dev").iterdir() if path.name not in _DEVICES_MAY]
    leaks += [f"interface {name}" for _, name in socket.if_nameindex() if name != "lo"]
    others = {p.name for p in Path("/proc").iterdir() if p.name.isdigit()} - {str(os.getpid())}
    leaks += [f"process {name}" for name in others]
    for path in ("/probe", f"{LINKS}/probe", "/usr/probe"):
        try:
            Path(path).touch()
            leaks.append(f"writes {path}")
        except OSError:
            continue
    with socket.socket() as sock:
        sock.settimeout(1.0)
        try:
            sock.connect(("192.0.2.1", 443))
            leaks.append("network")
        except OSError:
            pass  # as it should be
    if os.geteuid() == 0:
        leaks.append("uid 0")
    sys.stdout.write(json.dumps({"leaks": leaks[:5]}))
    sys.stdout.flush()
    return 0


def _seen(path: Path, reads: Sequence[str]) -> list[Path]:
    """What can be seen of a forbidden place; bare folders on the way to what may be read are not
    the place."""
    if not path.is_dir():
        return [path] if path.exists() else []
    return [e for e in path.iterdir() if not any(Path(r).is_relative_to(e) for r in reads)]


if __name__ == "__main__":
    sys.exit(main())
