"""The client's side of openpi's policy servers: websocket, one msgpack message each way.

The server speaks first, telling about itself. Arrays travel as a map with the keys ``__ndarray__``,
``data``, ``dtype`` and ``shape``. A text instead of bytes is the server's error.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final

import msgspec
import numpy as np

from aspire_tui.environment.motion.pose import FloatArray

ANSWER_WITHIN_S: Final = 20.0
LARGEST: Final = 32 * 1024 * 1024
MOST_ACTIONS: Final = 500
NUMBERS: Final = re.compile(r"[<>|=]?[fiub][1248]")


class PolicyDown(Exception):
    """The server cannot be reached, or says that it failed; one line."""


class WrongAnswer(Exception):
    """What the server answered are no actions; one line."""


def pack(message: dict[str, Any]) -> bytes:
    """A message with arrays, as openpi packs it."""
    return msgspec.msgpack.encode({k: _out(v) for k, v in message.items()})


def unpack(raw: bytes) -> dict[str, Any]:
    """A message with arrays. Raises WrongAnswer, whatever the bytes are."""
    try:
        message = msgspec.msgpack.decode(raw)
        if not isinstance(message, dict):
            raise WrongAnswer("the answer is no map")
        return {_text(k): _in(v) for k, v in message.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as bad:
        raise WrongAnswer(f"the answer cannot be read: {str(bad).splitlines()[0][:120]}") from None


def _out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {
            b"__ndarray__": True,
            b"data": value.tobytes(),
            b"dtype": value.dtype.str,
            b"shape": value.shape,
        }
    return value


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


def _in(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    known = {_text(k): v for k, v in value.items()}
    if "__ndarray__" not in known:
        return {k: _in(v) for k, v in known.items()}
    if missing := {"dtype", "data", "shape"} - known.keys():
        raise WrongAnswer(f"an array without its {' and '.join(sorted(missing))}")
    kind = _text(known["dtype"])
    if not NUMBERS.fullmatch(kind):
        raise WrongAnswer(f"an array of {kind[:20]} is not accepted")
    return np.frombuffer(known["data"], np.dtype(kind)).reshape(known["shape"])


class OpenPi:
    """One connection to a server, for one call of a program."""

    def __init__(self, address: str) -> None:
        """``address``: ``ws://HOST:PORT``."""
        self._address = address
        self._open = ExitStack()

    def __enter__(self) -> OpenPi:
        try:
            from websockets.sync.client import connect
        except ImportError:
            raise PolicyDown("policy servers need the extra `policy`: pip install it") from None
        try:
            opened = connect(
                self._address, compression=None, max_size=LARGEST, open_timeout=ANSWER_WITHIN_S
            )
            self._socket = self._open.enter_context(opened)
            self._socket.recv(timeout=ANSWER_WITHIN_S)
        except Exception as error:  # Whatever a socket or its protocol raises: it is not there.
            self._open.close()
            raise PolicyDown(f"{self._address} does not answer: {_line(error)}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def actions(self, observation: dict[str, Any]) -> FloatArray:
        """A chunk of actions, shape (K, n). Raises PolicyDown or WrongAnswer."""
        try:
            self._socket.send(pack(observation))
            raw = self._socket.recv(timeout=ANSWER_WITHIN_S)
        except Exception as error:  # As above.
            raise PolicyDown(f"{self._address} went away: {_line(error)}") from None
        if isinstance(raw, str):
            raise PolicyDown(f"{self._address} failed: {raw.strip().splitlines()[-1][:160]}")
        found = np.asarray(unpack(raw).get("actions"), dtype=object)
        try:
            rows = np.atleast_2d(found.astype(np.float64))
        except (TypeError, ValueError):
            raise WrongAnswer("the answer has no numbers called actions") from None
        if rows.ndim != 2 or not 1 <= len(rows) <= MOST_ACTIONS or not np.isfinite(rows).all():
            raise WrongAnswer(f"actions of shape {rows.shape}, or not finite, are not accepted")
        return rows


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:160]
