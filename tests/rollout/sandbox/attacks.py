"""Hostile programs by category, each with how its effect is told at the victim.

``ESCAPES`` reach for something outside; unconfined (level D) they get it. ``BURDENS`` are aimed at
whoever runs the program; the careless engine of ``naive.py`` gives way to them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass

from tests.rollout.sandbox.victims import (
    Seen,
    Victims,
    canary_changed,
    canary_gone,
    canary_stopped,
    damaged,
    heard,
    key_planted,
    message_queue_made,
    planted,
    semaphore_file,
    shared_memory_made,
    source_told,
    told,
)

LIMITED_CPU_S = 5
"""Soft limit that a program starts with; the hard one is a second more."""

Effect = Callable[[Victims, Seen], bool]
Attack = tuple[str, Effect]

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
NR = {
    "x86_64": {"tgkill": 234, "process_vm_readv": 310, "pidfd_open": 434, "pidfd_getfd": 438,
               "pidfd_send_signal": 424, "openat": 257, "memfd_create": 319, "unlinkat": 263,
               "add_key": 248, "unshare": 272, "open_by_handle_at": 304,
               "execveat": 322, "name_to_handle_at": 303, "clone3": 435, "openat2": 437},
    "aarch64": {"tgkill": 131, "process_vm_readv": 270, "pidfd_open": 434, "pidfd_getfd": 438,
                "pidfd_send_signal": 424, "openat": 56, "memfd_create": 279, "unlinkat": 35,
               "add_key": 217, "unshare": 97, "open_by_handle_at": 265,
                "execveat": 281, "name_to_handle_at": 264, "clone3": 435, "openat2": 437},
}.get(platform.machine(), {})  # fmt: skip

ESCAPES: dict[str, Attack] = {
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
        lambda v, s: s.note == "traced"),
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
        lambda v, s: semaphore_file().exists()),
    # the interpreter is no boundary, so nothing may depend on it
    "builtins by way of a class": ("""
for c in ().__class__.__base__.__subclasses__():
    if c.__name__ == '_wrap_close':
        c.__init__.__globals__['system'](f'/bin/mkdir {FOLDER}/new')""", planted),
    "the code of the runtime": ("""
import gc, types
link = next(o for o in gc.get_objects() if type(o).__name__ == 'Link')
type(link).__init__.__globals__['os'].mkdir(FOLDER + '/new')""", planted),
    # asked for since
    "a private key of the user": ("print(open(FOLDER + '/.ssh/id_ed25519').read())", told),
    "our own source": ("print(open(SOURCE).read())", source_told),
    "the socket of the simulator": (
        "import socket\nsocket.socket(socket.AF_UNIX).connect(SIM)", heard),
    "the published state of the world": ("print(open(WORLD).read())", told),
    "the world by mapping it": (
        "import mmap, os\nfd = os.open(WORLD, os.O_RDWR)\nm = mmap.mmap(fd, 24)\nprint(m[:])",
        told),
    "a file by way of the root of another process": (
        "print(open(f'/proc/{CANARY}/root{SECRET}').read())", told),
    "where another process works": ("import os\nprint(os.readlink(f'/proc/{CANARY}/cwd'))", told),
    "where a link leads": ("import os\nprint(os.readlink(LINK))", told),
    "names in a folder": ("import os\nprint(os.listdir(FOLDER))", told),
    "a descriptor of the engine": (LIBC + """
pid = libc.syscall(NR['pidfd_open'], ENGINE, 0)
fd = libc.syscall(NR['pidfd_getfd'], pid, PIPE, 0)
os.write(fd, b'x')""", heard),
    "a file by its handle": (LIBC + """
import struct
handle = ctypes.create_string_buffer(struct.pack('II', 128, 0) + bytes(128), 136)
mount = ctypes.c_int()
path = SECRET.encode()
libc.syscall(NR['name_to_handle_at'], -100, path, handle, ctypes.byref(mount), 0)
where = os.open(FOLDER, 0)
fd = libc.syscall(NR['open_by_handle_at'], where, handle, 0)
print(os.read(fd, 100).decode())""", told),
    "a key in the kernel's keyring": (
        LIBC + "libc.syscall(NR['add_key'], b'user', KEYNAME.encode(), b'x', 1, -4)", key_planted),
    "a user namespace of its own": (
        LIBC + "libc.syscall(NR['unshare'], 0x10000000)\necho('look')",
        lambda v, s: s.namespaces > 1),
    "a kill by the 32-bit interface": (LIBC + """
import mmap, struct
code = (b'\\x53\\xb8' + struct.pack('<I', 37) + b'\\xbb' + struct.pack('<I', CANARY)
        + b'\\xb9' + struct.pack('<I', 9) + b'\\xcd\\x80\\x5b\\xc3')
page = mmap.mmap(-1, 4096, prot=7)
page.write(code)
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
ctypes.CFUNCTYPE(ctypes.c_int)(at)()""", canary_gone),
    "what happens in a folder": (LIBC + """
fd = libc.inotify_init1(0o4000)
libc.inotify_add_watch(fd, FOLDER.encode(), 0x100)
echo('touch')
print(os.read(fd, 4096).decode('latin-1'))""", told),
    "raised limits": (
        "import resource\nhard = resource.getrlimit(resource.RLIMIT_CPU)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))\necho('look')",
        lambda v, s: LIMITED_CPU_S + 1 in s.limits),
    "whether a file exists": (
        "import os\nprint(os.path.exists(SECRET), os.path.exists(SECRET + '-no'))",
        lambda v, s: "True False" in s.stdout),
    "how large a file is": (
        "import os\nprint('size', os.stat(SECRET).st_size)", lambda v, s: "size 24" in s.stdout),
    "whether a file may be read": (
        "import os\nprint(os.access(SECRET, os.R_OK), os.access(SECRET + '-no', 0))",
        lambda v, s: "True False" in s.stdout),
}  # fmt: skip

DECLARED_AT_B = frozenset({
    "whether a file exists", "how large a file is", "whether a file may be read",
})  # fmt: skip
"""Level B says of itself that it gives this much away."""


@dataclass(frozen=True)
class Burden:
    """An attack on the engine.

    Attributes:
        inside: The careless engine runs it in its own process instead of in a child.
        patience_s: How long the careless engine is let be, at most.
    """

    program: str
    effect: Effect
    inside: bool = False
    patience_s: float = 1.2


RAW = """
import os, json, struct
def raw(body): os.write(3, struct.pack('>I', len(body)) + body)
def read():
    n = struct.unpack('>I', os.read(3, 4))[0]
    while n > 0: n -= len(os.read(3, n))
def call(f, a): return json.dumps({'t': 'call', 'n': 1, 'f': f, 'line': 1, 'a': a}).encode()
"""
FORKED = "import os, time\nfor _ in range(40):\n  if os.fork() == 0: time.sleep(9); os._exit(0)\n"
THREADED = """
import threading, time
for _ in range(40): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
time.sleep(9)
"""


def still_there(v: Victims, seen: Seen) -> bool:
    return not seen.ended


def engine_died(v: Victims, seen: Seen) -> bool:
    return not seen.engine_alive


def flooded(v: Victims, seen: Seen) -> bool:
    return seen.kept > 8 << 20


def bloated(v: Victims, seen: Seen) -> bool:
    return seen.engine_mb > 40


def fat(v: Victims, seen: Seen) -> bool:
    return seen.program_mb > 400


def multiplied(v: Victims, seen: Seen) -> bool:
    return seen.processes >= 30


def threaded(v: Victims, seen: Seen) -> bool:
    return seen.threads >= 30


def odd(v: Victims, seen: Seen) -> bool:
    return seen.odd_values > 0


def overcalled(v: Victims, seen: Seen) -> bool:
    return len(seen.calls) > CALLS_ALLOWED


def called_late(v: Victims, seen: Seen) -> bool:
    return seen.late_calls > 0


def escapes_in_error(v: Victims, seen: Seen) -> bool:
    return "\x1b" in seen.error


CALLS_ALLOWED = 60

BURDENS: dict[str, Burden] = {
    # secrets
    "its own environment": Burden("import os\nprint(dict(os.environ))", told),
    "the environment it was started with": Burden("print(open('/proc/self/environ').read())", told),
    # bombs
    "processes": Burden(FORKED + "time.sleep(9)", multiplied),
    "processes by libc": Burden(
        "import ctypes, time\nlibc = ctypes.CDLL(None)\nfor _ in range(40):\n"
        "  if libc.fork() == 0: time.sleep(9)\ntime.sleep(9)", multiplied),
    "threads": Burden(THREADED, threaded),
    "threads without a module": Burden(
        "import _thread, time\nfor _ in range(40): _thread.start_new_thread(time.sleep, (9,))\n"
        "time.sleep(9)", threaded),
    "memory at once": Burden(
        "x = np.ones(60 << 20)\nimport time\ntime.sleep(0.2)", fat, patience_s=8),
    "memory in pieces": Burden(
        "x = [b'x' * 1000000 + str(i).encode() for i in range(500)]\n"
        "import time\ntime.sleep(0.2)",
        fat, patience_s=8),
    "memory past the interpreter": Burden(
        "import mmap, time\nm = [mmap.mmap(-1, 100 << 20) for _ in range(5)]\n"
        "for p in m: p.write(bytes(100 << 20))\ntime.sleep(0.2)", fat, patience_s=8),
    # hangs
    "a loop": Burden("while True: pass", still_there),
    "a sleep": Burden("import time\ntime.sleep(99)", still_there),
    "a loop in C": Burden("sum(range(10**12))", still_there),
    "a regular expression": Burden("import re\nre.match('(a+)+b', 'a' * 40)", still_there),
    "a loop that swallows interrupts": Burden(
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass", still_there),
    "deaf to signals": Burden(
        "import signal\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nwhile True: pass", still_there),
    # floods and crashes
    "a flood of output": Burden(
        "for _ in range(60): print('y' * (1 << 20))\nwhile True: pass", flooded),
    "a flood of errors": Burden(
        "import sys\nfor _ in range(60): print('y' * (1 << 20), file=sys.stdout)", flooded),
    "a crash": Burden("import ctypes\nctypes.string_at(0)", engine_died, inside=True),
    "an abort": Burden("import os\nos.abort()", engine_died, inside=True),
    "an exit": Burden("import os\nos._exit(0)", engine_died, inside=True),
    "recursion until the stack ends": Burden(
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: [f(y) for y in [x]]\n"
        "class A:\n  def __getattr__(self, n): return repr(getattr(self, n + 'x'))\nA().a",
        engine_died, inside=True),
    # introspection, descriptors, terminal
    "an inherited descriptor": Burden(
        "import os\nfor fd in range(4, 200):\n  try: os.write(fd, b'x')\n  except OSError: pass",
        heard),
    "a sequence for the terminal in an error": Burden(
        "raise ValueError('\\x1b]52;c;aGk=\\x07\\x1b[2J')", escapes_in_error),
    # malformed frames
    "a number that is none": Burden(
        RAW + "raw(call('goto_pose', {'position': [float('nan'), 0, 0]})); read()", odd),
    "a number beyond all numbers": Burden(
        RAW + "raw(call('goto_pose', {'position': 0}).replace(b': 0}', b': 1e999}')); read()", odd),
    "a message of 40 MB": Burden(
        RAW + "body = call('goto_pose', {'position': 'x' * (40 << 20)})\n"
        "body = memoryview(struct.pack('>I', len(body)) + body)\n"
        "while body: body = body[os.write(3, body) :]\nread()", bloated, patience_s=8),
    "a message nested without end": Burden(RAW + "raw(b'[' * 200_000); read()", engine_died),
    "a message that is none": Burden(RAW + "raw(b'nonsense'); read()", engine_died),
    "half a message": Burden(
        RAW + "os.write(3, b'\\0\\0\\0\\xff{')\nwhile True: pass", still_there),
    # abuse of the calls
    "calls without end": Burden("for i in range(500): echo(i)", overcalled),
    "an undeclared primitive": Burden(RAW + "raw(call('shutdown', {})); read()", odd),
    "an argument nobody declared": Burden(
        RAW + "raw(call('goto_pose', {'position': [0, 0, 0], 'speed': 99})); read()", odd),
    "a value of a megabyte": Burden(
        RAW + "raw(call('echo', {'value': 'x' * (2 << 20)})); read()", odd),
    "answers that nobody reads": Burden(
        RAW + "while True: raw(call('get_observation', {}))", still_there),
    "a call after the end": Burden(
        RAW + "raw(json.dumps({'t': 'end', 'ended': 'returned', 'error': '', 'line': 0, "
        "'claimed': True}).encode())\nraw(call('goto_pose', {'position': [0, 0, 0]})); read()",
        called_late),
}  # fmt: skip

CATEGORIES: dict[str, tuple[str, ...]] = {
    "secrets in environment and memory": (
        "a key in the memory of the engine", "its own environment",
        "the environment it was started with"),
    "host files, credentials, our source": (
        "read a file", "read a file by openat", "read a file by openat2", "read a file by numpy",
        "read a file by mmap", "read a file by loading it as a library", "names in a folder",
        "list a folder", "a private key of the user", "our own source", "where a link leads",
        "a file by its handle"),
    "simulator and ground truth": (
        "import a module beside the program", "the socket of the simulator",
        "the published state of the world", "the world by mapping it"),
    "network and local sockets": (
        "tcp", "udp", "unix socket", "abstract unix socket", "tcp by libc"),
    "other processes' /proc": (
        "environment of the canary", "environment of every process",
        "memory of the canary by /proc", "a file by way of the root of another process",
        "where another process works"),
    "signals, tracing, foreign memory": (
        "memory of the engine by process_vm_readv", "kill", "kill by tgkill", "kill by pidfd",
        "kill by making a descriptor ready", "stop", "trace", "change its limits", "slow down",
        "pin to a processor", "change its scheduling", "a descriptor of the engine"),
    "writes and metadata changes outside": (
        "create a file", "create a folder", "create a fifo", "create a symbolic link",
        "create a hard link", "create a socket", "truncate", "truncate by path", "delete",
        "delete by unlinkat", "rename", "change mode", "change times", "change owner",
        "set an attribute"),
    "new processes": (
        "a shell", "subprocess", "exec", "execveat", "a process of its own session",
        "a program in anonymous memory", "a multiprocessing pool"),
    "process and thread bombs": (
        "processes", "processes by libc", "threads", "threads without a module"),
    "memory bombs": ("memory at once", "memory in pieces", "memory past the interpreter"),
    "hangs in Python, in sleep, in C": (
        "a loop", "a sleep", "a loop in C", "a regular expression",
        "a loop that swallows interrupts", "deaf to signals"),
    "output floods, recursion, crashes": (
        "a flood of output", "a flood of errors", "a crash", "an abort", "an exit",
        "recursion until the stack ends"),
    "raw and foreign system calls, namespaces, kernel interfaces": (
        "shared memory", "a message queue", "a posix semaphore in /dev/shm",
        "a key in the kernel's keyring", "a user namespace of its own",
        "a kill by the 32-bit interface", "what happens in a folder"),
    "introspection, descriptors, terminal, raised limits": (
        "builtins by way of a class", "the code of the runtime",
        "read a file through the caller's frames", "an inherited descriptor",
        "a sequence for the terminal in an error", "raised limits"),
    "malformed frames": (
        "a number that is none", "a number beyond all numbers", "a message of 40 MB",
        "a message nested without end", "a message that is none", "half a message"),
    "abuse of the calls": (
        "calls without end", "an undeclared primitive", "an argument nobody declared",
        "a value of a megabyte", "answers that nobody reads", "a call after the end"),
    "existence of hidden paths": (
        "whether a file exists", "how large a file is", "whether a file may be read"),
}  # fmt: skip
