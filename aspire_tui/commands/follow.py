"""Waits for a session to end, telling what happens on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from aspire_tui.commands.plain import PlainLines
from aspire_tui.engine.client import EngineClient, EngineGone
from aspire_tui.engine.spawn import StartedEngine
from aspire_tui.events import RunEnded
from aspire_tui.session.reader import SessionReader

POLL_S = 0.05
PAGE = 500
_INTERRUPTED = {
    "stop": "stopping: HOLD, the last trial is closed (ctrl+c again changes nothing)",
    "hold": "HOLD; it goes on from a screen (aspire-tui attach, then R)",
}


def follow(
    started: StartedEngine,
    who: str,
    tell: Callable[[str], None],
    since_seq: int = 0,
    interrupt: Literal["stop", "hold"] = "stop",
) -> RunEnded | None:
    """Follow to the end; ctrl+c asks the engine to stop (or to HOLD) and goes on following.

    Args:
        since_seq: What is in the file already, when a run is resumed; none of it is told again.

    Returns:
        The last event, or None when the engine died without writing one.
    """
    reader = SessionReader(started.session)
    seq: int = since_seq
    lines = PlainLines()
    ended: RunEnded | None = None
    while ended is None:
        try:
            gone = started.process.poll() is not None
            page = reader.events(seq, PAGE)
            for recorded in page:
                seq = recorded.seq
                line = lines.line(recorded)
                if line is not None:
                    tell(line)
                if isinstance(recorded.event, RunEnded):
                    ended = recorded.event
            if not page:
                if gone:
                    break
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            tell(_INTERRUPTED[interrupt])
            _order(interrupt, started.socket, who, tell)
    started.process.wait()
    return ended


def _order(
    verb: Literal["stop", "hold"], socket: Path, who: str, tell: Callable[[str], None]
) -> None:
    try:
        EngineClient(socket, who).send(verb)
    except EngineGone as gone:
        tell(str(gone))


def to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
