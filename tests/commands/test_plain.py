"""Lines instead of a screen; and a verb that draws says so where there is no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aspire_tui.cli import ABOUT, VERBS
from aspire_tui.commands.plain import PlainLines
from aspire_tui.commands.plain_session import TellLive
from aspire_tui.domain import Outcome
from aspire_tui.engine.client import EngineClient
from aspire_tui.events import AgentSaid, Note, Recorded, RunEnded
from aspire_tui.session.recorder import Recorder

SESSIONS = Path(__file__).parents[2] / "sessions"


def aspire(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aspire_tui.cli", *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_replay_as_lines_tells_the_session_from_a_moment_on() -> None:
    whole = aspire("replay", "lift-held", "--plain")
    assert whole.returncode == 0, whole.stderr
    assert "session  " in whole.stdout and "run ended" in whole.stdout
    assert "\x1b" not in whole.stdout
    later = aspire("replay", "lift-held", "--plain", "--ascii", "--at", "trial 1")
    assert later.stdout.isascii() and len(later.stdout) < len(whole.stdout)
    assert "session  " not in later.stdout


def test_a_screen_is_not_drawn_into_a_pipe() -> None:
    done = aspire("replay", "lift-held")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "--plain" in done.stderr


def test_no_line_can_drive_the_terminal() -> None:
    said = AgentSaid("\x1b[2Jgone\x07 \u202eevil")
    line = PlainLines().line(Recorded(1, 0.0, 0.0, said))
    assert line is not None and "gone evil" in line and line.isprintable()


class Interrupted:
    """Hears lines; presses ctrl+c when one comes that says so."""

    def __init__(self, also: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self._also = also

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._also(line)
        if "press" in line:
            raise KeyboardInterrupt


@pytest.mark.parametrize("leaves", [False, True])
def test_ctrl_c_holds_and_only_once_more_leaves(tmp_path: Path, leaves: bool) -> None:
    held: list[str] = []

    def hold() -> str:
        held.append("HOLD")
        return "HOLD confirmed by yam"

    with Recorder.create(tmp_path / "s.db") as recorder:

        def goes_on(line: str) -> None:
            if "ctrl+c is HOLD" in line:
                recorder.append([Note("press", "info")])
            elif "HOLD confirmed" in line and leaves:
                recorder.append([Note("press once more", "info")])
            elif "HOLD confirmed" in line:
                recorder.append([RunEnded(_PASS, "agent", None)])

        heard = Interrupted(goes_on)
        engine = EngineClient(tmp_path / "none.sock", "op1")
        ended = TellLive(tmp_path / "s.db", engine, hold, heard).follow()
    assert held == ["HOLD"]
    assert (ended is None) == leaves
    assert ("attach" in heard.lines[-1]) == leaves


_PASS: Outcome = "PASS"


def test_a_list_of_verbs_imports_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['aspire-tui', '--help']\n"
        "from aspire_tui.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print(sorted(m for m in sys.modules if m in "
        "('numpy', 'mujoco', 'textual', 'aspire_tui.commands.run_verb')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(f"  {name}" in done.stdout and about in done.stdout for name, about in ABOUT.items())
    assert list(ABOUT) == list(VERBS)
