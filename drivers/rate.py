"""A token bucket: how often one client may speak. Pure, injected clock."""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """Allows ``rate_hz`` messages a second, and ``burst`` at once."""

    def __init__(self, rate_hz: float, burst: float, now_s: Callable[[], float]) -> None:
        self._rate_hz = rate_hz
        self._burst = burst
        self._now_s = now_s
        self._tokens = burst
        self._last_s = now_s()

    def take(self) -> bool:
        """Whether one more message may pass now."""
        now = self._now_s()
        self._tokens = min(self._burst, self._tokens + (now - self._last_s) * self._rate_hz)
        self._last_s = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
