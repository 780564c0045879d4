"""What ``bench context`` found so far, in a file: an experiment that takes hours goes on later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.context_trial import SoFar
from aspire_tui.improvement.prompts import prompt_names, prompt_text
from aspire_tui.improvement.toolset import TOOLS


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    of: str
    """Which experiment it is; see :func:`identity_of`."""
    so_far: SoFar


def identity_of(
    task: str, cell: str, model: str, vision: str, seed: int, failures: int, programs: Sequence[str]
) -> str:
    """What has to be the same for results to be put together: prompts and tools included."""
    asked = (task, cell, model, vision, seed, failures)
    told = [prompt_text(name) for name in prompt_names()]
    tools = [(tool.name, tool.what, tool.schema()) for tool in TOOLS.values()]
    return sha256_hex(msgspec.json.encode([asked, list(programs), told, tools]))[:16]


@dataclass(frozen=True)
class EconomyFile:
    """One file of one experiment."""

    path: Path
    of: str

    def read(self) -> SoFar:
        """What it holds; nothing where there is none.

        Raises:
            ConfigError: It is of another experiment, or no such file.
        """
        if not self.path.exists():
            return SoFar()
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"--into {self.path}: {error}") from None
        if kept.of != self.of:
            raise ConfigError(
                f"--into {self.path}: it is of another experiment (other options, prompts or "
                "tools); name another file"
            )
        return kept.so_far

    def write(self, so_far: SoFar) -> None:
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_bytes(msgspec.json.encode(Kept(self.of, so_far)))
        beside.replace(self.path)
