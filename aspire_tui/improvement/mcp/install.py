"""How outside agents are told of the tools: one line to type for each product.

Untried here: the products themselves could not be run. The protocol is tested with its own SDK.
"""

from __future__ import annotations

import shlex
import shutil
import sys

TOKEN_VARIABLE = "ASPIRE_TUI_TOKEN"


def our_command() -> list[str]:
    """How ``aspire-tui mcp`` is started from anywhere."""
    found = shutil.which("aspire-tui")
    return [found, "mcp"] if found else [sys.executable, "-m", "aspire_tui.cli", "mcp"]


def install_lines() -> tuple[str, str]:
    """The lines for Claude Code and for Codex, over standard input and output."""
    command = shlex.join(our_command())
    return (
        f"claude mcp add aspire-tui -- {command}",
        f"codex mcp add aspire-tui -- {command}",
    )


def install_http_lines(url: str, token: str) -> tuple[str, str]:
    """The same over HTTP on loopback."""
    return (
        f"claude mcp add --transport http aspire-tui {url} "
        f'--header "Authorization: Bearer {token}"',
        # Codex keeps the variable's name and reads it when it starts: from this very shell.
        f"export {TOKEN_VARIABLE}={token}; codex mcp add aspire-tui --url {url} "
        f"--bearer-token-env-var {TOKEN_VARIABLE}",
    )
