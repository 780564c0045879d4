"""A newcomer's first session at 80×24 in tmux: launcher, guided run, a skill at the gate, replay.

Only what the screen says is known: the guide's row names the next thing to do, and the keys it
names are typed. The run is a real one on the stand-in, of a task with a short search.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.loopback import sshd_on_loopback
from tests.e2e.processes import end_all
from tests.e2e.test_screen import CHECKOUT, TERMINAL, Tmux
from tests.stress.result import Result

N = 1
PATIENCE_S = 900.0
CRITERION = "\n[criterion]\nheld_out_n = 8\nmin_lower_bound = 0.2\ndev_n = 5\nselection_n = 20\n"

Keys = tuple[str, ...]
DOES: Mapping[str, Keys] = {
    "hold": ("Space",),
    "resume": ("R", "y"),
    "step": ("s",),
    "run on": ("R", "y"),
    "fork": ("5", "f", *"lower", "Enter"),
    "search": (),
    "pause": ("p",),
    "end": ("Escape", "E", "y"),
}
"""What a person types who reads the guide's row."""


def run(n: int, seed: int) -> list[Result]:
    return [walk() for _ in range(n)]


def walk(*, through_ssh: bool = False, short: bool = True) -> Result:
    """One walk.

    Args:
        through_ssh: ``ssh HOST -t tmux new -A -s cell1 aspire-tui``, as the console's page says.
        short: The guided task with a short search instead of its own.
    """
    with (
        tempfile.TemporaryDirectory(prefix="walk-") as home,
        tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as runtime,
    ):
        bench = Bench(Path(home), Path(runtime))
        bench.runtime.chmod(0o700)
        if short:
            _short_task(bench.home)
        environment = {**bench.environment, **TERMINAL, "PYTHONPATH": str(CHECKOUT)}
        tmux = Tmux(f"aspire-walk-{os.getpid()}", environment)
        far = Tmux(f"aspire-far-{os.getpid()}", environment)
        (Path(home) / "ssh").mkdir()
        try:
            if not through_ssh:
                return _walked(bench, tmux, shlex.join(bench.command()))
            with sshd_on_loopback(Path(home) / "ssh") as login:
                return _walked(bench, tmux, shlex.join([*login, _in_far_tmux(bench, far)]))
        finally:
            tmux.do("kill-server")
            far.do("kill-server")
            end_all(bench.runtime, bench.home)


def _in_far_tmux(bench: Bench, far: Tmux) -> str:
    """What is run at the far end of the line, in a tmux that lives there."""
    environment = [f"{name}={value}" for name, value in far.environment.items()]
    program = shlex.join(["env", *environment, *bench.command()])
    inside = ["tmux", "-L", far.name, "-f", "/dev/null", "new", "-A", "-s", "cell1", program]
    return f"cd {CHECKOUT} && {shlex.join(['env', *environment, *inside])}"


def _walked(bench: Bench, tmux: Tmux, command: str) -> Result:
    what, begun = "first session by what the screen says", time.monotonic()
    done: list[str] = []
    tmux.open(command)
    _until(tmux, lambda screen: "guided" in screen, "the launcher")
    tmux.press("g")
    while True:
        screen = _until(tmux, lambda s: _asked(s) not in ("", *done[-1:]), f"after {done}")
        title = _asked(screen)
        if title == "draft":
            tmux.press("5", "g")
            _to_the_kept_one(tmux)
            tmux.press("P", "y")
        elif title == "mark":
            _offered(tmux, "one task only")
        elif title == "admit":
            _offered(tmux, "admit")
            _until(tmux, lambda s: "type the name" in s, "the name is asked for")
            tmux.press(*_drafted(bench), "Enter")
        elif title == "replay":
            break
        else:
            tmux.press(*DOES[title])
        done.append(title)
    tmux.press("q")
    _until(tmux, lambda s: "REPLAY" in s, "its replay")
    tmux.press("Home", "}")
    _until(tmux, lambda s: "event" in s, "a moment of it")
    with _session(bench) as reader:
        promotion = reader.snapshot().promotion
    standing = promotion.standing if promotion is not None else "nothing"
    kept = [skill.name for skill in load_library([bench.home / "skills"]).skills]
    found = f"{len(done)} steps in {time.monotonic() - begun:.0f} s, the gate said {standing}"
    found += f", in the library: {', '.join(kept) or 'nothing'}"
    let_in = promotion is not None and standing in ("admitted", "provisional")
    return Result(what, found, let_in and promotion.skill in kept)


def _asked(screen: str) -> str:
    """What the guide asks for now; empty while it is not to be seen."""
    row = next((r for r in screen.splitlines() if r.startswith(" GUIDE ")), "")
    return row.removeprefix(" GUIDE ").strip().partition(":")[0]


def _offered(tmux: Tmux, act: str) -> None:
    """Tab to one of the acts in the bar, and take it."""
    _until(tmux, lambda s: "[cancel]" in s and act in s, f"{act} is offered")
    for _ in range(8):
        tmux.press("Tab")
        if f"{act}]" in tmux.screen():
            break
    tmux.press("Enter")


def _to_the_kept_one(tmux: Tmux) -> None:
    rows = [r for r in tmux.screen().splitlines() if " H" in r and r.startswith("│")]
    for _ in range(next(i for i, row in enumerate(rows) if "●" in row)):
        tmux.press("j")


def _until(tmux: Tmux, true: Callable[[str], bool], what: str) -> str:
    end = time.monotonic() + PATIENCE_S
    while not true(screen := tmux.screen()):
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}\n{screen}")
        time.sleep(0.2)
    return screen


def _session(bench: Bench) -> SessionReader:
    (path,) = (bench.home / "sessions").glob("*.db")
    return SessionReader(path)


def _drafted(bench: Bench) -> str:
    with _session(bench) as reader:
        promotion = reader.snapshot().promotion
    assert promotion is not None
    return promotion.skill


def _short_task(home: Path) -> None:
    """The guided task with a short search; a workspace's own file hides the shipped one."""
    head, _, rest = (SHIPPED / "cube_stack.toml").read_text().partition("[criterion]")
    _, bracket, tail = rest.partition("\n[")
    (home / "tasks").mkdir()
    (home / "tasks" / "cube_stack.toml").write_text(head + CRITERION + bracket + tail)
