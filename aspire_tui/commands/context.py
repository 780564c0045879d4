"""What every verb works with: the workspace, and how results are shown."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import typer

from aspire_tui.config import Workspace
from aspire_tui.engine.client import EngineClient


@dataclass(frozen=True)
class Context:
    """Settings of one command."""

    workspace: Workspace
    ascii: bool
    plain: bool

    @classmethod
    def of(cls, ctx: typer.Context) -> Context:
        found = ctx.obj
        if not isinstance(found, Context):
            raise TypeError("the command was called without its context")
        return found

    def console_live(self, session: Path, sock: Path) -> None:
        """Open the screen on a running session; returns when the operator leaves it."""
        from aspire_tui.tui.start import watch_live

        watch_live(session, EngineClient(sock, getpass.getuser()), ascii_only=self.ascii)

    def console_replay(self, session: Path, at: str) -> None:
        """Open the same screen on a recorded session."""
        from aspire_tui.tui.start import watch_replay

        watch_replay(session, at, ascii_only=self.ascii)

    def show_exec(self, summary: dict[str, Any]) -> None:
        """A few lines about an exec for a person."""
        for line in exec_lines(summary):
            typer.echo(line)


def exec_lines(s: dict[str, Any]) -> list[str]:
    """What ``exec`` says without ``--json``. Pure."""
    out = []
    if s.get("trials", 1) == 1:
        for c in s["calls"]:
            out.append(f"#{c['n']:<3} {c['primitive']:<24} {c['status']:<14} {c['summary']}")
        verdict = s["verdict"]
        program = s["program"]
        if program is not None:
            out.append(f"program  {program['ended']}  {program['error']}")
        if verdict is not None:
            out.append(f"verdict  {verdict['outcome']}  {verdict['reason']}")
        out.append(f"referee  {s['referee']}   (simulator truth; never shown to a program)")
    else:
        rate = s["rate"]
        out.append(f"{rate['k']}/{rate['n']} PASS, interval {rate['lo']:.2f}–{rate['hi']:.2f}")
        for g in s["failures"]:
            trials = ", ".join(str(t) for t in g["trials"][:12])
            out.append(
                f"{len(g['trials']):>4} × #{g['call']} {g['primitive']} {g['status']}  "
                f"{g['check'] or ''}  trials {trials}"
            )
    out.append(f"session  {s['session']}")
    return out


def print_json(value: Any) -> None:
    """One JSON object on standard output and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()
