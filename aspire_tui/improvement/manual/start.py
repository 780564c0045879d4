"""Puts the operator, their terminal and their editor where other agents have a model."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aspire_tui.improvement.manual.agent import ManualAgent
from aspire_tui.improvement.manual.terminal import Terminal, editor_of
from aspire_tui.improvement.remote import RemoteTools


def run_manual(dev_n: int, tools: RemoteTools, environment: Mapping[str, str]) -> str:
    """Be the operator until they finish."""
    colour = "NO_COLOR" not in environment and environment.get("TERM", "dumb") != "dumb"
    terminal = Terminal(sys.stdin, sys.stdout, editor_of(environment), colour)
    with tempfile.TemporaryDirectory(prefix="aspire-manual-") as folder:
        ManualAgent(tools, terminal, Path(folder), dev_n).run()
    return ""
