"""Which agent a run gets: what was typed, checked as far as that needs no network."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.acp.confinement import prove, reads_of
from aspire_tui.improvement.acp.presets import options_of
from aspire_tui.improvement.llm.presets import preset_named
from aspire_tui.improvement.llm.provider import check_price, choose_models, missing_for
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


def llm_agent(model: str, base_url: str, how: dict[str, str], max_cost: float | None) -> Chosen:
    """A model of a provider, and how it is asked.

    Raises:
        ConfigError: No such model, preset or way of seeing; a key or a price is missing.
    """
    if not model:
        raise ConfigError("--agent llm needs --model PROVIDER:NAME, e.g. anthropic:NAME")
    for choice in choose_models(model, base_url):
        missing = missing_for(choice, os.environ)
        if missing:
            raise ConfigError(missing)
        if max_cost is not None:
            check_price(choice)
    if how["vision"] not in ("native", "tool", "text"):
        raise ConfigError(f"--vision {how['vision']}: expected native, tool or text")
    preset_named(how["preset"])
    return Chosen({"model": model, "base_url": base_url, **how})


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
