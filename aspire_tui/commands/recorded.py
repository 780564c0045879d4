"""A recorded program to be run again: its text, task and seed, out of a session file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aspire_tui.config import Workspace
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import TaskError, find_task
from aspire_tui.errors import ConfigError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow

SEEN_SETS = ("dev", "operator")
"""Seed sets whose scenes may be shown again; selection decides, held-out scenes are run once."""


@dataclass(frozen=True)
class Recorded:
    """One recorded trial, as far as it can be repeated."""

    program: str
    task: TaskDef
    cell: str
    seed: int | None
    """None when the seed is of a set that is not run again."""
    seed_set: str
    label: str

    def seed_or(self, given: int | None, tell: Callable[[str], None]) -> int:
        """The seed to run on; says which and why.

        Raises:
            ConfigError: None was given, and the recorded one may not be used again.
        """
        if given is not None:
            tell(f"{self.label}: on seed {given}, as given")
            return given
        if self.seed is None:
            why = "decide between programs" if self.seed_set == "selection" else "are run once"
            raise ConfigError(
                f"{self.label} ran on a {self.seed_set} seed; those {why}: give --seed N"
            )
        tell(f"{self.label}: on its own {self.seed_set} seed {self.seed}")
        return self.seed


def recorded_trial(
    path: Path, number: int | None, workspace: Workspace, tell: Callable[[str], None]
) -> Recorded:
    """Read one trial of a session (the only one unless named).

    Raises:
        ConfigError: There is no such trial, or its program or task was not kept.
        SessionFileError: The file cannot be read.
    """
    with SessionReader(path) as reader:
        row = _row(reader, path, number)
        program = reader.program(row.program)
        if program is None:
            raise ConfigError(f"{path.name}: the program of trial {row.trial} was not kept")
        session = reader.snapshot().session
        task = _task(reader, row.task, workspace, tell)
    seen = row.seed_set in SEEN_SETS
    return Recorded(
        program=program.text,
        task=task,
        cell=session.spec.cell if session else "",
        seed=row.seed if seen else None,
        seed_set=row.seed_set,
        label=f"{path.stem} trial {row.trial}",
    )


def _row(reader: SessionReader, path: Path, number: int | None) -> TrialRow:
    rows = reader.trials()
    if number is None:
        if len(rows) != 1:
            raise ConfigError(f"{path.name} has {len(rows)} trials; name one with --trial N")
        return rows[0]
    row = reader.trial(number)
    if row is None:
        raise ConfigError(f"{path.name} has no trial {number}; it has {len(rows)}")
    return row


def _task(
    reader: SessionReader, name: str, workspace: Workspace, tell: Callable[[str], None]
) -> TaskDef:
    """The task as it was recorded; a session that kept none takes today's of that name."""
    kept = _kept(reader, name)
    try:
        now = find_task(name, workspace.task_folders())
    except TaskError as error:
        if kept is None:
            raise ConfigError(f"{error}; the session kept no copy of it") from None
        tell(f"task {name}: as recorded; there is no such file any more")
        return kept
    if kept is None:
        tell(f"task {name}: as it is today; the session kept no copy")
        return now
    if kept != now:
        tell(f"task {name}: as recorded; its file is another today")
    return kept


def _kept(reader: SessionReader, name: str) -> TaskDef | None:
    for row in reader.attachments("task"):
        data = reader.blob(row.blob) if row.name == name else None
        if data is not None:
            try:
                return msgspec.json.decode(data, type=TaskDef)
            except msgspec.DecodeError:
                return None
    return None
