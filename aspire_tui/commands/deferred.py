"""Verbs whose modules are imported when they are used: each would make the others wait."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import typer
from typer.core import TyperGroup

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class DeferredCommands(MutableMapping[str, Any]):
    """Commands by name, from ``module:function or app`` when one is asked for."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, self._places[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._places, *self._made)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._places or name in self._made


def deferred_group(places: Mapping[str, str], about: Mapping[str, str]) -> type[TyperGroup]:
    """A group of such verbs.

    Args:
        places: Where each verb is.
        about: What each is for, so that a list of them imports none.
    """

    class Deferred(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = DeferredCommands(places)

        def format_commands(self, _: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(list(about.items()))

    return Deferred


def _command(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    around = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
        return typer.main.get_group(around).commands[name]
    around.command(name)(found)
    return typer.main.get_command(around)
