"""What the cell's cameras see now, as often as the link can carry it and no oftener.

The one picture on the screen that is not from the session, and it says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from textual.timer import Timer

    from aspire_tui.tui.app import Console

LEAST_S: Final = 1.0
"""Pictures never follow faster."""
MOST_S: Final = 30.0
SMOOTH: Final = 0.5
"""Weight of the newest picture in what pictures cost."""


class Sight(NamedTuple):
    """One picture as it came."""

    camera: str
    t_s: float
    rgb: NDArray[np.uint8]
    """Shape (H, W, 3)."""


class PictureBudget:
    """How long to wait between pictures, so that they cost no more than so many bytes a second."""

    def __init__(self, most_B_s: float) -> None:
        self.most_B_s = most_B_s
        self.picture_B = 0.0
        """What a picture cost lately."""

    def spent(self, sent_B: float) -> None:
        known = self.picture_B
        self.picture_B = sent_B if not known else known + SMOOTH * (sent_B - known)

    @property
    def wait_s(self) -> float:
        return min(MOST_S, max(LEAST_S, self.picture_B / self.most_B_s))

    @property
    def rate_B_s(self) -> float:
        return self.picture_B / self.wait_s


class LiveCamera:
    """Covers the panes with one camera after the other; ends when something else is shown."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._cover = Cover("camera", self._body)
        self._camera = ""
        self._sight: Sight | None = None
        self._why = ""
        self._budget = PictureBudget(console.picture_B_s)
        self._asking = False
        self._next: Timer | None = None

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"camera": self._show_next}

    @property
    def shown(self) -> bool:
        return self._console.workspace.covered and self._console.acts.cover is self._cover

    def _names(self) -> list[str]:
        session = self._console.moment.snapshot.session
        listed = session.cell.get("cameras") if session is not None else None
        found = listed if isinstance(listed, list) else []
        return [str(camera["name"]) for camera in found if isinstance(camera, dict)]

    def _show_next(self) -> None:
        names = self._names()
        if not names:
            self._console.say("camera: this cell has none", "warn")
            return
        here = names.index(self._camera) if self.shown and self._camera in names else -1
        self._camera, self._sight, self._why = names[(here + 1) % len(names)], None, ""
        self._console.acts.cover_with(self._cover)
        self._ask()

    def _ask(self) -> None:
        """One picture, in a thread of its own; never two at a time."""
        eyes, camera = self._console.eyes, self._camera
        if eyes is None or self._asking or not self.shown:
            return
        self._asking = True

        def look() -> None:
            try:
                found: Sight | str = eyes.see(camera)
            except Exception as error:  # whatever a camera does must not end the screen
                found = clean_line(f"{error}" or type(error).__name__, 200)
            self._console.tell(self._seen, found)

        threading.Thread(target=look, name="camera", daemon=True).start()

    def _seen(self, found: Sight | str) -> None:
        self._asking = False
        if not self.shown:
            return
        before = self._console.bytes_drawn
        if isinstance(found, str):
            self._why = found
        elif found.camera == self._camera:
            self._sight, self._why = found, ""
        self._console.draw_overlay()
        self._console.set_timer(LEAST_S / 2, lambda: self._drawn(before))

    def _drawn(self, before: int) -> None:
        self._budget.spent(self._console.bytes_drawn - before)
        if self._next is not None:
            self._next.stop()
        self._next = self._console.set_timer(self._budget.wait_s - LEAST_S / 2, self._ask)

    def _body(self, look: Look) -> Body:
        sight, budget = self._sight, self._budget
        lines: list[Line] = []
        if self._why:
            lines.append(line((f"no picture: {self._why}", "warn")))
        if sight is not None:
            from aspire_tui.tui.screen.halfcell import halfcells

            lines += halfcells(sight.rgb, max(4, look.height - len(lines)), look.width, look.depth)
        elif not self._why:
            lines.append(line(("looking …", "dim")))
        at = f" at {sight.t_s:.1f} s of cell time" if sight is not None else ""
        cost = f"{budget.rate_B_s / 1e3:.1f} of at most {budget.most_B_s / 1e3:g} kB/s"
        return Body(
            f"Live: {clean_line(self._camera, 24)}{at}",
            FixedLines(lines),
            foot=f"{cost}, every {budget.wait_s:.0f} s; ^O next camera, esc closes",
        )
