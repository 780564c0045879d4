"""Which providers of models have a key here, and whether their clients are installed.

Keys are looked for by name; their values are neither kept nor shown.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib import metadata

from aspire_tui.doctor.finding import finding
from aspire_tui.doctor.seen import ProvidersSeen
from aspire_tui.improvement.llm.provider import INSTALL, KEY_VARIABLE
from drivers.types import Finding

MODULES = {"pydantic-ai-slim": "pydantic_ai", "anthropic": "anthropic", "openai": "openai"}


def look_at_providers(environment: Mapping[str, str]) -> ProvidersSeen:
    """By name of variable and of package; nothing is imported, nobody is asked."""
    installed = {
        name: metadata.version(name)
        for name, module in MODULES.items()
        if importlib.util.find_spec(module) is not None
    }
    keys = {name: bool(environment.get(name)) for name in dict.fromkeys(KEY_VARIABLE.values())}
    return ProvidersSeen(installed, keys)


def check_providers(seen: ProvidersSeen) -> tuple[Finding, ...]:
    """Nothing here is needed to run without a model: what lacks is told, never as an error."""
    missing = [name for name in MODULES if name not in seen.installed]
    names = ", ".join(f"{name} {version}" for name, version in seen.installed.items())
    clients = finding(
        "llm",
        "info",
        "model clients",
        f"not installed: {', '.join(missing)}" if missing else names,
        "only for --agent llm",
        do=(INSTALL,) if missing else (),
    )
    told = ", ".join(f"{name} {'set' if there else 'not set'}" for name, there in seen.keys.items())
    keys = finding("keys", "info", "model keys", told or "none known", "only for --agent llm")
    return clients, keys
