"""What only a real arm can answer, and the report that says it was asked. Pure but for reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from drivers.errors import CellFileError

CANNOT = "could not be tried"


class Question(NamedTuple):
    """One open question: what to do, and what may be seen."""

    code: str
    ask: str
    do: tuple[str, ...]
    choices: tuple[str, ...]


QUESTIONS: Final[tuple[Question, ...]] = (
    Question(
        "power_switch",
        "Does the power switch (or emergency stop) take the arm's power away?",
        ("hold the arm", "aspire-tui cell serve CELL in another terminal", "press it"),
        ("the arm went limp at once", "it did not"),
    ),
    Question(
        "torque_at_power_up",
        "Torque after power-up",
        ("motor power off for 5 s, then on", "turn a joint by hand before any program runs"),
        ("limp", "stiff", "some of each"),
    ),
    Question(
        "stale_goal",
        "Does a servo jump to an old goal when torque comes on?",
        (
            "move the arm to a pose, release torque, move it elsewhere by hand",
            "aspire-tui cell serve CELL, enable; watch closely, hands clear",
        ),
        ("no motion to be seen", "a twitch", "a jump"),
    ),
    Question(
        "goal_energises",
        "Does writing a goal switch torque on by itself?",
        ("with torque off, aspire-tui cell check CELL: its torque line", "try a joint by hand"),
        ("stays off", "switches on", CANNOT),
    ),
    Question(
        "locked_write",
        "What does a locked EEPROM do with a write?",
        (
            "aspire-tui cell calibrate CELL --lock",
            "change a register with the maker's tool, read it, power-cycle, read it again",
        ),
        ("dropped at once", "kept until power goes", CANNOT),
    ),
    Question(
        "overload_clears",
        "What clears an overload?",
        ("block the gripper for three seconds", "try: opening it; releasing torque; power"),
        ("a goal the other way", "a torque cycle", "only a power cycle", CANNOT),
    ),
    Question(
        "damping",
        "What does torque value 2 do? (only with the maker's tool; the driver never writes it)",
        ("set register 40 to 2 on a wrist servo alone, turn it by hand",),
        ("resists smoothly", "limp", "holds", CANNOT),
    ),
    Question(
        "baud_codes",
        "Which speeds are baud codes 5, 6, 7?",
        ("one servo alone on the bus, the maker's tool",),
        ("76800, 57600, 38400", "57600, 38400, 19200", CANNOT),
    ),
    Question(
        "return_delay",
        "Does register 7 change the bus's cycle?",
        ("aspire-tui cell check CELL with register 7 at 0 and at 250: the cycle it reports",),
        ("3 ms longer at 250", "no difference", CANNOT),
    ),
    Question(
        "brown_out",
        "What happens when the supply gives way for a moment?",
        ("support the arm, HOLD", "motor power off and on again within a second"),
        ("said LOST or torque lost; no motion", "servos held on", "it moved by itself"),
    ),
    Question(
        "unplugged_usb",
        "What happens when USB goes while the arm holds?",
        ("support the arm", "pull the USB plug, wait two seconds, plug it in again"),
        ("LOST, arm held, no motion on return", "it went limp", "it moved"),
    ),
    Question(
        "hand_guiding",
        "Does hand guiding let the arm sink, not drop?",
        ("support the arm", "aspire-tui cell teach CELL start:try, type guide"),
        ("it sank slowly", "it dropped", CANNOT),
    ),
)
"""In the order that is safe to try them."""

UNACCEPTABLE: Final[dict[str, tuple[str, ...]]] = {
    "power_switch": ("it did not",),
    "stale_goal": ("a jump",),
    "brown_out": ("it moved by itself",),
    "unplugged_usb": ("it moved",),
}
"""Answers an arm cannot be accepted with."""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seen: str
    at: str
    who: str


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen on one cell's arm; accepted once ``accepted_by`` is someone."""

    cell: str
    machine: str
    answers: dict[str, Answer] = {}
    accepted_by: str = ""
    accepted_at: str = ""


def unanswered(report: Report) -> tuple[Question, ...]:
    return tuple(q for q in QUESTIONS if q.code not in report.answers)


def unacceptable(report: Report) -> tuple[str, ...]:
    """Questions whose answer speaks against this arm."""
    return tuple(
        code
        for code, bad in UNACCEPTABLE.items()
        if code in report.answers and report.answers[code].seen.split(";")[0] in bad
    )


def accepted(report: Report | None) -> bool:
    """Whether everything was answered, nothing speaks against it, and somebody answers for it."""
    if report is None or not report.accepted_by:
        return False
    return not unanswered(report) and not unacceptable(report)


def report_path(cell_file: Path, name: str) -> Path:
    """Beside the cell file."""
    return cell_file.resolve().with_name(f"{name}.accepted.json")


def read_report(path: Path) -> Report | None:
    """None when there is none. Raises CellFileError for one that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise CellFileError(f"{path}: {error}; move it away to begin again") from None


def accepted_cells(folders: Sequence[Path]) -> list[str]:
    """Names of cells with an accepted report on file; files that cannot be read are none."""
    names = set()
    for folder in folders:
        for path in sorted(folder.glob("*.accepted.json")):
            try:
                report = read_report(path)
            except CellFileError:
                continue
            if report is not None and accepted(report):
                names.add(report.cell)
    return sorted(names)
