"""Where ``aspire-tui`` begins: a stop must not wait for what the other commands import."""

from __future__ import annotations

import sys

from aspire_tui.global_options import put_first


def main() -> None:
    """``cell hold`` straight to the cell host; everything else through the command line."""
    _, arguments = put_first(sys.argv[1:])  # a stop depends on no workspace
    if arguments[:2] == ["cell", "hold"] and _plain(arguments[2:]):
        from drivers.quick_hold import main as hold

        sys.exit(hold(arguments[2:]))
    from aspire_tui.cli import main as command_line

    command_line()


def _plain(rest: list[str]) -> bool:
    """A cell's name and ``--json`` at most; help and mistakes are the command line's."""
    names = [argument for argument in rest if argument != "--json"]
    return len(names) <= 1 and not any(name.startswith("-") for name in names)
