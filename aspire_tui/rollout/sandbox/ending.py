"""Says in one line how a program ended, from what is left of it."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from aspire_tui.domain import ProgramEnd
from aspire_tui.rollout.sandbox.api import ProgramLimits
from aspire_tui.rollout.sandbox.frames import EndFrame, one_line
from aspire_tui.rollout.sandbox.zygote_process import Ended


@dataclass(frozen=True)
class Ending:
    """How, why, at which line, and what the program says of itself."""

    ended: ProgramEnd
    error: str
    line: int = 0
    claimed: bool | None = None


def told(end: EndFrame) -> Ending:
    """By the program itself."""
    return Ending(end.ended, one_line(end.error), max(0, end.line), end.claimed)


def imposed(ended: ProgramEnd, reason: str, trace: bytes) -> Ending:
    """By us, with the line it was at if it could still tell."""
    line = line_in(trace)
    return Ending(ended, one_line(reason) + (f" (line {line})" if line else ""), line)


def found(process: Ended, trace: bytes, limits: ProgramLimits) -> Ending:
    """Without a word: by the exit status of its process."""
    ended, why = _by_status(process, limits)
    words = one_line(trace.decode("utf-8", "replace"))
    if words.startswith("sandbox: "):
        why = f"{why}; {words}"
    return imposed(ended, why, trace)


def line_in(trace: bytes) -> int:
    """The innermost line of the program in a low-level traceback, 0 when there is none."""
    innermost = re.search(rb'File "<program>", line (\d{1,9})\b', trace)
    return int(innermost[1]) if innermost else 0


def _by_status(process: Ended, limits: ProgramLimits) -> tuple[ProgramEnd, str]:
    if process.why:
        return "killed", process.why
    if process.signal == signal.SIGXCPU:
        return "timeout", f"used more than {limits.cpu_s} s of processor time"
    if process.signal == signal.SIGKILL:
        return "killed", "killed by the system: out of memory or processor time"
    if process.signal == signal.SIGSYS:
        return "killed", "made a system call of a foreign kind"
    if process.signal:
        return "killed", f"crashed ({signal.Signals(process.signal).name})"
    return "killed", f"its process ended by itself (exit code {process.code})"
