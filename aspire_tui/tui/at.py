"""Moments of a session as people write them: ``--at TIME|CALL``."""

from __future__ import annotations

import re
import time

from aspire_tui.errors import ConfigError
from aspire_tui.session.reader import SessionReader


class NoSuchMoment(ConfigError):
    """The moment cannot be understood or does not exist; one line saying how to write one."""


_HOW = "write 14:02:11, +93 (seconds from the start), 3.12 (trial.call), trial 3, or event 512"


def moment_at(reader: SessionReader, text: str) -> int | None:
    """The event a moment stands for; None is the end.

    Raises:
        NoSuchMoment: Not a moment, or not one of this session.
    """
    text = text.strip()
    if text in ("", "end"):
        return None
    if text == "start":
        return 1
    if match := re.fullmatch(r"(?:event|seq)[ :#]?(\d+)", text):
        return _inside(reader, int(match[1]), text)
    if match := re.fullmatch(r"\+(\d+(?:\.\d+)?)", text):
        return max(1, reader.seq_at_time(mono_s=float(match[1])))
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text):
        return _at_clock(reader, int(match[1]), int(match[2]), int(match[3] or 0))
    if match := re.fullmatch(r"(?:trial )?(\d+)(?:[.:](?:call )?(\d+))?", text):
        call = int(match[2]) if match[2] else None
        return _at_call(reader, int(match[1]), call, text)
    raise NoSuchMoment(f"--at {text}: not a moment; {_HOW}")


def _inside(reader: SessionReader, seq: int, text: str) -> int:
    last = reader.last_seq()
    if not 1 <= seq <= last:
        raise NoSuchMoment(f"--at {text}: the session has events 1 to {last}")
    return seq


def _at_clock(reader: SessionReader, hour: int, minute: int, second: int) -> int:
    first = reader.event(1)
    if first is None:
        raise NoSuchMoment("the session is empty")
    began = time.localtime(first.wall_s)
    wanted = hour * 3600 + minute * 60 + second
    since = wanted - (began.tm_hour * 3600 + began.tm_min * 60 + began.tm_sec)
    if since < 0:
        since += 86400  # past midnight
    return max(1, reader.seq_at_time(wall_s=int(first.wall_s) + since + 0.999))


def _at_call(reader: SessionReader, trial: int, call: int | None, text: str) -> int:
    found = reader.trial(trial)
    if found is None:
        raise NoSuchMoment(f"--at {text}: no trial {trial}; the session has {len(reader.trials())}")
    if call is None:
        return found.closed_seq or reader.last_seq()
    for row in reader.calls(trial):
        if row.call == call:
            return row.result_seq or row.intent_seq
    raise NoSuchMoment(f"--at {text}: trial {trial} has {found.calls} calls")
