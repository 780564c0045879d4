"""A disk whose power can be cut: every write, sync and truncate is noted, any moment is an image.

Whatever was synced is in the image; of what was not, a random part is, torn at 512 bytes, each file
by itself. The shared-memory index does not survive.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR = 512


@dataclass
class Disk:
    """The log of what reached the disk. ``files`` is how they stood when the log began."""

    files: dict[str, bytes] = field(default_factory=dict)
    log: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    """(what, file, offset or number, bytes); what is write, truncate, delete, sync or ack."""

    def ack(self, number: int) -> None:
        self.log.append(("ack", "", number, b""))

    def image(self, cut: int, rng: random.Random) -> tuple[dict[str, bytes], int]:
        """The files as they may stand after power was lost, and the last number acknowledged."""
        done = self.log[:cut]
        acknowledged = max((n for what, _, n, _ in done if what == "ack"), default=0)
        names = set(self.files) | {name for _, name, _, _ in done if name}
        found = {name: self._file(name, done, rng) for name in names}
        return {name: data for name, data in found.items() if data is not None}, acknowledged

    def _file(
        self, name: str, done: list[tuple[str, str, int, bytes]], rng: random.Random
    ) -> bytes | None:
        synced = max((n for n, (what, file, _, _) in enumerate(done)
                      if what in ("sync", "delete") and file == name), default=-1)  # fmt: skip
        data = bytearray(self.files.get(name, b""))
        there = name in self.files
        for n, (what, file, at, content) in enumerate(done):
            if file != name:
                continue
            if what == "delete":
                data, there = bytearray(), False
            elif what == "write":
                there = True
                _put(data, at, content, rng if n > synced else None)
            elif what == "truncate" and (n <= synced or rng.random() < 0.5):
                del data[at:]
        return bytes(data) if there else None


def _put(data: bytearray, at: int, content: bytes, torn: random.Random | None) -> None:
    for start in range(0, len(content), SECTOR):
        if torn is not None and torn.random() < 0.5:
            continue
        piece = content[start : start + SECTOR]
        offset = at + start
        if len(data) < offset:
            data.extend(bytes(offset - len(data)))
        data[offset : offset + len(piece)] = piece


class WatchedVFS(apsw.VFS):
    """SQLite's way to the disk, noting what passes."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self.disk = disk

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> WatchedFile:
        return WatchedFile(name, flags, self.disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.disk.log.append(("delete", Path(filename).name, 0, b""))
        super().xDelete(filename, syncdir)


class WatchedFile(apsw.VFSFile):
    def __init__(self, name: apsw.URIFilename | str | None, flags: list[int], disk: Disk) -> None:
        super().__init__("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.short = Path(path or "temporary").name
        self.disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.log.append(("write", self.short, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self.disk.log.append(("truncate", self.short, newsize, b""))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self.disk.log.append(("sync", self.short, 0, b""))
