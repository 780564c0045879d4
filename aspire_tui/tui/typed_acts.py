"""What an operator types about a program that stands, and the arguments of a command it means."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

import msgspec

from aspire_tui.domain import JSON, Status
from aspire_tui.session.views import StandingView

STATUSES: Final[tuple[str, ...]] = get_args(Status)
BREAK_HINT: Final = "goto_pose, line 7, after BLOCKED"
SKIP_HINT: Final = 'status the program gets, then a value as JSON: OK {"duration_s": 1.0}'
EDIT_HINT: Final = "arguments as JSON; {} takes edits back"


class NotUnderstood(ValueError):
    """What was typed means no act; the text says what would."""


def breakpoint_of(text: str, program: str) -> dict[str, JSON]:
    """``goto_pose``, ``line 7`` (of the shown program) or ``after BLOCKED``."""
    words = text.split()
    match words:
        case ["after", status] | [status] if status.upper() in STATUSES:
            return {"status": status.upper()}
        case ["line", number] | [number] if number.isdigit() and int(number) > 0:
            return {"line": int(number), "program": program}
        case [name] if re.fullmatch(r"[A-Za-z_]\w*", name):
            return {"primitive": name}
    raise NotUnderstood(f"a breakpoint is one of: {BREAK_HINT}")


def result_of(text: str) -> dict[str, JSON]:
    """A status, and the value behind it if there is one."""
    status, _, rest = text.strip().partition(" ")
    if status.upper() not in STATUSES:
        raise NotUnderstood(f"{status or 'nothing'} is no status; for example: OK, NOT_FOUND")
    said: dict[str, JSON] = {"status": status.upper()}
    if rest.strip():
        said["value"] = _json(rest)
    return said


def arguments_of(text: str, standing: StandingView) -> dict[str, JSON]:
    """The arguments that differ from those shown; all of none when ``{}`` was typed."""
    given = _json(text)
    if not isinstance(given, dict):
        raise NotUnderstood('arguments are an object: {"position": [x, y, z]}')
    return {name: value for name, value in given.items() if standing.args.get(name) != value}


def arguments_typed(standing: StandingView) -> str:
    """The arguments as one line of JSON to be edited."""
    plain = {name: value for name, value in standing.args.items() if not _in_words(value)}
    return msgspec.json.encode(plain).decode()


def _in_words(value: Any) -> bool:
    """Pictures and clouds are told, not typed."""
    return isinstance(value, str) and value.startswith("<")


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise NotUnderstood(f"not JSON: {error}") from None
