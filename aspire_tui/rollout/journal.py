"""Where a trial writes what happens, and who may stop it from going on.

A trial at the bench writes through the engine: :meth:`Journal.record` returns when the event is
durable. A bulk trial writes into memory and is handed over whole at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from aspire_tui.domain import Blob, Phase, sha256_hex
from aspire_tui.events import (
    AnyEvent,
    CallIntent,
    CallResult,
    ResetReported,
    Samples,
    VerdictGiven,
    VideoFrame,
)
from aspire_tui.rollout.standing import StandingCall


class Journal(Protocol):
    """One-way record of a trial."""

    def blob(self, data: bytes, media: str) -> Blob:
        """Keep bytes beside the events; they become durable with the next event."""
        ...

    def record(self, event: AnyEvent) -> None:
        """Write one event. At the bench it is durable when this returns."""
        ...

    def samples(self, samples: Samples) -> None: ...

    def video(self, frame: VideoFrame) -> None: ...


@dataclass(frozen=True)
class Admission:
    """The gate's answer to one call."""

    act: Literal["run", "skip", "abort"]
    reason: str = ""


class Gate(Protocol):
    """Asked before every call, once its intent is durable; blocks while held or standing."""

    def admit(self, intent: CallIntent, call: StandingCall) -> Admission:
        """An operator's edits and stated result are in ``call`` when this returns."""
        ...

    def admit_phase(self, phase: Phase) -> Admission:
        """Asked after the program, before the cell may move again."""
        ...


class OpenGate:
    """Lets every call run: bulk trials, where nobody steps."""

    def admit(self, intent: CallIntent, call: StandingCall) -> Admission:
        return Admission("run")

    def admit_phase(self, phase: Phase) -> Admission:
        return Admission("run")


@dataclass
class MemoryJournal:
    """Keeps a bulk trial in memory until it is written as one transaction."""

    events: list[AnyEvent] = field(default_factory=list)
    blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    sampled: list[Samples] = field(default_factory=list)
    frames: list[VideoFrame] = field(default_factory=list)

    def blob(self, data: bytes, media: str) -> Blob:
        name = sha256_hex(data)
        self.blobs[name] = (media, data)
        return Blob(name, media, len(data))

    def record(self, event: AnyEvent) -> None:
        self.events.append(event)

    def drop_pictures(self) -> None:
        """Forget every keyframe: hundreds of passing trials would fill a disk with them."""
        self.events = [_without_keyframes(e) for e in self.events]
        self.blobs.clear()

    def samples(self, samples: Samples) -> None:
        self.sampled.append(samples)

    def video(self, frame: VideoFrame) -> None:
        self.frames.append(frame)


def _without_keyframes(event: AnyEvent) -> AnyEvent:
    replace = msgspec.structs.replace
    match event:
        case CallResult(evidence=evidence):
            return replace(event, evidence=replace(evidence, keyframes=()))
        case ResetReported(verdict=verdict) | VerdictGiven(verdict=verdict):
            return replace(event, verdict=replace(verdict, keyframes=()))
        case _:
            return event
