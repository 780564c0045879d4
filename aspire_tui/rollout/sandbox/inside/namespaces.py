"""A root directory of its own, with nothing in it but what a program may read.

User, mount, network, pid, ipc, uts and cgroup namespaces in one step; a read-only tmpfs as root;
the standard library and the allowed packages bound into it at the paths they have outside, so that
modules already imported go on finding their files. No /proc, /dev or /tmp.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from . import kernel

_NEW_USER = 0x10000000
_NEW_OTHERS = 0x00020000 | 0x40000000 | 0x20000000 | 0x08000000 | 0x04000000 | 0x02000000
"""Mount, network, pid, ipc, uts, cgroup."""

_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_KEPT_FLAGS = ((1, 1), (2, 2), (4, 4), (8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))
"""statvfs flag → mount flag. A remount in a user namespace may not clear any of them."""

NOBODY = 65534
_STAGING = "/tmp"
_OLD = "/.old"


def unshare(as_root: bool) -> None:
    """Enter the namespaces; an ordinary user (or a root without rights) by way of a user namespace.

    The pid namespace takes effect for the next child.
    """
    if as_root:
        kernel.named("unshare", _NEW_OTHERS)
        return
    uid, gid = os.geteuid(), os.getegid()
    kernel.named("unshare", _NEW_USER | _NEW_OTHERS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def change_root(directories: Sequence[str], hidden: Sequence[str]) -> None:
    """Replace ``/`` by a read-only tmpfs with ``directories`` bound into it.

    Args:
        directories: Absolute paths, parents before children.
        hidden: Directories inside of them to cover by an empty tmpfs first.
    """
    kernel.mount(None, "/", None, _REC | _PRIVATE)
    sources = {path: os.path.realpath(path) for path in directories}
    kernel.mount("tmpfs", _STAGING, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    Path(_STAGING + _OLD).mkdir()
    kernel.named("pivot_root", _STAGING.encode(), (_STAGING + _OLD).encode())
    os.chdir("/")
    covers: list[str] = []
    for path in directories:
        if not any(Path(path).is_relative_to(cover) for cover in covers):
            for cover in hidden:
                if Path(path).is_relative_to(cover) and Path(cover).exists():
                    kernel.mount("tmpfs", cover, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
                    covers.append(cover)
        Path(path).mkdir(parents=True, exist_ok=True)
        _bind_read_only(_OLD + sources[path], path)
    for cover in hidden:
        if Path(cover).exists() and cover not in covers:
            kernel.mount("tmpfs", cover, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
            covers.append(cover)
    kernel.detach(_OLD)
    Path(_OLD).rmdir()
    for target in (*covers, "/"):
        kernel.mount(None, target, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)


def _bind_read_only(source: str, target: str) -> None:
    kernel.mount(source, target, None, _BIND)
    present = os.statvfs(target).f_flag
    flags = sum(flag for bit, flag in _KEPT_FLAGS if present & bit)
    flags |= _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV
    kernel.mount(None, target, None, flags)
