"""What file system a folder is on, and whether a session may be recorded there."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NETWORK: Final[Mapping[int, str]] = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x01021997: "9P",
    0x00C36400: "Ceph",
    0x5346414F: "AFS",
    0x0BD00BD0: "Lustre",
    0x19830326: "FhGFS",
    0x01161970: "GFS2",
}
"""``f_type`` of statfs(2)."""
FUSE: Final = 0x65735546
ON_A_BLOCK_DEVICE: Final = "fuseblk"
MOUNTS: Final = Path("/proc/self/mountinfo")


def why_not_here(folder: Path) -> str:
    """The file system that forbids recording in a folder, by name; empty where it may be done."""
    magic = magic_of(folder)
    if magic == FUSE:
        return fuse_without_a_disk(folder, MOUNTS.read_text(errors="replace"))
    return NETWORK.get(magic, "")


def magic_of(folder: Path) -> int:
    """``f_type`` of statfs(2) for a folder; 0 where the platform has no such call."""
    if not sys.platform.startswith("linux"):
        return 0
    buffer = (ctypes.c_long * 32)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(folder), buffer) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(folder))
    return int(buffer[0]) & 0xFFFFFFFF


def fuse_without_a_disk(folder: Path, mounts: str) -> str:
    """Which FUSE file system this is (``fuse.sshfs``); empty for one on a block device.

    What a FUSE program does with a lock or an fsync is its own affair, and most of them speak to
    another machine: only one that the kernel knows to lie on a disk of this one is taken.
    """
    kind = _type_of(os.path.realpath(folder), mounts)
    return "" if kind == ON_A_BLOCK_DEVICE else f"a FUSE file system ({kind or 'unknown'})"


def _type_of(folder: str, mounts: str) -> str:
    """The type of the mount that holds a folder: the longest mount point, the last one on it."""
    best, found = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        within = point == "/" or folder == point or folder.startswith(f"{point}/")
        if within and len(point) >= best:
            best, found = len(point), after.split()[0]
    return found
