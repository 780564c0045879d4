"""Which agents can be hosted by name: their command, their key, and where their provider is.

Declared and untried: the products could not be run where this was written. Each line is the exact
command; the protocol is tested with its own SDK and a scripted agent.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.answers import PERMIT_WITHIN_S
from aspire_tui.session.redaction import SHORTEST_SECRET, secrets_among
from aspire_tui.strict_toml import suggestion


@dataclass(frozen=True)
class Preset:
    """A product by name. ``hosts`` are all it may reach when confined."""

    command: str
    install: str
    keys: tuple[str, ...]
    hosts: tuple[str, ...]
    tried: bool = False


PRESETS: Final[Mapping[str, Preset]] = {
    "claude-code": Preset(
        "claude-agent-acp",
        "npm install -g @agentclientprotocol/claude-agent-acp",
        ("ANTHROPIC_API_KEY",),
        ("api.anthropic.com",),
    ),
    "codex": Preset(
        "codex-acp",
        "npm install -g @zed-industries/codex-acp",
        ("OPENAI_API_KEY", "CODEX_API_KEY"),
        ("api.openai.com",),
    ),
    "kimi": Preset(
        "kimi acp",
        "uv tool install kimi-cli",
        ("KIMI_API_KEY", "MOONSHOT_API_KEY"),
        ("api.kimi.com", "api.moonshot.ai", "api.moonshot.cn"),
    ),
    "gemini": Preset(
        "gemini --acp",
        "npm install -g @google/gemini-cli",
        ("GEMINI_API_KEY",),
        ("generativelanguage.googleapis.com",),
    ),
}


class AcpOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of ``--agent acp`` as they travel to the worker."""

    command: str
    hosts: str = ""
    """Separated by commas; what a confined agent may reach, on port 443."""
    keys: str = ""
    """Names of the environment variables it is given, separated by commas."""
    installed: str = ""
    """Folders it is installed in, separated by colons; read-only to it."""
    vision: str = "native"
    permit_within_s: str = str(PERMIT_WITHIN_S)
    """Until what nobody allowed is denied."""

    def argv(self) -> list[str]:
        return shlex.split(self.command)

    def listed(self, what: str) -> tuple[str, ...]:
        """One of the lists as a tuple."""
        text, mark = {"hosts": (self.hosts, ","), "keys": (self.keys, ",")}.get(
            what, (self.installed, ":")
        )
        return tuple(part for part in text.split(mark) if part)


def options_of(
    command: str,
    hosts: list[str],
    keys: list[str],
    installed: list[str],
    vision: str,
    permit_within_s: float = PERMIT_WITHIN_S,
) -> AcpOptions:
    """What was asked for, with what a preset adds. ``command`` is a command line or a preset.

    Raises:
        ConfigError: Nothing to run, or a preset by a wrong name.
    """
    if not command:
        raise ConfigError(
            f'--agent acp needs --acp-command "COMMAND" or one of: {", ".join(PRESETS)}'
        )
    if vision not in ("native", "text"):
        raise ConfigError(f"--vision {vision}: a hosted agent has native or text")
    for folder in installed:
        if not folder.startswith("/") or not Path(folder).is_dir():
            raise ConfigError(
                f"--acp-installed {folder}: expected an absolute folder that is there"
            )
    preset = PRESETS.get(command)
    line = preset.command if preset else command
    program = (shlex.split(line) or [""])[0]
    if shutil.which(program) is None:
        hint = f"install it with: {preset.install}" if preset else suggestion(command, PRESETS)
        raise ConfigError(f"--acp-command {command}: no program {program} on the path; {hint}")
    hosts = [*(preset.hosts if preset else ()), *hosts]
    keys = [*(preset.keys if preset else ()), *keys]
    lists = (",".join(hosts), ",".join(keys), ":".join(installed))
    return AcpOptions(line, *lists, vision, str(permit_within_s))


def keys_of(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The keys the asked-for agent is given, out of the environment; no others."""
    asked = msgspec.convert(dict(options), AcpOptions)
    return {k: environment[k] for k in asked.listed("keys") if k in environment}


def secrets_of(options: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Values that may not be told on: those named as secrets, and the keys by whatever name."""
    given = keys_of(options, environment).values()
    return [*secrets_among(environment), *(v for v in given if len(v) >= SHORTEST_SECRET)]
