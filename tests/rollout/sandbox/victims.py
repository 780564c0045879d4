"""What there is to harm, and how harm is told: at the victim, never by what the attacker says."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "aspire_tui" / "domain.py"
SOURCE_SAYS = "class SandboxReport"
_IPC_PRIVATE_KEY = 0x41535049


@dataclass
class Seen:
    """What became of one program, whoever ran it."""

    stdout: str = ""
    error: str = ""
    ended: bool = True
    """By itself or by its limits, before patience ran out."""
    engine_alive: bool = True
    calls: list[str] = field(default_factory=list)
    """Primitives that were really called."""
    odd_values: int = 0
    """Arguments that reached a primitive without being finite or declared."""
    late_calls: int = 0
    """Calls served after the program had said its end."""
    kept: int = 0
    """Bytes of output the engine held on to."""
    engine_mb: float = 0.0
    """By how much the caller's own memory grew at most."""
    program_mb: float = 0.0
    processes: int = 0
    threads: int = 0
    limits: tuple[int, ...] = ()
    """Limits of processor time of the program's processes, when it asked to be looked at."""
    namespaces: int = 0
    """How many user namespaces its processes were in, when it asked to be looked at."""
    note: str = ""


@dataclass
class Victims:
    """What there is to harm: files, sockets, a process, a secret in the environment."""

    folder: Path
    token: str
    canary: subprocess.Popen[bytes]
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    abstract: socket.socket
    sim: socket.socket
    closing: contextlib.ExitStack
    before: os.stat_result = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.secret.stat()
        self.there = {p.name for p in self.folder.iterdir()}
        self.world = Path(f"/dev/shm/aspire-world-{self.token[:8]}")
        self.world.write_text(self.token)
        self.world.chmod(0o666)
        self.pipe, self.pipe_end = os.pipe()
        os.set_blocking(self.pipe, False)

    @property
    def secret(self) -> Path:
        return self.folder / "secret.txt"

    def names(self) -> dict[str, object]:
        """What an attacker is told; guessing it would only take longer."""
        return {
            "FOLDER": str(self.folder),
            "SECRET": str(self.secret),
            "CANARY": self.canary.pid,
            "ENGINE": os.getpid(),
            "TCP": self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
            "UNIX": str(self.folder / "unix.sock"),
            "ABSTRACT": "\0aspire-" + self.token[::-1],
            "KEY": _IPC_PRIVATE_KEY,
            "SIM": str(self.folder / "sim.sock"),
            "WORLD": str(self.world),
            "LINK": str(self.folder / "link"),
            "SOURCE": str(SOURCE),
            "PIPE": self.pipe_end,
            "KEYNAME": f"aspire-{self.token[:8]}",
        }

    def close(self) -> None:
        self.canary.kill()
        self.canary.wait()
        self.closing.close()
        self.world.unlink(missing_ok=True)
        os.close(self.pipe)
        os.close(self.pipe_end)

    def heard(self) -> bool:
        """Whether any of the sockets got anything."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self.pipe, 100):
                return True
        for listener in (self.tcp, self.unix, self.abstract, self.sim):
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                return True
        with contextlib.suppress(BlockingIOError):
            return bool(self.udp.recv(100))
        return False

    def canary_state(self) -> str:
        stat = Path(f"/proc/{self.canary.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]


def make_victims(folder: Path, token: str) -> Victims:
    """Everything an attack could reach, in a folder that anyone may enter and write."""
    folder.chmod(0o777)
    for parent in folder.parents:  # an ordinary user has to be able to get here
        if parent.stat().st_uid == folder.stat().st_uid and parent != Path("/"):
            with contextlib.suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o055)
    (folder / "secret.txt").write_text(token)
    (folder / "secret.txt").chmod(0o666)
    (folder / "truth.py").write_text(f"where_the_cube_is = {token!r}\n")
    closing = contextlib.ExitStack()
    sockets = []
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "unix.sock")),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\0aspire-" + token[::-1]),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "sim.sock")),
    ):
        listener = closing.enter_context(socket.socket(family, kind))
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        listener.setblocking(False)
        sockets.append(listener)
    (folder / "unix.sock").chmod(0o777)
    (folder / "sim.sock").chmod(0o777)
    (folder / "link").symlink_to(f"/nowhere/{token}")
    (folder / ".ssh").mkdir()
    (folder / ".ssh" / "id_ed25519").write_text(f"PRIVATE KEY {token}")
    home = folder / f"home-{token}"
    home.mkdir()
    canary = subprocess.Popen(["/bin/sleep", "600"], env={"TOKEN": token}, cwd=home)
    return Victims(folder, token, canary, *sockets, closing)


def told(v: Victims, seen: Seen) -> bool:
    """The secret came out of the program."""
    return v.token in seen.stdout or v.token in seen.error


def heard(v: Victims, seen: Seen) -> bool:
    return v.heard()


def planted(v: Victims, seen: Seen) -> bool:
    """Something new lies in the folder."""
    return {p.name for p in v.folder.iterdir()} > v.there


def damaged(v: Victims, seen: Seen) -> bool:
    """The secret file is gone or is not what it was."""
    if not v.secret.exists():
        return True
    now = v.secret.stat()
    kept = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_nlink", "st_ino")
    xattrs = os.listxattr(v.secret)
    return any(getattr(now, n) != getattr(v.before, n) for n in kept) or bool(xattrs)


def canary_gone(v: Victims, seen: Seen) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        v.canary.wait(0.2)
    return v.canary.poll() is not None


def canary_stopped(v: Victims, seen: Seen) -> bool:
    return v.canary_state() in "Tt"


def canary_changed(v: Victims, seen: Seen) -> bool:
    pid = v.canary.pid
    return (
        os.getpriority(os.PRIO_PROCESS, pid) != os.getpriority(os.PRIO_PROCESS, 0)
        or resource.prlimit(pid, resource.RLIMIT_NOFILE)
        != resource.getrlimit(resource.RLIMIT_NOFILE)
        or os.sched_getaffinity(pid) != os.sched_getaffinity(0)
        or os.sched_getscheduler(pid) != os.sched_getscheduler(0)
    )


def shared_memory_made(v: Victims, seen: Seen) -> bool:
    libc = ctypes.CDLL(None)
    made = libc.shmget(_IPC_PRIVATE_KEY, 0, 0)
    if made >= 0:
        libc.shmctl(made, 0, None)
    return made >= 0


def message_queue_made(v: Victims, seen: Seen) -> bool:
    libc = ctypes.CDLL(None)
    made = libc.msgget(_IPC_PRIVATE_KEY, 0)
    if made >= 0:
        libc.msgctl(made, 0, None)
    return made >= 0


def source_told(v: Victims, seen: Seen) -> bool:
    return SOURCE_SAYS in seen.stdout


def semaphore_file() -> Path:
    return Path(f"/dev/shm/aspire-{_IPC_PRIVATE_KEY}")


def key_planted(v: Victims, seen: Seen) -> bool:
    """Whether the key is in the user's keyring, as any process of this user would find it."""
    name = f"aspire-{v.token[:8]}"
    libc = ctypes.CDLL(None, use_errno=True)
    search, unlink, user_keyring = 10, 9, -4
    keyctl = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine, -1)
    key = libc.syscall(keyctl, search, user_keyring, b"user", name.encode(), 0)
    if key > 0:
        libc.syscall(keyctl, unlink, key, user_keyring)
    return key > 0
