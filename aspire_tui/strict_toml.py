"""Reads TOML into structs; an unknown key is an error that names the nearest known one."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from aspire_tui.errors import ConfigError

T = TypeVar("T")

LIKENESS = 0.5
"""Least similarity, 0 to 1, at which a name is worth suggesting."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when none is alike. Case does not matter."""
    by_folded = {k.casefold(): k for k in known}
    found = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=LIKENESS)
    return by_folded[found[0]] if found else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """How to mend an unknown name: ``did you mean X?``, or the list of what is known."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"


def read_toml(path: Path, shape: type[T]) -> T:
    """Read one file strictly.

    Raises:
        ConfigError: One line: the file, the key, what is wrong and what would be right.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    return parse_toml(text, shape, str(path))


def parse_toml(text: str, shape: type[T], where: str) -> T:
    """As :func:`read_toml`, for text that is already here; ``where`` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{where}: not valid TOML: nested too deep") from None
    return convert_strictly(data, shape, where)


def convert_strictly(data: Any, shape: type[T], where: str) -> T:
    """Turn plain data into ``shape``; every struct in it is strict about its keys."""
    unknown = _unknown_key(data, _fields_of(cast(Hashable, shape)), "")
    if unknown is not None:
        key, known = unknown
        name = key.rpartition(".")[2]
        raise ConfigError(f"{where}: unknown key {key!r}; {suggestion(name, known)}")
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at ")
        key = at.strip("`").removeprefix("$").removeprefix(".")
        raise ConfigError(f"{where}: {key + ': ' if key else ''}{what}") from None


@cache
def _fields_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)  # resolves every annotation anew, which takes milliseconds


def _unknown_key(data: Any, info: inspect.Type, at: str) -> tuple[str, list[str]] | None:
    """The first key no struct knows, with the keys known in its place."""
    for member in _members(info):
        if isinstance(member, inspect.StructType) and isinstance(data, dict):
            fields = {f.encode_name: f.type for f in member.fields}
            for key, value in data.items():
                if key not in fields:
                    return f"{at}{key}", list(fields)
                deeper = _unknown_key(value, fields[key], f"{at}{key}.")
                if deeper is not None:
                    return deeper
        elif isinstance(member, inspect.DictType) and isinstance(data, dict):
            for key, value in data.items():
                deeper = _unknown_key(value, member.value_type, f"{at}{key}.")
                if deeper is not None:
                    return deeper
        elif isinstance(data, list):
            for i, (value, item) in enumerate(zip(data, _items(member, len(data)), strict=False)):
                deeper = _unknown_key(value, item, f"{at.rstrip('.')}[{i}].")
                if deeper is not None:
                    return deeper
    return None


def _members(info: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(info, inspect.UnionType):
        structs = [t for t in info.types if isinstance(t, inspect.StructType)]
        return info.types if len(structs) < 2 else ()
    return (info,)


def _items(info: inspect.Type, n: int) -> tuple[inspect.Type, ...]:
    if isinstance(info, inspect.VarTupleType | inspect.ListType):
        return (info.item_type,) * n
    if isinstance(info, inspect.TupleType):
        return info.item_types
    return ()
