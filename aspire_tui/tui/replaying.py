"""A replay runs by itself, and steps from one thing to the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.at import moment_at
from aspire_tui.tui.source import Seek

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("at",)
SLOWEST, FASTEST = 0.25, 64.0
FRAME_S: Final = 0.25
"""Between two moments of a running replay: four a second read like motion and cost few bytes."""
STEPS: Final = ("trial", "phase", "mark")


class Replaying:
    """Plays a session and seeks in it; only ever changes which moment is shown.

    Attributes:
        playing: It runs by itself.
        speed: Session seconds per second.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.playing = False
        self.speed = 1.0
        self._mono_s = 0.0

    def handlers(self) -> dict[str, Callable[[], None]]:
        steps = {
            f"{kind}_{way}": partial(self._step, kind, way == "forward")
            for kind in STEPS
            for way in ("back", "forward")
        }
        return steps | {
            "play": self._play,
            "play_slower": partial(self._faster, 0.5),
            "play_faster": partial(self._faster, 2.0),
            "at": self._type_at,
            "take": self._take,
        }

    def entered(self, _: str, text: str) -> None:
        """A moment was typed."""
        if not text:
            return

        def find(reader: SessionReader) -> int:
            return moment_at(reader, text) or reader.last_seq()

        self._console.ask(find, self.go_to)

    def go_to(self, seq: int) -> None:
        """Show the session at an event; a replay that runs goes on from there."""
        self.stop()
        self._console.acts.looking.seek(Seek("event", seq=seq))

    def stop(self) -> None:
        self.playing = False

    def tick(self, passed_s: float) -> None:
        """Time went by; a replay that runs goes on by that much, and stops at its end."""
        if not self.playing:
            return
        moment = self._console.moment
        if moment.at_end and moment.snapshot.seq:
            self.stop()
            self._console.draw_bars()
            return
        self._mono_s = max(self._mono_s, moment.snapshot.mono_s) + passed_s * self.speed
        self._console.source.seek(Seek("time", seconds=self._mono_s))

    def _play(self) -> None:
        self.playing = not self.playing
        self._mono_s = self._console.moment.snapshot.mono_s
        if self.playing and self._console.moment.at_end:
            self._mono_s = 0.0
            self._console.acts.looking.seek(Seek("start"))
        self._console.say(self._words(), "note")

    def _faster(self, by: float) -> None:
        self.speed = min(FASTEST, max(SLOWEST, self.speed * by))
        self._console.say(self._words(), "note")

    def _words(self) -> str:
        going = "playing" if self.playing else "stands, p plays"
        return f"{going} at {self.speed:g}×"

    def _step(self, kind: str, forward: bool) -> None:
        self.stop()
        marks = tuple(self._console.acts.marks.own())
        self._console.acts.looking.seek(Seek(kind, forward=forward, marks=marks))

    def _type_at(self) -> None:
        self._console.acts.type("at", "14:02:11, +93 (seconds), 3.12 (trial.call), event 512")

    def _take(self) -> None:
        from aspire_tui.tui.acts import Departure  # acts are made of this

        trial = self._console.moment.trial
        if trial is not None:
            self._console.exit(Departure("take", f"{self._console.source.path} {trial.trial}"))
