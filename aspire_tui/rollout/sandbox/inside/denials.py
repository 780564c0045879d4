"""What a denial means, in one line for whoever repairs the program: what is not to be had, and
which primitive does what was wanted. Pure."""

from __future__ import annotations

import errno
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

PACKAGES = "programs may import numpy, scipy and the standard library"

_SENSING = ("get_observation", "get_object_pose", "segment_sam3_text_prompt", "get_robot_state")
_WAITING = ("wait",)
_ASKING = ("ask_operator",)
_MOST_NAMED = 2


class Place(NamedTuple):
    """One frame of a traceback, outermost first: module file and the text of its line."""

    file: str
    text: str


class _Kind(NamedTuple):
    """One thing that is denied: how it is recognised, what to say, what does it instead."""

    files: tuple[str, ...]
    text: re.Pattern[str]
    denied: str
    instead: str
    primitives: tuple[str, ...] = ()


_KINDS = (
    _Kind(
        ("socket.py", "ssl.py", "urllib", "http/", "ftplib.py", "smtplib.py", "asyncio/"),
        re.compile(r"\bsocket\b|\bconnect|urllib|urlopen|\bhttp|requests|asyncio"),
        "there is no network",
        "what the cell sees and knows comes from its primitives",
        _SENSING,
    ),
    _Kind(
        ("threading.py", "concurrent/futures/thread.py", "_thread"),
        re.compile(r"\bThread|_thread|start_new_thread|ThreadPool"),
        "there are no threads",
        "calls are made one after the other, in a plain loop",
    ),
    _Kind(
        ("subprocess.py", "multiprocessing/", "concurrent/futures/process.py", "pty.py"),
        re.compile(
            r"subprocess|Popen|\bfork\w*\(|\bexec[vl]\w*\(|os\.system|os\.popen|spawn|multiproc"
        ),
        "there are no other programs and no new processes",
        "do it in this program; numpy and scipy are at hand",
    ),
    _Kind(
        (),
        re.compile(r"\bkill\w*\(|ptrace|process_vm|pidfd|setpriority|sched_set|\bprlimit|\bnice\("),
        "other processes cannot be reached",
        "a program ends by returning or raising",
    ),
    _Kind(
        ("resource.py",),
        re.compile(r"setrlimit|unshare|\bmount\b|chroot|set[ug]id"),
        "its limits and rights cannot be changed",
        "stay within them",
    ),
    _Kind(
        ("tempfile.py", "shutil.py", "pathlib.py", "zipfile.py", "numpy/lib", "sqlite3"),
        re.compile(
            r"\bopen\(|\.read_|\.write|\bsave|\bload|listdir|mkdir|unlink|remove|rename|fromfile"
            r"|tofile|chmod|chown|stat\(|exists|glob|scandir|imread|imwrite"
        ),
        "there are no files",
        "print what is worth keeping; pictures and poses come from primitives",
        _SENSING,
    ),
)
_LIMITS, _FILES = _KINDS[-2:]


def advice(error: BaseException, places: Sequence[Place], declared: Collection[str]) -> str:
    """What to add to the text of an error; empty when the sandbox has no part in it.

    Args:
        places: The frames from the program's own line inwards.
        declared: Names of the primitives this program has.
    """
    if isinstance(error, MemoryError):
        return " — out of the program's memory limit"
    if isinstance(error, ModuleNotFoundError):
        return f" — {PACKAGES}; see the primitives"
    if isinstance(error, EOFError) and any("input(" in place.text for place in places):
        return f" — there is no keyboard{_by(_ASKING, declared)}"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _said(_KINDS[1], declared)
    if isinstance(error, ValueError) and "not allowed to raise" in str(error):
        return _said(_LIMITS, declared)
    while isinstance(error, OSError) and error.errno is None and error.__context__ is not None:
        error = error.__context__  # a library's own error around the system's
    if not isinstance(error, OSError):
        return ""
    if error.errno in (errno.ENOENT, errno.EROFS, errno.EFBIG, errno.ENOTDIR):
        return _said(_FILES, declared)
    if error.errno not in (errno.EPERM, errno.EACCES):
        return ""
    kind = _kind(error, places)
    if kind is None:
        return " — denied by the sandbox: only the declared primitives reach outside"
    return _said(kind, declared)


def _kind(error: OSError, places: Sequence[Place]) -> _Kind | None:
    for place in reversed(places):
        for kind in _KINDS:
            if any(file in place.file for file in kind.files) or kind.text.search(place.text):
                return kind
    return _FILES if error.filename is not None else None


def _said(kind: _Kind, declared: Collection[str]) -> str:
    instead = f"{kind.instead}{_by(kind.primitives, declared)}"
    return f" — denied by the sandbox: {kind.denied}; {instead}"


def _by(names: Sequence[str], declared: Collection[str]) -> str:
    """Those of the names that this program has."""
    known = [name for name in names if name in declared][:_MOST_NAMED]
    return f": use {' or '.join(known)}" if known else ""
