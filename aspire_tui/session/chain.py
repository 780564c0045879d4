"""The hash chain over the events: each hash covers the one before it, the times and the body."""

from __future__ import annotations

import hashlib
import struct


def genesis(session: str) -> bytes:
    """The hash before the first event: the session's own identity."""
    return hashlib.sha256(session.encode()).digest()


def link(previous: bytes, seq: int, wall_s: float, mono_s: float, body: bytes) -> bytes:
    """The hash of one event, 32 bytes.

    Raises:
        ValueError: These are no numbers of an event.
    """
    digest = hashlib.sha256(previous)
    try:
        digest.update(struct.pack(">Qdd", seq, wall_s, mono_s))
    except struct.error as error:
        raise ValueError(f"event {seq}: {error}") from None
    digest.update(body)
    return digest.digest()


def seal(event_hash: bytes, state: bytes) -> bytes:
    """The hash of a stored checkpoint: of its bytes and of the event it stands at."""
    return hashlib.sha256(event_hash + state).digest()
