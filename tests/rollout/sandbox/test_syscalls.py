"""The system-call filter of both architectures, judged by a small interpreter of its instructions.

Pure: the table of either machine is tested on any machine. What the kernel makes of it is tested by
the attacks.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from aspire_tui.rollout.sandbox.inside import kernel, seccomp
from tests.rollout.sandbox.syscall_numbers import NUMBERS

ARCHES = ("x86_64", "aarch64")
ALLOW, EPERM, ENOTTY, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50019, 0x50026, 0x80000000
I386, ARM32, RISCV64 = 0x40000003, 0x40000028, 0xC00000F3

LEGACY = {
    "stat", "lstat", "poll", "access", "select", "time", "getpgrp",
}  # fmt: skip
"""Calls of x86_64 that aarch64 never had; there libc uses others of the list."""

_NEVER = """
socket connect bind listen accept accept4 sendmsg recvmsg sendmmsg recvmmsg socketpair setsockopt
fork vfork clone clone3 execve execveat kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo
pidfd_open pidfd_getfd pidfd_send_signal ptrace process_vm_readv process_vm_writev kcmp
process_madvise process_mrelease setpriority sched_setscheduler sched_setparam sched_setattr
sched_setaffinity prctl seccomp setrlimit capset setuid setgid setreuid setregid setresuid setresgid
setgroups setfsuid setfsgid setsid setpgid unshare setns mount umount2 pivot_root chroot
move_mount fsopen fsconfig fsmount open_tree mount_setattr
open creat openat2 open_by_handle_at name_to_handle_at mkdir mkdirat mknod mknodat unlink unlinkat
rmdir rename renameat renameat2 link linkat symlink symlinkat truncate ftruncate fallocate chmod
fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr
fsetxattr removexattr memfd_create memfd_secret shmget shmat shmctl msgget msgsnd semget semop
mq_open io_uring_setup io_uring_enter io_uring_register io_setup io_submit bpf perf_event_open
userfaultfd keyctl add_key request_key inotify_init1 fanotify_init epoll_create1 eventfd2 signalfd4
timerfd_create pipe pipe2 dup2 dup3 splice tee vmsplice sendfile copy_file_range
readlink readlinkat
init_module finit_module delete_module kexec_load reboot swapon swapoff syslog acct quotactl
personality modify_ldt arch_prctl iopl ioperm settimeofday clock_settime adjtimex sethostname
setdomainname vhangup lookup_dcookie uselib ustat sysfs landlock_create_ruleset
process_vm_readv pkey_mprotect remap_file_pages mlock mlockall set_mempolicy mbind migrate_pages
move_pages setitimer alarm timer_create nfsservctl
"""
NEVER = frozenset(_NEVER.split())
"""Whatever else changes in the table, these stay out of it."""


def judge(arch: str, number: int, args: tuple[int, ...] = (), audit: int | None = None) -> int:
    """What the filter answers to one call, as the kernel would run it."""
    data = struct.pack("<IIQ", number, seccomp.AUDIT_ARCH[arch] if audit is None else audit, 0)
    data += struct.pack("<6Q", *(*args, 0, 0, 0, 0, 0, 0)[:6])
    code = list(struct.iter_unpack("<HBBI", seccomp.program(arch)))
    at = accumulator = 0
    while True:
        op, yes, no, k = code[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif op == 0x15:
            at += yes if accumulator == k else no
        elif op == 0x35:
            at += yes if accumulator >= k else no
        else:
            assert op == 0x06, f"an instruction this interpreter does not know: {op:#x}"
            return k


@pytest.mark.parametrize("arch", ARCHES)
def test_numbers_are_those_of_the_kernel(arch):
    """By name: a wrong number would allow something else."""
    tables = {**seccomp.ALLOWED[arch], **{n: v for n, (v, _) in seccomp.ANSWERED[arch].items()}}
    tables |= {"fcntl": seccomp.FCNTL[arch], "prlimit64": seccomp.PRLIMIT[arch]}
    tables |= kernel.NUMBERS[arch]
    tables |= {f"landlock_{name}": number for name, number in kernel.LANDLOCK.items()}
    assert {name: NUMBERS[arch].get(name) for name in tables} == tables


@pytest.mark.parametrize(
    ("arch", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_facts_are_those_of_the_headers(arch, header):
    if not Path(header).exists():
        pytest.skip(f"no {header}")
    text = Path(header).read_text()
    numbers = {n: int(v) for n, v in re.findall(r"#define (__NR\w+)\s+(\d+)\b", text)}
    numbers |= {
        n: numbers.get(v, -1) for n, v in re.findall(r"#define (__NR\w+) (__NR3264\w+)", text)
    }
    assert {n: numbers.get(f"__NR_{n}") for n in NUMBERS[arch]} == NUMBERS[arch]


@pytest.mark.parametrize("arch", ARCHES)
def test_the_filter_allows_the_list_and_nothing_else(arch):
    special = {n for n, _ in seccomp.ANSWERED[arch].values()}
    special |= {seccomp.FCNTL[arch], seccomp.PRLIMIT[arch]}
    allowed = set(seccomp.ALLOWED[arch].values())
    assert not allowed & special
    for number in range(1024):
        if number not in special:
            assert judge(arch, number) == (ALLOW if number in allowed else EPERM), number
    assert judge(arch, seccomp.ANSWERED[arch]["ioctl"][0]) == ENOTTY
    assert judge(arch, NUMBERS[arch]["clone3"]) == ENOSYS


@pytest.mark.parametrize("arch", ARCHES)
def test_a_foreign_instruction_set_kills(arch):
    others = [I386, ARM32, RISCV64, *(v for k, v in seccomp.AUDIT_ARCH.items() if k != arch)]
    for audit in others:
        for number in (0, 1, 11, 59, 102, 435):
            assert judge(arch, number, audit=audit) == KILL
    if arch == "x86_64":
        for number in (0, 1, 59, 520, 0x3FFFFFFF):
            assert judge(arch, seccomp.X32_BIT | number) == KILL


@pytest.mark.parametrize("arch", ARCHES)
def test_what_must_never_be_allowed_is_not(arch):
    known = [name for name in NEVER if name in NUMBERS[arch]]
    assert len(known) > 130
    for name in known:
        for argument in (0, 1, 1 << 32, (1 << 64) - 1):
            answer = judge(arch, NUMBERS[arch][name], (argument,) * 6)
            assert answer in (EPERM, ENOSYS), name


def test_both_machines_allow_the_same_calls_but_for_the_old_ones():
    x86, arm = (set(seccomp.ALLOWED[arch]) for arch in ARCHES)
    assert x86 - arm == LEGACY
    assert arm - x86 == set()
    assert not LEGACY & NUMBERS["aarch64"].keys()


@pytest.mark.parametrize("arch", ARCHES)
def test_arguments_are_looked_at_where_they_matter(arch):
    fcntl, prlimit = seccomp.FCNTL[arch], seccomp.PRLIMIT[arch]
    for command in (0, 1, 2, 3, 4, 1030):
        assert judge(arch, fcntl, (3, command)) == ALLOW
    for command in (5, 6, 7, 8, 10, 15, 1024, 1026, 1033):  # locks, owner, signal, lease, seals
        assert judge(arch, fcntl, (3, command)) == EPERM
    assert judge(arch, prlimit, (0, 9, 0, 1 << 40)) == ALLOW
    assert judge(arch, prlimit, (0, 9, 1)) == EPERM
    assert judge(arch, prlimit, (0, 9, 1 << 32)) == EPERM


@pytest.mark.parametrize("arch", ARCHES)
def test_the_kernel_would_take_the_filter(arch):
    """What its checker asks for: known instructions, jumps that land inside, an end at the end."""
    code = list(struct.iter_unpack("<HBBI", seccomp.program(arch)))
    assert len(code) <= 4096
    for at, (op, yes, no, k) in enumerate(code):
        assert op in (0x20, 0x15, 0x35, 0x06)
        if op in (0x15, 0x35):
            assert at + 1 + max(yes, no) < len(code)
        if op == 0x20:
            assert k % 4 == 0 and k < 64
    assert code[-1][0] == 0x06


@pytest.mark.parametrize("arch", ARCHES)
def test_a_filter_that_only_takes_away_takes_away_just_that(arch):
    """The one the tests use to make a kernel poorer."""
    code = seccomp.program(arch, deny={444: 38})
    assert code != seccomp.program(arch)
    assert len(code) % 8 == 0
