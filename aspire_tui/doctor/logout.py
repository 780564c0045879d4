"""What the system does to an engine when its user logs out: logind's own word, else its files."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aspire_tui.doctor.finding import finding
from aspire_tui.doctor.seen import LogoutSeen
from drivers.types import Finding

ASK_WITHIN_S: Final = 2.0
ASK_LOGIND: Final = (
    "busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager", "KillUserProcesses",
)  # fmt: skip
CONFIGURED: Final = (
    "usr/lib/systemd/logind.conf",
    "usr/lib/systemd/logind.conf.d/*.conf",
    "etc/systemd/logind.conf",
    "etc/systemd/logind.conf.d/*.conf",
)
"""In the order in which later ones win."""


def run_command(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def look_at_logout(
    root: Path = Path("/"), run: Callable[[Sequence[str]], str] = run_command, user: str = ""
) -> LogoutSeen:
    """Ask, and change nothing."""
    if not (root / "run/systemd/system").is_dir():
        return LogoutSeen(logind=False)
    lingers = (root / "var/lib/systemd/linger" / (user or getpass.getuser())).exists()
    said = run(ASK_LOGIND).split()
    if said[:1] == ["b"] and len(said) == 2:
        return LogoutSeen(True, said[1] == "true", lingers, "logind says so")
    kills, source = None, ""
    for pattern in CONFIGURED:
        for path in sorted(root.glob(pattern)):
            found = re.findall(r"^\s*KillUserProcesses\s*=\s*(\S+)", _text(path), re.MULTILINE)
            if found:
                kills = found[-1].lower() in ("yes", "true", "1", "on")
                source = f"/{path.relative_to(root)}"
    return LogoutSeen(True, kills, lingers, source)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def check_logout(seen: LogoutSeen) -> Finding:
    """Pure."""
    expected = "a log-out leaves the engine running"
    why = "logind ends every process of a user who logs out; an engine is one"
    remedy = ("loginctl enable-linger",)
    if not seen.logind:
        return finding("logout", "info", "log-out", "no logind here: the engine goes on", expected)
    if seen.lingers:
        text = "this user lingers: the engine goes on"
        return finding("logout", "info", "log-out", text, expected)
    if seen.kills is False:
        text = f"processes stay ({seen.source})"
        return finding("logout", "info", "log-out", text, expected)
    if seen.kills:
        text = f"KillUserProcesses is on ({seen.source}): the engine would be ended"
        return finding("logout", "error", "log-out", text, expected, why=why, do=remedy)
    return finding(
        "logout",
        "warn",
        "log-out",
        "not set: systemd's own default ends processes, most distributions' does not",
        expected,
        why=why,
        do=remedy,
    )
