"""The ledger of a skill folder: one JSON object a line, append-only, chained by hash, on disk.

A line's ``hash`` is sha256 over the ``hash`` of the line before it and its own text without
``hash``, keys sorted. The newest hash stands in a file beside it, so that lines cut off the end are
missed too. Who may write the folder can forge all of it; what is found is the edit by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from aspire_tui.domain import JSON, Struct
from aspire_tui.errors import ConfigError, PolicyRefused

FOLDER = ".ledger"
GENESIS = "0" * 64

Act = Literal["add", "begin", "edit", "finish", "abandon", "verify", "retire", "supersede"]

Hashes = dict[str, str]
"""sha256 by path below the skill folder, of every file of every skill."""


class Entry(Struct, frozen=True):
    """One line. ``files`` are all skill files as they were when it was written."""

    n: int
    at_s: float
    """Unix time."""
    who: str
    act: Act
    skill: str
    files: Hashes
    before: str
    """Hash of the line before."""
    hash: str
    note: str = ""
    details: dict[str, JSON] = {}


class LedgerProblem(ConfigError):
    """The ledger is not what was written. One line that names where."""


class Ledger:
    """The ledger of one folder of skills. Reading never writes."""

    def __init__(self, skills: Path, clock: Callable[[], float]) -> None:
        self.path = skills / FOLDER / "ledger.jsonl"
        self._head = self.path.with_name("head")
        self._lock = self.path.with_name("lock")
        self._clock = clock

    def entries(self) -> tuple[Entry, ...]:
        """Every line, checked.

        Raises:
            LedgerProblem: Names the first line that was altered, inserted, moved or is missing.
        """
        entries, _ = self._read()
        return entries

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the ledger against other commands; whoever comes second is told at once.

        Raises:
            PolicyRefused: Another command is writing.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}") from None
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PolicyRefused(
                    f"{self.path}: another command is changing these skills; try again after it"
                ) from None
            yield
        finally:
            os.close(fd)

    def append(
        self,
        act: Act,
        skill: str,
        who: str,
        files: Hashes,
        note: str = "",
        details: dict[str, JSON] | None = None,
    ) -> Entry:
        """Write one line and have it on disk before returning. Call inside :meth:`writing`."""
        entries, whole = self._read()
        more = dict(details or {})
        with self.path.open("ab") as out:
            if out.tell() > whole:  # the rest of a line whose writer died
                out.truncate(whole)
                more["torn_bytes_dropped"] = out.tell() - whole
            before = entries[-1].hash if entries else GENESIS
            unsigned = Entry(
                n=len(entries) + 1,
                at_s=self._clock(),
                who=who,
                act=act,
                skill=skill,
                files=dict(sorted(files.items())),
                before=before,
                hash="",
                note=note,
                details=more,
            )
            entry = msgspec.structs.replace(unsigned, hash=hash_of(unsigned))
            out.write(_encode(entry) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        self._write_head(entry)
        return entry

    def _write_head(self, entry: Entry) -> None:
        beside = self._head.with_suffix(".new")
        with beside.open("w", encoding="ascii") as out:
            out.write(f"{entry.n} {entry.hash}\n")
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self._head)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> tuple[tuple[Entry, ...], int]:
        """The entries, and how many bytes whole lines take."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise ConfigError(f"{self.path}: {error.strerror}") from None
        whole = data.rfind(b"\n") + 1
        entries: list[Entry] = []
        for number, line in enumerate(data[:whole].split(b"\n")[:-1], 1):
            entries.append(self._checked(number, line, entries[-1] if entries else None))
        self._check_head(entries)
        return tuple(entries), whole

    def _checked(self, number: int, line: bytes, last: Entry | None) -> Entry:
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._problem(number, "is no entry: it was edited by hand") from None
        expected = last.hash if last else GENESIS
        if entry.n != number or entry.before != expected:
            raise self._problem(
                number, f"does not follow line {number - 1}: lines were removed, added or moved"
            )
        if entry.hash != hash_of(entry) or line != _encode(entry):
            raise self._problem(number, f"({entry.act} {entry.skill}) was edited by hand")
        return entry

    def _check_head(self, entries: list[Entry]) -> None:
        try:
            n_text, _, newest = self._head.read_text(encoding="ascii").partition(" ")
            n = int(n_text)
        except FileNotFoundError:
            if len(entries) > 1:  # one line without head: its writer died in between
                raise self._problem(
                    len(entries), "is the last, but its head file is gone"
                ) from None
            return
        except (OSError, ValueError):
            raise LedgerProblem(f"{self._head}: is no head of a ledger") from None
        if n > len(entries):
            gone = n - len(entries)
            raise self._problem(n, f"is missing: {gone} lines were cut off the end")
        if n and entries[n - 1].hash != newest.strip():
            raise self._problem(n, "is not the line that was written: the chain was made anew")
        if len(entries) > n + 1:
            raise self._problem(n + 2, "was added by hand")

    def _problem(self, number: int, text: str) -> LedgerProblem:
        return LedgerProblem(f"{self.path} line {number} {text}")


def hash_of(entry: Entry) -> str:
    """What the entry's own ``hash`` has to be."""
    text = _encode(msgspec.structs.replace(entry, hash=""))
    return hashlib.sha256(entry.before.encode() + b"\n" + text).hexdigest()


def hashes_of(skills: Path) -> Hashes:
    """Every file of every skill below a folder; what begins with a dot belongs to no skill."""
    found: Hashes = {}
    if not skills.is_dir():
        return found
    for path in sorted(skills.rglob("*")):
        name = path.relative_to(skills)
        hidden = any(p.startswith((".", "__pycache__")) for p in name.parts)
        if hidden or len(name.parts) < 2 or path.is_symlink() or not path.is_file():
            continue
        found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _encode(entry: Entry) -> bytes:
    return msgspec.json.encode(entry, order="deterministic")
