"""The file system a hosted agent sees: system programs, its own installation, its work folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from aspire_tui.rollout.sandbox.inside import kernel

HOME, WORK, LINKS = "/aspire/home", "/aspire/work", "/aspire/links"
"""Names no machine has, so that nothing the agent may read lies beneath them."""
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
SETTINGS = ("ssl", "ca-certificates", "pki", "alternatives")
FILES = ("ld.so.cache", "localtime")

_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_KEPT = ((1, 1), (2, 2), (4, 4), (8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))
_STAGING, _OLD = "/tmp", "/.old"


def change_root(work: str, links: str, reads: Sequence[str]) -> None:
    """Replace ``/``; only ``work``, the home and ``/tmp`` can be written, and nothing else is read.

    Called by the first process of the new pid namespace, so that ``/proc`` is its own.
    """
    kernel.mount(None, "/", None, _REC | _PRIVATE)
    sources = {str(p): os.path.realpath(p) for p in reads}
    work, links = os.path.realpath(work), os.path.realpath(links)
    kernel.mount("tmpfs", _STAGING, "tmpfs", _NOSUID | _NODEV, "size=4m,mode=755")
    Path(_STAGING + _OLD).mkdir()
    kernel.named("pivot_root", _STAGING.encode(), (_STAGING + _OLD).encode())
    os.chdir("/")
    for path in SYSTEM:
        _system(path)
    _settings()
    _devices()
    for folder, room in ((HOME, "256m"), ("/tmp", "256m"), ("/dev/shm", "64m")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        kernel.mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"size={room},mode=1777")
    for path, source in sorted(sources.items()):
        if not Path(path).exists():
            _bind(source, path, _RDONLY)
    _bind(work, WORK, 0)
    _bind(links, LINKS, _RDONLY)
    _processes()
    kernel.detach(_OLD)
    Path(_OLD).rmdir()
    kernel.mount(None, "/", None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)


def _system(path: str) -> None:
    old = Path(_OLD + path)
    if old.is_symlink():
        Path(path).symlink_to(old.readlink())
    elif old.is_dir():
        _bind(path, path, _RDONLY)


def _bind(source: str, target: str, flags: int) -> None:
    old = _OLD + source
    if Path(old).is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    kernel.mount(old, target, None, _BIND)
    present = os.statvfs(target).f_flag
    kept = sum(flag for bit, flag in _KEPT if present & bit)
    kernel.mount(None, target, None, kept | flags | _REMOUNT | _BIND | _NOSUID | _NODEV)


def _settings() -> None:
    """Certificates and the linker's cache; no accounts, hosts or keys of this machine."""
    Path("/etc").mkdir(exist_ok=True)
    for name in SETTINGS:
        if Path(f"{_OLD}/etc/{name}").is_dir():
            Path(f"/etc/{name}").mkdir()
            _copy_readable(Path(f"{_OLD}/etc/{name}"), Path(f"/etc/{name}"))
    for name in FILES:
        if Path(f"{_OLD}/etc/{name}").is_file():
            shutil.copyfile(f"{_OLD}/etc/{name}", f"/etc/{name}")
    Path("/etc/passwd").write_text(f"agent:x:65534:65534:agent:{HOME}:/bin/sh\n")
    Path("/etc/group").write_text("agent:x:65534:\n")
    Path("/etc/hosts").write_text("127.0.0.1 localhost\n")
    Path("/etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")


def _copy_readable(source: Path, target: Path) -> None:
    """Links and files everybody may read: a private key below ``/etc/ssl`` is none of them."""
    for entry in os.scandir(source):
        there = target / entry.name
        if entry.is_symlink():
            there.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir():
            if entry.name != "private":
                there.mkdir()
                _copy_readable(Path(entry.path), there)
        elif entry.stat().st_mode & 0o004 and not entry.name.endswith(".key"):
            shutil.copyfile(entry.path, there)


def _devices() -> None:
    Path("/dev").mkdir()
    for name in DEVICES:
        Path(f"/dev/{name}").touch()
        kernel.mount(f"{_OLD}/dev/{name}", f"/dev/{name}", None, _BIND)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        Path(f"/dev/{name}").symlink_to(f"/proc/self/fd/{number}")
    Path("/dev/fd").symlink_to("/proc/self/fd")


def _processes() -> None:
    Path("/proc").mkdir()
    kernel.mount("proc", "/proc", "proc", _NOSUID | _NODEV | 8)
