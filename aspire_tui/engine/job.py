"""What the command line hands to the engine it starts, on the engine's standard input."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aspire_tui.domain import RunSpec, SandboxLevel
from aspire_tui.environment.task import TaskDef
from aspire_tui.rollout.model_link import SightSpec
from aspire_tui.session.keeping import Retention


class Job(msgspec.Struct, frozen=True):
    """One session to run. Tasks travel whole, so the engine runs what was checked."""

    spec: RunSpec
    tasks: tuple[TaskDef, ...]
    task_files: tuple[str, ...]
    """Where the tasks were read from; looked at again before every trial."""
    session: str
    """Path of the session file to create."""
    cell_file: str
    runtime_dir: str
    """Folder of the engine's socket, lock and log."""
    skill_folders: tuple[str, ...]
    key_file: str
    """The workspace's key for held-out seeds."""
    levels: tuple[SandboxLevel, ...]
    keep: Retention = Retention()
    """How much room sessions may take; no trial starts without it."""
    started_by: str = ""
    """Who started it at a terminal and will watch; empty when nobody does."""
    grant: str = ""
    """The sentence of an unattended grant, as it was typed."""
    shelf: str = ""
    """The workspace's own skill folder, where a promoted skill goes."""
    on_event: str = ""
    """The operator's command that calls somebody."""
    resume_by: str = ""
    """Who resumes the run in ``session``; empty for a new session."""

    @property
    def sight(self) -> SightSpec:
        """How programs see, and where they ask the model."""
        path = f"{self.runtime_dir}/{Path(self.session).stem}.sight"
        model = self.spec.perception_model
        return SightSpec(self.spec.perception, model, path if model else "")
