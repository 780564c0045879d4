"""Which agent a run gets: what was typed, checked as far as that needs no network."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.acp.confinement import prove, reads_of
from aspire_tui.improvement.acp.presets import options_of
from drivers.runtime_dir import runtime_dir

AGENTS = ("rules", "llm", "acp", "mcp", "manual")
FROM_OUTSIDE = "it comes from outside"


@dataclass(frozen=True)
class Chosen:
    """Options as they travel to the worker, and why the agent is at large, if it is."""

    options: dict[str, str] = field(default_factory=dict)
    at_large: str = ""


def acp_agent(
    command: str,
    hosts: list[str],
    keys: list[str],
    installed: list[str],
    vision: str,
    permit_within_s: float,
    workspace: Path,
) -> Chosen:
    """A hosted agent; that it can be held in here is tried, not assumed.

    Raises:
        ConfigError: Nothing to run, or not where it may be read.
    """
    _needs("acp", "mcp")
    asked = options_of(command, hosts, keys, installed, vision, permit_within_s)
    reads = reads_of(asked.argv()[0], asked.listed("installed"))
    why = prove(reads, [str(workspace), str(runtime_dir())]).why_not
    return Chosen(msgspec.structs.asdict(asked), why)


def mcp_agent() -> Chosen:
    """An agent that comes in by itself: nothing of ours holds it."""
    _needs("mcp")
    return Chosen({}, FROM_OUTSIDE)


def manual_agent() -> Chosen:
    """The operator's editor needs the operator's terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("--agent manual edits at a terminal; standard input and output are none")
    return Chosen()


def _needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ConfigError(
                f"the {module} SDK is not installed: pip install 'aspire-tui[{module}]'"
            )
