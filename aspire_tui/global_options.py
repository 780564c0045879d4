"""Options of ``aspire-tui`` itself: they may stand before or after the verb."""

from __future__ import annotations

from collections.abc import Sequence

TAKES_A_VALUE = ("--workspace",)
FLAGS = ("--plain", "--ascii")


def put_first(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options that are for every verb, and the rest as it was; nothing after ``--`` is one."""
    mine: list[str] = []
    rest: list[str] = []
    ahead = iter(arguments)
    for argument in ahead:
        if argument == "--":
            return mine, [*rest, argument, *ahead]
        if argument in FLAGS or argument.startswith(tuple(f"{o}=" for o in TAKES_A_VALUE)):
            mine.append(argument)
        elif argument in TAKES_A_VALUE:
            mine += [argument, *(value for value in [next(ahead, None)] if value is not None)]
        else:
            rest.append(argument)
    return mine, rest
