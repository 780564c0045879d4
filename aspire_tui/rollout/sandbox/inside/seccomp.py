"""The system calls a program may make: an allow-list, compiled to a BPF filter.

Everything not named here answers EPERM; a foreign instruction set kills. Numbers are per
architecture, names are shared.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from . import kernel

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

_RET_KILL_PROCESS = 0x80000000
_RET_ERRNO = 0x00050000
_RET_ALLOW = 0x7FFF0000
_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_ARGS = 0, 4, 16

ALLOWED = {
    "x86_64": {
        "read": 0, "write": 1, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7,
        "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
        "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19, "writev": 20,
        "access": 21, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32,
        "nanosleep": 35, "getitimer": 36, "getpid": 39, "sendto": 44, "recvfrom": 45, "exit": 60,
        "uname": 63, "getcwd": 79, "gettimeofday": 96, "getrlimit": 97,
        "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104,
        "geteuid": 107, "getegid": 108, "getppid": 110, "getpgrp": 111, "getgroups": 115,
        "getresuid": 118, "getresgid": 120, "getpgid": 121, "getsid": 124, "sigaltstack": 131,
        "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204, "getdents64": 217,
        "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
        "faccessat": 269, "pselect6": 270, "ppoll": 271,
        "set_robust_list": 273, "getcpu": 309, "getrandom": 318, "membarrier": 324,
        "statx": 332, "rseq": 334, "close_range": 436, "faccessat2": 439,
    },
    "aarch64": {
        "getcwd": 17, "dup": 23, "faccessat": 48, "openat": 56, "close": 57, "getdents64": 61,
        "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67,
        "pselect6": 72, "ppoll": 73, "newfstatat": 79, "fstat": 80, "exit": 93,
        "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101, "getitimer": 102,
        "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
        "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128,
        "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
        "getresuid": 148, "getresgid": 150, "times": 153, "getpgid": 155, "getsid": 156,
        "getgroups": 158, "uname": 160, "getrlimit": 163, "getrusage": 165, "getcpu": 168,
        "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174, "geteuid": 175,
        "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179, "sendto": 206,
        "recvfrom": 207, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226,
        "madvise": 233, "getrandom": 278, "membarrier": 283, "statx": 291, "rseq": 293,
        "close_range": 436, "faccessat2": 439,
    },
}  # fmt: skip
ANSWERED = {
    "x86_64": {"ioctl": (16, errno.ENOTTY), "clone3": (435, errno.ENOSYS)},
    "aarch64": {"ioctl": (29, errno.ENOTTY), "clone3": (435, errno.ENOSYS)},
}
"""Refused with the errno that makes libc fall back or Python go on."""
FCNTL = {"x86_64": 72, "aarch64": 25}
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC. Not SETOWN and SETSIG: with those a descriptor
becomes ready by sending any signal to any process of the same user."""
PRLIMIT = {"x86_64": 302, "aarch64": 261}
"""Reading limits is fine: the pointer to new ones has to be null."""

Instruction = tuple[int, int, int, int]


def program(arch: str, deny: dict[int, int] | None = None) -> bytes:
    """The filter as the kernel takes it: an array of struct sock_filter.

    Args:
        arch: A key of ``AUDIT_ARCH``.
        deny: Instead of the allow-list, refuse just these numbers with these errnos.
    """
    code: list[Instruction] = [
        (_LOAD_WORD, 0, 0, _OFFSET_ARCH),
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[arch]),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
    ]
    if arch == "x86_64":
        code += [(_JUMP_AT_LEAST, 0, 1, X32_BIT), (_RETURN, 0, 0, _RET_KILL_PROCESS)]
    if deny is not None:
        for number, answer in deny.items():
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_ERRNO | answer)]
        code.append((_RETURN, 0, 0, _RET_ALLOW))
        return _packed(code)
    for number in ALLOWED[arch].values():
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_ALLOW)]
    for number, answer in ANSWERED[arch].values():
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_ERRNO | answer)]
    refuse = (_RETURN, 0, 0, _RET_ERRNO | errno.EPERM)
    fcntl = [(_LOAD_WORD, 0, 0, _OFFSET_ARGS + 8)]
    for command in FCNTL_COMMANDS:
        fcntl += [(_JUMP_EQUAL, 0, 1, command), (_RETURN, 0, 0, _RET_ALLOW)]
    fcntl.append(refuse)
    code += [(_JUMP_EQUAL, 0, len(fcntl), FCNTL[arch]), *fcntl]
    code += [
        (_JUMP_EQUAL, 0, 6, PRLIMIT[arch]),
        (_LOAD_WORD, 0, 0, _OFFSET_ARGS + 16),
        (_JUMP_EQUAL, 0, 3, 0),
        (_LOAD_WORD, 0, 0, _OFFSET_ARGS + 20),
        (_JUMP_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _RET_ALLOW),
        refuse,
        refuse,
    ]
    return _packed(code)


def _packed(code: list[Instruction]) -> bytes:
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def install(filter_program: bytes) -> None:
    """Confine this process, for good. ``no_new_privs`` has to be set."""
    text = ctypes.create_string_buffer(filter_program, len(filter_program))
    pointer = struct.pack("<HxxxxxxQ", len(filter_program) // 8, ctypes.addressof(text))
    set_mode_filter, synchronise_threads = 1, 1
    kernel.named("seccomp", set_mode_filter, synchronise_threads, pointer)
