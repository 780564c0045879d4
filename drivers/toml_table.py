"""A TOML table read as a struct: an error names the file, the line and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from drivers.errors import CellFileError

T = TypeVar("T", bound=msgspec.Struct)


def convert_table(table: Any, into: type[T], path: Path, text: str = "") -> T:
    """A TOML table as a struct; errors name file, line and the nearest known key."""
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as error:
        raise CellFileError(_explain(str(error), into, path, text)) from None


def _explain(message: str, into: type[msgspec.Struct], path: Path, text: str) -> str:
    what, _, where = message.partition(" - at `$")
    where = where.rstrip("`").lstrip(".")
    keys = _keys_of(where)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown is None:
        place = place_of(path, text, keys[-1] if keys else "")
        return f"{place}: {where}: {what}" if where else f"{place}: {what}"
    key = unknown.group(1)
    section = f" in [{'.'.join(keys)}]" if keys else ""
    known = _fields_at(into, keys)
    return f"{place_of(path, text, key)}: unknown key {key!r}{section}{suggestion(key, known)}"


def _keys_of(where: str) -> list[str]:
    """``arms[0].gripper`` as its keys, without the indices."""
    return [key for key in re.split(r"\.|\[[^\]]*\]", where) if key]


def _fields_at(into: type[msgspec.Struct], keys: Sequence[str]) -> list[str]:
    """Known keys of the struct at a path."""
    current = into
    for key in keys:
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(current)}
        inner = next(iter(_structs_in(fields.get(key))), None)
        if inner is None:
            return []
        current = inner
    return [f.encode_name for f in msgspec.structs.fields(current)]


def _structs_in(annotation: Any) -> Iterable[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from _structs_in(argument)


def place_of(path: Path, text: str, key: str) -> str:
    """The file, and the line when the key occurs on exactly one."""
    if not key:
        return str(path)
    pattern = re.compile(rf"""(^|[\s\{{,\[."'])["']?{re.escape(key)}["']?\s*[=\].]""")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return f"{path}:{lines[0]}" if len(lines) == 1 else str(path)


def suggestion(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(known)}" if known else ""
