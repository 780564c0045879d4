"""What ``exec`` asks of an engine that has the cell: the arguments of its command."""

from __future__ import annotations

import msgspec

from aspire_tui.environment.task import TaskDef


class ExecOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One program to run. The task travels whole, as it was checked."""

    program: str
    task: TaskDef
    seed: int = 0
    trials: int = 1
    retries: int = 1
    tier: str = ""
    noise: bool = True
    dry_run: bool = False
    then_run: bool = False
    task_file: str = ""
    """Where the task was read from, looked at again before every trial; empty when from no file."""
    perception: str = ""
    perception_model: str = ""
    recorded: str = ""
    """Session and trial the program was taken from."""
