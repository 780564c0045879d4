"""Puts the layers of one level around the zygote, in the only order that works.

Namespaces and binds come before root is dropped: a Python below a private directory of root can
only be bound by root. Everything comes before the answer to the launcher; any error ends the
zygote, which then reports what it had.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from pathlib import Path

from . import kernel, landlock, namespaces
from .channel import Channel, Message

Layers = list[list[object]]
"""Rows of name, on, why."""

_HIDDEN_IN_LIBRARY = ("site-packages", "dist-packages")
_OUTER_CHECK_S = 0.2


class LayerFailed(Exception):
    """One layer could not be made; the zygote may not be used."""


def apply(plan: Message, layers: Layers, control: Channel, launcher: int) -> bool:
    """Confine this process to ``plan["level"]``.

    Returns:
        Whether this is now the inner process, pid 1 of its own pid namespace.
    """
    level = plan["level"]
    library = [path for path in sys.path if Path(path).is_dir()]
    packages = [*plan["packages"].values(), *plan["companions"]]
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")
    if level == "D":
        _skip(layers, "namespaces", "landlock", why="not used at level D")
        return False
    if not kernel.architecture():
        raise LayerFailed("no system-call table for this machine")
    droppable, why_not = _can_drop_root([*library, *packages], bound=level != "B")
    inner = False
    if level in ("A", "A-"):
        try:
            _enter_namespaces([*library, *packages], library)
        except OSError as error:
            layers.append(["namespaces", False, f"{error.strerror}: {error.filename or 'unshare'}"])
            raise
        _become_inner(control, launcher, droppable)
        inner = True
        layers.append(["namespaces", True, "user mnt net pid ipc uts cgroup"])
    else:
        _skip(layers, "namespaces", why="not used at level B")
    if droppable:
        kernel.drop_root(namespaces.NOBODY, namespaces.NOBODY)
        layers.append(["drop-root", True, "uid 65534"])
    elif why_not:
        _skip(layers, "drop-root", why=why_not)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if inner:
        kernel.die_with_parent()
    if level == "A-":
        _skip(layers, "landlock", why="not used at level A-")
        return inner
    both = landlock.READ_FILE | landlock.READ_DIR
    grants = {"/": both} if inner else _grants(library, packages)
    try:
        version = landlock.restrict(grants)
    except OSError as error:
        layers.append(["landlock", False, f"{error.strerror} on this kernel"])
        raise LayerFailed(f"Landlock: {error.strerror}") from error
    layers.append(["landlock", True, f"ABI {version}"])
    return inner


def _skip(layers: Layers, *names: str, why: str) -> None:
    layers.extend([name, False, why] for name in names)


def _can_drop_root(needed: list[str], bound: bool) -> tuple[bool, str]:
    """Whether nobody could still read the library; else why not.

    Args:
        bound: The library will be bound into a new root, so the way to it does not matter.
    """
    if os.geteuid() != 0:
        return False, ""
    if not _may_change_user():
        return False, "this root may not change its user"
    for path in needed:
        entry = Path(path)
        probes = [entry, *([entry / "os.py"] if (entry / "os.py").exists() else [])]
        if not all(stat.S_IMODE(p.stat().st_mode) & stat.S_IROTH for p in probes):
            return False, f"{path} is readable by root only"
        shut = [p for p in entry.parents if not stat.S_IMODE(p.stat().st_mode) & stat.S_IXOTH]
        if shut and not bound:
            return False, f"stays uid 0 without rights: Python lies below private {shut[0]}"
    return True, ""


def _may_change_user() -> bool:
    set_gid, set_uid = 1 << 6, 1 << 7
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    mapped = Path("/proc/self/uid_map").read_text().split()
    whole = int(mapped[2]) > namespaces.NOBODY
    return bool(effective & set_gid and effective & set_uid and whole)


def _enter_namespaces(directories: list[str], library: list[str]) -> None:
    effective = int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16)
    admin = bool(effective & (1 << 21))
    namespaces.unshare(as_root=os.geteuid() == 0 and admin)
    hidden = [str(Path(path, name)) for path in library for name in _HIDDEN_IN_LIBRARY]
    namespaces.change_root(sorted(directories), hidden)


def _become_inner(control: Channel, launcher: int, droppable: bool) -> None:
    """Fork: the child goes on as pid 1; this process only waits for it, and for the launcher."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        kernel.die_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return
    control.close()
    if droppable:
        kernel.drop_root(namespaces.NOBODY, namespaces.NOBODY)
    while os.getppid() == launcher:
        signal.sigtimedwait({signal.SIGCHLD}, _OUTER_CHECK_S)
        if os.waitpid(child, os.WNOHANG)[0] == child:
            break
    os._exit(0)


def _grants(library: list[str], packages: list[str]) -> dict[str, int]:
    """A rule per entry of the library, so that what is installed inside of it stays shut.

    Listing the library's own directory has to be granted (importlib lists it), and Landlock rights
    reach downwards: names below it can be seen, not read.
    """
    grants: dict[str, int] = {}
    for path in library:
        grants[path] = landlock.READ_DIR
        for entry in os.scandir(path):
            if entry.name in _HIDDEN_IN_LIBRARY:
                continue
            both = landlock.READ_FILE | landlock.READ_DIR
            grants[entry.path] = both if entry.is_dir() else landlock.READ_FILE
    for path in packages:
        grants[path] = landlock.READ_FILE | landlock.READ_DIR
    return grants
