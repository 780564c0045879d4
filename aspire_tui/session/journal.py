"""The journal of a trial at the bench: what it writes is durable before it goes on."""

from __future__ import annotations

import threading

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import AnyEvent, Samples, VideoFrame
from aspire_tui.session.recorder import Recorder


class RecorderJournal:
    """A trial's journal that writes straight through: :meth:`record` returns when durable."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pending: dict[str, tuple[str, bytes]] = {}
        self._lock = threading.Lock()

    def blob(self, data: bytes, media: str) -> Blob:
        """Keep bytes beside the events; they become durable with the next event."""
        name = sha256_hex(data)
        with self._lock:
            self._pending[name] = (media, data)
        return Blob(name, media, len(data))

    def record(self, event: AnyEvent) -> None:
        with self._lock:
            blobs, self._pending = self._pending, {}
        self._recorder.append([event], blobs)

    def samples(self, samples: Samples) -> None:
        self._recorder.append(samples=[samples])

    def video(self, frame: VideoFrame) -> None:
        self._recorder.append(video=[frame])
