"""Errors above the drivers; the class says who must act, and with which code the command ends."""

from __future__ import annotations

from enum import IntEnum

from drivers.errors import CellFault, CellFileError, CellRefused


class Exit(IntEnum):
    """Exit codes of every command; scripts rely on them."""

    PASS = 0
    """Done and PASS, or nothing to judge."""
    NOT_PASS = 1
    """Done, not PASS: also a program that raised, timed out or was killed."""
    USAGE = 2
    REFUSED = 3
    STOPPED = 4
    """Ended by the operator or a budget."""
    FAULT = 5


class ConfigError(ValueError):
    """Bad usage or bad input. One line: what, where, how to mend. Who typed it must act."""


class PolicyRefused(Exception):
    """Refused for safety or policy before anything ran."""


class AgentError(Exception):
    """The agent cannot go on: no key, no network, no usable answer. The cell is fine."""


class DiskFull(Exception):
    """The session cannot be written any more; the cell was held first."""


EXIT_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (ConfigError, Exit.USAGE),
    (CellFileError, Exit.USAGE),
    (PolicyRefused, Exit.REFUSED),
    (CellRefused, Exit.REFUSED),
    (KeyboardInterrupt, Exit.STOPPED),
    (AgentError, Exit.FAULT),
    (CellFault, Exit.FAULT),
    (DiskFull, Exit.FAULT),
)


def exit_code(error: BaseException) -> Exit | None:
    """The code a command ends with after this error; None for a defect (traceback)."""
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return code
    return None
