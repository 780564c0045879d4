"""What a session keeps whole of how its results came about: no checkout is needed to look it up."""

from __future__ import annotations

import importlib.metadata
import inspect
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.engine.book import Book
from aspire_tui.engine.hashes import JUDGING
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import Attached
from aspire_tui.library.skill import Skill
from drivers.types import CellInfo

LARGEST = 1 << 20
"""Bytes of one attachment; of a longer one the beginning is kept."""


class Attachment(NamedTuple):
    """One text to keep: what it is for, its name, media type and bytes."""

    role: str
    name: str
    media: str
    data: bytes


async def attach(book: Book, found: Sequence[Attachment]) -> None:
    """Keep these in the session, in one transaction."""
    events, blobs = [], {}
    for role, name, media, whole in found:
        data = whole[:LARGEST]
        sha = sha256_hex(data)
        blobs[sha] = (media, data)
        events.append(Attached(role, name, Blob(sha, media, len(data))))
    if events:
        await book.write(*events, blobs=blobs)


def of_session(cell_file: Path, cell: CellInfo, tasks: Sequence[TaskDef]) -> list[Attachment]:
    """Cell file, calibration, tasks, the judging code and every installed package."""
    return [
        Attachment("cell_file", cell_file.name, "text/x-toml", cell_file.read_bytes()),
        Attachment("calibration", cell.name, "application/json", _calibration(cell)),
        *_offsets(cell_file),
        *(Attachment("task", t.name, "application/json", as_kept(t)) for t in tasks),
        *_judging(),
        Attachment("versions", "packages.txt", "text/plain", _packages()),
    ]


def of_skill(skill: Skill) -> list[Attachment]:
    """The files of a skill that a program was made with."""
    folder = Path(skill.folder)
    return [
        Attachment(
            "skill", f"{skill.name}/{path.relative_to(folder)}", "text/plain", path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


def as_kept(value: object) -> bytes:
    """A value as it is kept: readable, the same for the same value."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1)


def _calibration(cell: CellInfo) -> bytes:
    """What the cell says of its cameras and joints; its drives' own files come beside it."""
    return as_kept({"cameras": cell.cameras, "arms": cell.arms})


def _offsets(cell_file: Path) -> list[Attachment]:
    """The files a cell file names as its devices' calibration, as they lie beside it now."""
    found: dict[str, Attachment] = {}
    sections: list[object] = [tomllib.loads(cell_file.read_text(encoding="utf-8"))]
    while sections:
        section = sections.pop()
        if isinstance(section, list):
            sections += section
        elif isinstance(section, dict):
            sections += section.values()
            path = cell_file.parent / str(section.get("calibration", ""))
            if path.is_file():
                read = Attachment("calibration", path.name, "application/json", path.read_bytes())
                found[path.name] = read
    return list(found.values())


def _judging() -> Iterator[Attachment]:
    for role, modules in JUDGING.items():
        for module in modules:
            source = inspect.getsource(module).encode()
            yield Attachment(role, f"{module.__name__}.py", "text/x-python", source)


def _packages() -> bytes:
    found = {f"{d.name}=={d.version}" for d in importlib.metadata.distributions()}
    return "\n".join(sorted(found, key=str.lower)).encode()
