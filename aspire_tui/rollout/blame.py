"""Which call explains a failure: the first that did not end in OK, else the last that mattered.

Read from the record alone. A program that ran to its end with every call OK, and still failed,
is blamed on its last call that moved something near the goal; its status is OK and the failing
check of the verdict carries the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from aspire_tui.domain import Blob, Status
from aspire_tui.events import AnyEvent, CallResult, Samples, VideoFrame
from aspire_tui.rollout.journal import Journal

BENIGN: frozenset[Status] = frozenset({"OK"})


class Trace:
    """A journal that remembers the results that pass through it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.results: list[CallResult] = []

    def blob(self, data: bytes, media: str) -> Blob:
        return self._journal.blob(data, media)

    def record(self, event: AnyEvent) -> None:
        if isinstance(event, CallResult):
            self.results.append(event)
        self._journal.record(event)

    def samples(self, samples: Samples) -> None:
        self._journal.samples(samples)

    def video(self, frame: VideoFrame) -> None:
        self._journal.video(frame)


def first_implicated(results: Sequence[CallResult]) -> int | None:
    """The first call whose status is not OK; failing that, the last gripper call; else the last."""
    for r in results:
        if r.status not in BENIGN:
            return r.call
    for r in reversed(results):
        if "gripper" in r.primitive:
            return r.call
    return results[-1].call if results else None
