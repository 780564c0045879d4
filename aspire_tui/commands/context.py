"""What every verb works with: the workspace, and how results are shown."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.config import Workspace, load_settings
from aspire_tui.errors import ConfigError

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


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

    def who(self) -> str:
        """Whose acts these are: the name in the settings, else the account's."""
        return load_settings(self.workspace).operator.name or getpass.getuser()

    def console_live(self, session: Path, sock: Path, *, view: bool = False) -> None:
        """Open the screen on a running session; returns when the operator leaves it.

        Args:
            view: Only watch, and HOLD.
        """
        from aspire_tui.engine.client import EngineClient

        engine = EngineClient(sock, self.who(), role="viewer" if view else "operator")
        if self.plain:
            from aspire_tui.commands.plain_session import follow_live

            follow_live(session, engine, ascii_only=self.ascii)
            return
        on_a_terminal("attach")
        from aspire_tui.tui.watching import watch_live

        watch_live(
            session,
            engine,
            ascii_only=self.ascii,
            workspace=self.workspace,
        )

    def console_replay(self, session: Path, at: str) -> None:
        """Open the same screen on a recorded session."""
        from aspire_tui.tui.at import NoSuchMoment

        try:
            if self.plain:
                from aspire_tui.commands.plain_session import tell_recording

                tell_recording(session, at, ascii_only=self.ascii)
                return
            on_a_terminal("replay")
            from aspire_tui.tui.watching import watch_replay

            watch_replay(session, at, ascii_only=self.ascii, workspace=self.workspace)
        except NoSuchMoment as error:
            raise ConfigError(str(error)) from None

    def show_exec(self, summary: dict[str, Any]) -> None:
        """A few lines about an exec for a person."""
        for line in exec_lines(summary):
            typer.echo(line)


def exec_lines(s: dict[str, Any]) -> list[str]:
    """What ``exec`` says without ``--json``. Pure."""
    out = _one_trial(s) if "trials" not in s else _many_trials(s)
    return [*out, f"session  {s['session']}"]


def _one_trial(s: dict[str, Any]) -> list[str]:
    out = [
        f"#{c['n']:<3} {c['primitive']:<24} {c['status'] or 'unknown':<14} {c['summary']}"
        for c in s["calls"]
    ]
    program, verdict = s["program"], s["verdict"]
    out += _dry_run(s["dry_run"]) if s.get("dry_run") else []
    if program["ended"] is not None:
        out.append(f"program  {program['ended']}  {program['error']}".rstrip())
    if s["claimed"] is not None:
        out.append(f"claims   {s['claimed']}")
    if verdict is not None:
        out.append(f"verdict  {verdict['outcome']}  {verdict['reason']}")
    if s["referee"] is not None:
        out.append(f"referee  {s['referee']}   (simulator truth; no program ever sees it)")
    return out


def _dry_run(dry: dict[str, Any]) -> list[str]:
    """The verdict in the stand-in, to be read beside the cell's own."""
    seen, verdict = dry["seen"] or {}, dry["verdict"]
    names = ", ".join(f"{t['name']} ±{1000 * t['sigma_m']:.0f} mm" for t in seen.get("things", ()))
    out = [f"seen     {names or 'nothing'}"]
    out += [f"absent   {text}" for text in seen.get("absent", ())]
    out += [f"dry #{c['call']:<3} {c['primitive']:<22} {c['status']}" for c in dry["calls"]]
    if verdict is None:
        return [*out, f"dry run  {dry['ended'] or 'nothing ran'}  {dry['error']}".rstrip()]
    return [*out, f"dry run  {verdict['outcome']}  {dry['error'] or verdict['reason']}"]


def _many_trials(s: dict[str, Any]) -> list[str]:
    t = s["trials"]
    lo, hi = t["interval"]
    out = [f"{t['k']}/{t['n']} PASS, interval {lo:.2f}–{hi:.2f}; {t['unsure']} unsure"]
    for g in s["failures"]:
        numbers = ", ".join(str(n) for n in g["trials"][:10])
        where = f"{g.get('primitive') or 'no call'} {g.get('status') or ''}".strip()
        out.append(f"{len(g['trials']):>4} × {where}  {g.get('check') or ''}  trials {numbers}")
    return out


def on_a_terminal(verb: str) -> None:
    """Refuse to draw a screen where there is none.

    Raises:
        ConfigError: Keys or picture would go to a file or a pipe.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(f"{verb} draws a screen and this is no terminal; lines: {verb} --plain")


def print_json(value: Any) -> None:
    """One JSON object on standard output and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()
