"""Low-rate video of a trial at the bench: JPEGs for people, at a capped rate."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from types import TracebackType

from PIL import Image

from aspire_tui.events import VideoFrame
from drivers.client import CellClient
from drivers.errors import CellFault

MAX_FPS = 15.0
QUALITY = 70


class Video:
    """Grabs every camera at a fixed rate on a thread while a trial runs; never slows the trial."""

    def __init__(
        self, cell: CellClient, trial: int, fps: float, keep: Callable[[VideoFrame], None]
    ) -> None:
        self._cell = cell
        self._trial = trial
        self._period_s = 1.0 / min(fps, MAX_FPS) if fps > 0 else 0.0
        self._keep = keep
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="video", daemon=True)

    def __enter__(self) -> Video:
        if self._period_s:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._period_s:
            self._thread.join()

    def _run(self) -> None:
        names = [c.name for c in self._cell.info.cameras]
        while not self._stop.wait(self._period_s):
            for name in names:
                try:
                    frame = self._cell.glance(name)
                except CellFault:
                    # A stalled camera costs pictures; a lost cell the trial notices itself.
                    continue
                out = io.BytesIO()
                Image.fromarray(frame.rgb).save(out, "JPEG", quality=QUALITY)
                self._keep(VideoFrame(self._trial, name, frame.t_s, out.getvalue()))
