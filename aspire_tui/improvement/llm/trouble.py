"""What to do when a provider does not answer as hoped. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Remedy = Literal["again", "compact", "stop"]

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
TRIES = 6
SILENT_TRIES = 3
"""Of a provider that takes a question and does not end its answer: each costs the whole wait."""
LONGEST_TEXT = 200


class BrokenStream(Exception):
    """A stream ended before its answer did."""


@dataclass(frozen=True)
class Trouble:
    """One failure of a provider: what to do, how long to wait first, one line for people."""

    remedy: Remedy
    wait_s: float
    text: str


def judge(error: Exception, attempt: int, jitter: float) -> Trouble:
    """What to do about an error of the model client.

    Args:
        attempt: How many tries failed in a row, from 1.
        jitter: In [0, 1); spreads the waiting of several clients.
    """
    from pydantic_ai import exceptions as e

    name = _name(error)
    match error:
        case e.ModelContextWindowExceededError():
            return Trouble("compact", 0.0, f"{name}: the conversation is too long")
        case e.ModelAuthenticationError():
            return Trouble("stop", 0.0, f"{name}: the key is not accepted")
        case e.ModelNotFoundError():
            return Trouble("stop", 0.0, f"{name}: there is no such model")
        case e.ModelQuotaExceededError():
            return Trouble("stop", 0.0, f"{name}: the account has no quota left")
        case e.ContentFilterError():
            return Trouble("stop", 0.0, f"{name}: refused by the provider's content filter")
        case (
            e.ModelRateLimitError()
            | e.ModelUnavailableError()
            | e.ModelServerError()
            | e.ModelConnectionError()
            | e.ModelTimeoutError()
            | e.UnexpectedModelBehavior()
            | BrokenStream()
            | TimeoutError()
        ):
            pass
        case e.ModelHTTPError() if error.status_code >= 500 or error.status_code in (408, 409):
            pass
        case _:
            return Trouble("stop", 0.0, f"{name}: {_short(error)}")
    said = f"{name}{_because(error)}"
    tries = SILENT_TRIES if isinstance(error, (TimeoutError, e.ModelTimeoutError)) else TRIES
    if attempt >= tries:
        return Trouble("stop", 0.0, f"{said}; {tries} tries failed")
    asked = error.retry_after if isinstance(error, e.ModelAPIError) else None
    wait_s = asked if asked is not None else FIRST_WAIT_S * 2 ** (attempt - 1) * (1 + jitter)
    wait_s = min(LONGEST_WAIT_S, max(0.0, wait_s))
    return Trouble("again", wait_s, f"{said}; again in {wait_s:.0f} s")


def _name(error: Exception) -> str:
    """``429`` and the like, or the kind of error in plain words."""
    status = error.__dict__.get("status_code")
    words = {
        "ModelConnectionError": "no connection to the provider",
        "ModelTimeoutError": "no answer in time",
        "TimeoutError": "no end of the answer in time",
        "UnexpectedModelBehavior": "a broken answer",
        "BrokenStream": "a broken answer",
    }
    kind = type(error).__name__
    return f"the provider says {status}" if status else words.get(kind, f"the model ({kind})")


def _because(error: Exception) -> str:
    """What is known besides the kind of error; of silence nothing is."""
    return "" if isinstance(error, TimeoutError) and not str(error) else f": {_short(error)}"


def _short(error: Exception) -> str:
    """What the provider wrote for people, in one line; its whole answer is for nobody."""
    text = _message(error.__dict__.get("body")) or str(error)
    return " ".join(text.split())[:LONGEST_TEXT] or "no reason given"


def _message(body: object) -> str:
    match body:
        case {"message": str(text)}:
            return text
        case {"error": Mapping() as inner}:
            return _message(inner)
        case {"error": str(text)} | {"detail": str(text)}:
            return text
    return ""
