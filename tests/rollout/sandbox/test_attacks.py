"""Hostile programs against real victims, judged at the victim.

Every attack first has to succeed without confinement (level D): one that fails there too proves
nothing about the sandbox and is not counted. Then it has to do nothing at A, A- and B.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import platform
import resource
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aspire_tui.rollout.sandbox.api import ProgramLimits, ProgramOutcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")

ENOUGH = 25
"""Attacks that have to work unconfined for this file to mean anything."""
LIMITS = ProgramLimits(wall_s=10, idle_s=3, cpu_s=5, memory_mb=256)
_IPC_PRIVATE_KEY = 0x41535049


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
    closing: contextlib.ExitStack
    before: os.stat_result = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.secret.stat()

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
            "ABSTRACT": "\0aspire-" + self.token,
            "KEY": _IPC_PRIVATE_KEY,
        }

    def heard(self) -> bool:
        """Whether any of the sockets got anything."""
        for listener in (self.tcp, self.unix, self.abstract):
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                return True
        with contextlib.suppress(BlockingIOError):
            return bool(self.udp.recv(100))
        return False

    def canary_state(self) -> str:
        stat = Path(f"/proc/{self.canary.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]


@pytest.fixture
def make_victims(tmp_path_factory, monkeypatch) -> Iterator[Callable[[], Victims]]:
    made: list[Victims] = []

    def make() -> Victims:
        folder = tmp_path_factory.mktemp("victims")
        folder.chmod(0o777)
        for parent in folder.parents:  # an ordinary user has to be able to get here
            if parent.owner() == folder.owner() and parent != Path("/"):
                with contextlib.suppress(PermissionError):
                    parent.chmod(parent.stat().st_mode | 0o055)
        token = secrets.token_hex(12)
        (folder / "secret.txt").write_text(token)
        (folder / "secret.txt").chmod(0o666)
        (folder / "truth.py").write_text(f"where_the_cube_is = {token!r}\n")
        monkeypatch.setenv("ANTHROPIC_API_KEY", token)
        closing = contextlib.ExitStack()
        sockets = []
        for family, kind, address in (
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "unix.sock")),
            (socket.AF_UNIX, socket.SOCK_STREAM, "\0aspire-" + token),
        ):
            listener = closing.enter_context(socket.socket(family, kind))
            listener.bind(address)
            if kind == socket.SOCK_STREAM:
                listener.listen()
            listener.setblocking(False)
            sockets.append(listener)
        (folder / "unix.sock").chmod(0o777)
        canary = subprocess.Popen(["/bin/sleep", "600"], env={"TOKEN": token})
        made.append(Victims(folder, token, canary, *sockets, closing))
        return made[-1]

    yield make
    for victims in made:
        victims.canary.kill()
        victims.canary.wait()
        victims.closing.close()


def told(v: Victims, outcome: ProgramOutcome) -> bool:
    """The secret came out of the program."""
    return v.token in outcome.stdout or v.token in outcome.error


def heard(v: Victims, outcome: ProgramOutcome) -> bool:
    return v.heard()


def planted(v: Victims, outcome: ProgramOutcome) -> bool:
    """Something new lies in the folder."""
    return {p.name for p in v.folder.iterdir()} > {"secret.txt", "truth.py", "unix.sock"}


def damaged(v: Victims, outcome: ProgramOutcome) -> bool:
    """The secret file is gone or is not what it was."""
    if not v.secret.exists():
        return True
    now = v.secret.stat()
    kept = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_nlink", "st_ino")
    xattrs = os.listxattr(v.secret)
    return any(getattr(now, n) != getattr(v.before, n) for n in kept) or bool(xattrs)


def canary_gone(v: Victims, outcome: ProgramOutcome) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        v.canary.wait(0.2)
    return v.canary.poll() is not None


def canary_stopped(v: Victims, outcome: ProgramOutcome) -> bool:
    return v.canary_state() in "Tt"


def canary_changed(v: Victims, outcome: ProgramOutcome) -> bool:
    pid = v.canary.pid
    return (
        os.getpriority(os.PRIO_PROCESS, pid) != os.getpriority(os.PRIO_PROCESS, 0)
        or resource.prlimit(pid, resource.RLIMIT_NOFILE)
        != resource.getrlimit(resource.RLIMIT_NOFILE)
        or os.sched_getaffinity(pid) != os.sched_getaffinity(0)
        or os.sched_getscheduler(pid) != os.sched_getscheduler(0)
    )


def shared_memory_made(v: Victims, outcome: ProgramOutcome) -> bool:
    libc = ctypes.CDLL(None)
    made = libc.shmget(_IPC_PRIVATE_KEY, 0, 0)
    if made >= 0:
        libc.shmctl(made, 0, None)
    return made >= 0


def message_queue_made(v: Victims, outcome: ProgramOutcome) -> bool:
    libc = ctypes.CDLL(None)
    made = libc.msgget(_IPC_PRIVATE_KEY, 0)
    if made >= 0:
        libc.msgctl(made, 0, None)
    return made >= 0


LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
NR = {
    "x86_64": {"tgkill": 234, "process_vm_readv": 310, "pidfd_open": 434, "pidfd_getfd": 438,
               "pidfd_send_signal": 424, "openat": 257, "memfd_create": 319, "unlinkat": 263,
               "execveat": 322, "name_to_handle_at": 303, "clone3": 435, "openat2": 437},
    "aarch64": {"tgkill": 131, "process_vm_readv": 270, "pidfd_open": 434, "pidfd_getfd": 438,
                "pidfd_send_signal": 424, "openat": 56, "memfd_create": 279, "unlinkat": 35,
                "execveat": 281, "name_to_handle_at": 264, "clone3": 435, "openat2": 437},
}.get(platform.machine(), {})  # fmt: skip

ATTACKS: dict[str, tuple[str, Callable[[Victims, ProgramOutcome], bool]]] = {
    # secrets in the environment and in memory
    "a key in the memory of the engine": ("""
import re
heap = next(l for l in open(f'/proc/{ENGINE}/maps') if '[heap]' in l)
low, high = (int(x, 16) for x in heap.split()[0].split('-'))
f = open(f'/proc/{ENGINE}/mem', 'rb', 0)
for at in range(low, high, 1 << 20):
    f.seek(at)
    for key in re.findall(rb'ANTHROPIC_API_KEY=\\w+', f.read(min(1 << 20, high - at))):
        print(key)""", told),
    "environment of the canary": ("print(open(f'/proc/{CANARY}/environ').read())", told),
    "environment of every process": (
        "import glob\nfor p in glob.glob('/proc/[0-9]*/environ'):\n"
        "  try: print(open(p).read())\n  except OSError: pass", told),
    "memory of the engine by process_vm_readv": (LIBC + """
start = int(open(f'/proc/{CANARY}/stat').read().rpartition(')')[2].split()[47])
buf = ctypes.create_string_buffer(4096)
class V(ctypes.Structure): _fields_ = [('b', ctypes.c_void_p), ('n', ctypes.c_size_t)]
mine, its = V(ctypes.addressof(buf), 4096), V(start & ~4095, 4096)
libc.syscall(NR['process_vm_readv'], CANARY, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0)
print(buf.raw.decode('latin-1'))""", told),
    "memory of the canary by /proc": ("""
start = int(open(f'/proc/{CANARY}/stat').read().rpartition(')')[2].split()[47])
f = open(f'/proc/{CANARY}/mem', 'rb', 0)
f.seek(start)
print(f.read(200).decode('latin-1'))""", told),
    # files of the host
    "read a file": ("print(open(SECRET).read())", told),
    "read a file by openat": (LIBC + """
fd = libc.syscall(NR['openat'], -100, SECRET.encode(), 0)
print(os.read(fd, 100).decode())""", told),
    "read a file by openat2": (LIBC + """
import struct
fd = libc.syscall(NR['openat2'], -100, SECRET.encode(), struct.pack('QQQ', 0, 0, 0), 24)
print(os.read(fd, 100).decode())""", told),
    "read a file by numpy": ("print(np.fromfile(SECRET, 'S24'))", told),
    "read a file by mmap": (
        "import mmap, os\nprint(mmap.mmap(os.open(SECRET, 0), 0, prot=1)[:].decode())", told),
    "read a file by loading it as a library": (
        "import ctypes\ntry: ctypes.CDLL(SECRET)\nexcept OSError as e: print(e)\n"
        "import linecache; print(linecache.getlines(SECRET))", told),
    "read a file through the caller's frames": (
        "import sys\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\n"
        "print(f.f_globals['__builtins__'], open(SECRET).read())", told),
    "import a module beside the program": (
        "import sys\nsys.path.insert(0, FOLDER)\n"
        "import truth\nprint(truth.where_the_cube_is)", told),
    "list a folder": ("import os\nprint(os.listdir(FOLDER + '/..') and open(SECRET).read())", told),
    # writes and metadata
    "create a file": ("import os\nos.open(FOLDER + '/new', os.O_CREAT | os.O_WRONLY)", planted),
    "create a folder": ("import os\nos.mkdir(FOLDER + '/new')", planted),
    "create a fifo": ("import os\nos.mkfifo(FOLDER + '/new')", planted),
    "create a symbolic link": ("import os\nos.symlink('/', FOLDER + '/new')", planted),
    "create a hard link": ("import os\nos.link(SECRET, FOLDER + '/new')", planted),
    "create a socket": (
        "import socket\nsocket.socket(socket.AF_UNIX).bind(FOLDER + '/new')", planted),
    "truncate": ("open(SECRET, 'w')", damaged),
    "truncate by path": ("import os\nos.truncate(SECRET, 0)", damaged),
    "delete": ("import os\nos.unlink(SECRET)", damaged),
    "delete by unlinkat": (
        LIBC + "libc.syscall(NR['unlinkat'], -100, SECRET.encode(), 0)", damaged),
    "rename": ("import os\nos.rename(SECRET, FOLDER + '/elsewhere')", damaged),
    "change mode": ("import os\nos.chmod(SECRET, 0o400)", damaged),
    "change times": ("import os\nos.utime(SECRET, (1, 1))", damaged),
    "change owner": ("import os\nos.chown(SECRET, 1234, 1234)", damaged),
    "set an attribute": ("import os\nos.setxattr(SECRET, 'user.x', b'1')", damaged),
    # network and local sockets
    "tcp": ("import socket\nsocket.create_connection(('127.0.0.1', TCP), 1)", heard),
    "udp": (
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        ".sendto(b'x', ('127.0.0.1', UDP))", heard),
    "unix socket": ("import socket\nsocket.socket(socket.AF_UNIX).connect(UNIX)", heard),
    "abstract unix socket": (
        "import socket\nsocket.socket(socket.AF_UNIX).connect(ABSTRACT)", heard),
    "tcp by libc": (LIBC + """
import struct
fd = libc.socket(2, 1, 0)
to = struct.pack('<H', 2) + struct.pack('>H', TCP) + bytes([127, 0, 0, 1]) + bytes(8)
libc.connect(fd, to, 16)
""", heard),
    # other processes
    "kill": ("import os\nos.kill(CANARY, 9)", canary_gone),
    "kill by tgkill": (LIBC + "libc.syscall(NR['tgkill'], CANARY, CANARY, 9)", canary_gone),
    "kill by pidfd": (
        LIBC + "fd = libc.syscall(NR['pidfd_open'], CANARY, 0)\n"
        "libc.syscall(NR['pidfd_send_signal'], fd, 9, None, 0)", canary_gone),
    "kill by making a descriptor ready": ("""
import fcntl, json, os, time
fcntl.fcntl(3, 8, CANARY)      # F_SETOWN
fcntl.fcntl(3, 10, 9)          # F_SETSIG: SIGKILL
fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)
b = json.dumps({'t': 'call', 'n': 1, 'f': 'get_observation', 'line': 1, 'a': {}}).encode()
os.write(3, len(b).to_bytes(4, 'big') + b)
time.sleep(0.5)                # the answer comes while nobody waits in a read
""", canary_gone),
    "change its limits": (
        "import resource\nresource.prlimit(CANARY, resource.RLIMIT_NOFILE, (7, 7))",
        canary_changed),
    "stop": ("import os, signal\nos.kill(CANARY, signal.SIGSTOP)", canary_stopped),
    "trace": (
        LIBC + "libc.ptrace(16, CANARY, 0, 0)\nimport time\ntime.sleep(0.3)\necho(STATE)",
        lambda v, o: "traced" in o.stdout),
    "slow down": ("import os\nos.setpriority(os.PRIO_PROCESS, CANARY, 19)", canary_changed),
    "pin to a processor": ("import os\nos.sched_setaffinity(CANARY, {0})", canary_changed),
    "change its scheduling": (
        "import os\nos.sched_setscheduler(CANARY, os.SCHED_IDLE, os.sched_param(0))",
        canary_changed),
    # new processes
    "a shell": ("import os\nos.system(f'/bin/mkdir {FOLDER}/new')", planted),
    "subprocess": ("import subprocess\nsubprocess.run(['/bin/mkdir', FOLDER + '/new'])", planted),
    "exec": ("import os\nos.execv('/bin/mkdir', ['mkdir', FOLDER + '/new'])", planted),
    "execveat": (LIBC + """
argv = (ctypes.c_char_p * 3)(b'mkdir', (FOLDER + '/new').encode(), None)
libc.syscall(NR['execveat'], -100, b'/bin/mkdir', argv, None, 0)""", planted),
    "a process of its own session": ("""
import os
if os.fork() == 0:
    os.setsid()
    os.mkdir(FOLDER + '/new')
    os._exit(0)
os.wait()""", planted),
    "a program in anonymous memory": (LIBC + """
fd = libc.syscall(NR['memfd_create'], b'x', 0)
import shutil
os.fork() or os.execv('/bin/mkdir', ['mkdir', FOLDER + '/new'])
os.wait()""", planted),
    "a multiprocessing pool": ("""
import multiprocessing, os
p = multiprocessing.get_context('fork').Process(target=os.mkdir, args=(FOLDER + '/new',))
p.start(); p.join()""", planted),
    # shared kernel objects
    "shared memory": (LIBC + "libc.shmget(KEY, 4096, 0o1666)", shared_memory_made),
    "a message queue": (LIBC + "libc.msgget(KEY, 0o1666)", message_queue_made),
    "a posix semaphore in /dev/shm": (
        "import os\nfd = os.open('/dev/shm/aspire-' + str(KEY), os.O_CREAT, 0o666)",
        lambda v, o: Path(f"/dev/shm/aspire-{_IPC_PRIVATE_KEY}").exists()),
    # the interpreter is no boundary, so nothing may depend on it
    "builtins by way of a class": ("""
for c in ().__class__.__base__.__subclasses__():
    if c.__name__ == '_wrap_close':
        c.__init__.__globals__['system'](f'/bin/mkdir {FOLDER}/new')""", planted),
    "the code of the runtime": ("""
import gc, types
link = next(o for o in gc.get_objects() if type(o).__name__ == 'Link')
type(link).__init__.__globals__['os'].mkdir(FOLDER + '/new')""", planted),
}  # fmt: skip


def attack(runner, v: Victims, program: str) -> ProgramOutcome:
    names = "".join(f"{name} = {value!r}\n" for name, value in {**v.names(), "NR": NR}.items())
    names += "STATE = 'tracing'\n"

    class Watching(runner.plain):
        def __call__(self, call):
            if call.args.get("value") == "tracing" and v.canary_state() == "t":
                traced.append(True)
            return super().__call__(call)

    traced: list[bool] = []
    outcome = runner(names + program, LIMITS, bench=Watching())
    if traced:
        outcome = dataclasses.replace(outcome, stdout=outcome.stdout + "traced")
    return outcome


def clean(v: Victims) -> None:
    Path(f"/dev/shm/aspire-{_IPC_PRIVATE_KEY}").unlink(missing_ok=True)
    with contextlib.suppress(ProcessLookupError):
        os.kill(v.canary.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def works_unconfined() -> dict[str, bool]:
    return {}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_works_unconfined_does_nothing_confined(
    name, at_level, make_victims, works_unconfined
):
    program, effect = ATTACKS[name]
    v = make_victims()
    outcome = attack(at_level("D"), v, program)
    works_unconfined[name] = effect(v, outcome)
    clean(v)
    for level in ("A", "A-", "B"):
        runner = at_level(level)
        v = make_victims()
        outcome = attack(runner, v, program)
        assert not effect(v, outcome), f"{name} got out of level {level}: {outcome}"
        assert v.canary.poll() is None
    if not works_unconfined[name]:
        pytest.skip(f"{name} does nothing here even unconfined")


def test_enough_of_the_attacks_are_real(works_unconfined):
    """Runs last: a corpus that fails without a sandbox would prove nothing about one."""
    if len(works_unconfined) < len(ATTACKS):
        pytest.skip("not all attacks were run")
    assert sum(works_unconfined.values()) >= ENOUGH, works_unconfined


BOMBS = {
    "fork": "import os\nwhile True: os.fork()",
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()"
    ),
    "memory": "x = np.ones(1 << 32)",
    "files": "import os\nx = []\nwhile True: x.append(os.dup(1))",
    "recursion in C": (
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: [f(y) for y in [x]]\nf(0)"
    ),
    "nested lists": "x = []\nfor i in range(10**6): x = [x]\nprint(x)",
    "a large power": "print(len(str(7 ** 10**7)))",
    "regular expression": "import re\nre.match('(a+)+b', 'a' * 40)",
    "closed descriptors": "import os\nos.closerange(0, 100)\nwhile True: pass",
    "silence": "import os\nos.close(3)\nwhile True: pass",
    "raised limits": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (999, 999))",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("level", ["A", "B"])
def test_bombs_end_in_one_line_and_the_next_program_runs(level, bomb, at_level):
    runner = at_level(level)
    limits = ProgramLimits(wall_s=2, idle_s=0.4, cpu_s=2, memory_mb=128)
    outcome = runner(BOMBS[bomb], limits)
    assert outcome.ended in ("raised", "timeout", "killed")
    assert outcome.error.isprintable()
    assert outcome.error
    assert runner("print(1)").stdout == "1\n"


WIRE = {
    "nonsense": "import os\nwhile True: os.write(3, b'\\0\\0\\0\\4nope')",
    "a huge message": "import os\nos.write(3, b'\\xff\\xff\\xff\\xff')\nwhile True: pass",
    "calls without reading": (
        "import os, json\n"
        "h = {'t': 'call', 'n': 1, 'f': 'echo', 'line': 1, 'a': {'value': 1}}\n"
        "b = json.dumps(h).encode()\n"
        "while True: os.write(3, len(b).to_bytes(4, 'big') + b)"
    ),
    "an undeclared primitive": (
        "import os, json\nwhile True:\n"
        "  b = json.dumps({'t':'call','n':1,'f':'hold','line':1,'a':{}}).encode()\n"
        "  os.write(3, len(b).to_bytes(4, 'big') + b); os.read(3, 65536)"
    ),
    "half a message": "import os\nos.write(3, b'\\0\\0\\0\\xff{')\nwhile True: pass",
}


@pytest.mark.parametrize("case", WIRE)
def test_abuse_of_the_calls_ends_the_program(run, case):
    limits = ProgramLimits(wall_s=3, idle_s=0.5, calls=100)
    outcome = run(WIRE[case], limits)
    assert outcome.ended in ("killed", "timeout")
    assert len(run.bench.calls) <= (case == "calls without reading")
    assert run("print(1)").stdout == "1\n"


def test_a_lie_about_the_end_is_only_a_claim(run):
    """A program can say what it likes of itself; it cannot go on after saying so."""
    outcome = run(
        "import os, json\n"
        "h = {'t': 'end', 'ended': 'returned', 'error': '', 'line': 0, 'claimed': True}\n"
        "b = json.dumps(h).encode()\n"
        "os.write(3, len(b).to_bytes(4, 'big') + b)\n"
        "while True:\n  try: goto_pose([0, 0, 0])\n  except BaseException: pass"
    )
    assert run.bench.calls == []
    assert outcome.ended == "killed"
    assert outcome.error.startswith("its process went on after its end")
