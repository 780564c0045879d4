"""The Linux system calls the zygote needs, by ctypes: thin, and loud when one fails."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

_libc = ctypes.CDLL(None, use_errno=True)

NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "unshare": 272, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "unshare": 97, "seccomp": 277},
}
LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}
"""The same on every architecture."""

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522
HIGHEST_CAPABILITY = 63


def architecture() -> str:
    """The machine's name when its system-call table is known here, else an empty text."""
    machine = platform.machine()
    known = sys.platform == "linux" and machine in NUMBERS and sys.maxsize > 2**32
    return machine if known and sys.byteorder == "little" else ""


def call(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """One raw system call. Raises OSError."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    answer = int(_libc.syscall(ctypes.c_long(number), *words))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


def named(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """One system call by name, with this architecture's number."""
    return call(NUMBERS[architecture()][name], *arguments)


def prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(option), *words) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    if (
        _libc.mount(
            source.encode() if source else None,
            target.encode(),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            data.encode() if data else None,
        )
        != 0
    ):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def detach(target: str) -> None:
    """Unmount lazily: gone from the tree at once."""
    if _libc.umount2(target.encode(), ctypes.c_int(2)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def die_with_parent() -> None:
    """SIGKILL when the parent ends. Credential changes clear this: call it after them."""
    prctl(PR_SET_PDEATHSIG, 9)


def drop_capabilities() -> None:
    """Empty the bounding set and every other set; nothing gives them back."""
    for capability in range(HIGHEST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == 22:  # past the last capability this kernel knows
                break
            if error.errno != 1:  # EPERM: never had the right to, so there is nothing to drop
                raise
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    named("capset", ctypes.create_string_buffer(header, 8), ctypes.create_string_buffer(24))


def drop_root(uid: int, gid: int) -> None:
    """Become an ordinary user for good."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # setresuid makes a process undumpable, and then its own /proc entries refuse it
    prctl(PR_SET_DUMPABLE, 1)
