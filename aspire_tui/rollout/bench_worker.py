"""The trial runner at the bench: perception, planning and sandbox around a cell host's client.

A process of its own, started by the engine with one end of a socket pair. It writes nothing: every
event goes to the engine and, where order with the robot matters, is durable before it goes on.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field

import msgspec

from aspire_tui.domain import Blob, SandboxLevel, sha256_hex
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.events import AnyEvent, Note, Samples, VideoFrame
from aspire_tui.rollout.bench_gate import AskedThroughEngine, BenchGate, Reply, observed
from aspire_tui.rollout.bounded import BoundedCell, Box
from aspire_tui.rollout.bulk import PR_SET_PDEATHSIG, Hello
from aspire_tui.rollout.by_hand import do_by_hand
from aspire_tui.rollout.in_force import LOADED, OtherCode, differing
from aspire_tui.rollout.link import (
    Admit,
    Bound,
    ByHand,
    Committed,
    Consider,
    Done,
    Edit,
    Entry,
    Failed,
    HandDone,
    HoldNext,
    KillProgram,
    LinkClosed,
    Observe,
    Park,
    PersonSaid,
    Quit,
    Ready,
    ResumeCell,
    SetSpeed,
    Start,
    State,
    ToEngine,
    ToWorker,
    pack,
    receive,
    unpack_to_worker,
)
from aspire_tui.rollout.model_link import SightSpec
from aspire_tui.rollout.sandbox.launcher import Sandbox, SandboxUnavailable
from aspire_tui.rollout.station import Station
from aspire_tui.rollout.trial import TrialRunner
from aspire_tui.rollout.video import Video
from drivers.client import CellClient
from drivers.errors import CellFault, CellRefused
from drivers.sim.control import StandInClient

ABORT_AGAIN_S = 0.1

Act = KillProgram | ResumeCell | Bound | HoldNext | Park | SetSpeed
"""What is done while a call may be in flight."""


class BenchSpec(msgspec.Struct, frozen=True):
    """What the engine tells the worker on its command line, as JSON."""

    cell: str
    """Name of the running cell host."""
    stand_in: str
    """Path of the stand-in socket; empty on hardware."""
    levels: tuple[SandboxLevel, ...]
    tier: str
    video_fps: float
    large_moves: bool = False
    """Tell how far each call would move the tool before it runs."""
    judged_by: dict[str, str] = {}
    """Hashes of the code this session is judged by."""
    sight: SightSpec = SightSpec()


@dataclass
class Link:
    """Both directions of the socket pair; a thread reads, anyone may write."""

    sock: socket.socket
    inbox: queue.Queue[ToWorker | None] = field(default_factory=queue.Queue)
    answers: queue.Queue[Reply | None] = field(default_factory=queue.Queue)
    idle: threading.Event = field(default_factory=threading.Event)
    """Set while no trial runs."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: ToEngine) -> None:
        data = pack(message)
        with self._lock:
            self.sock.sendall(data)

    def read_forever(self, acts: queue.Queue[Act]) -> None:
        try:
            while True:
                message = unpack_to_worker(receive(self.sock))
                if isinstance(message, (Committed, Admit, Consider, Edit, State, PersonSaid)):
                    self.answers.put(message)
                elif isinstance(message, Observe) and not self.idle.is_set():
                    # For the trial that stands; without one a look is the next job.
                    self.answers.put(message)
                elif isinstance(message, Act):
                    acts.put(message)
                else:
                    self.inbox.put(message)
        except (LinkClosed, OSError):
            self.answers.put(None)
            self.inbox.put(None)

    def answer(self) -> Reply:
        got = self.answers.get()
        if got is None:
            raise LinkClosed("the engine is gone")
        return got


@dataclass
class BenchJournal:
    """Sends events to the engine; waits until they are durable."""

    link: Link
    _blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)
    _samples: list[Samples] = field(default_factory=list)

    def blob(self, data: bytes, media: str) -> Blob:
        name = sha256_hex(data)
        if name not in self._sent:
            self._blobs[name] = (media, data)
            self._sent.add(name)
        return Blob(name, media, len(data))

    def record(self, event: AnyEvent) -> None:
        blobs, self._blobs = self._blobs, {}
        samples, self._samples = tuple(self._samples), []
        self.link.send(Entry((event,), blobs, samples, ack=True))
        self.link.answer()

    def samples(self, samples: Samples) -> None:
        self._samples.append(samples)

    def video(self, frame: VideoFrame) -> None:
        self.link.send(Entry(video=(frame,)))


def serve(spec: BenchSpec, link: Link) -> None:
    """Run trials as they come until the engine quits or is gone."""
    other = differing(spec.judged_by, LOADED)
    if other:
        raise OtherCode(other)
    cell = CellClient(spec.cell, role="operator", who="engine")
    sandbox = Sandbox.start(spec.levels)
    bounded = BoundedCell(cell, *(Kinematics(arm) for arm in cell.info.arms))
    acts: queue.Queue[Act] = queue.Queue()
    threading.Thread(target=link.read_forever, args=(acts,), daemon=True).start()
    threading.Thread(
        target=_act_forever, args=(acts, link, sandbox, cell, bounded), daemon=True
    ).start()
    people = AskedThroughEngine(link)
    station = Station.on(bounded, StandInClient(spec.stand_in), spec.tier, people, spec.sight)
    runner = TrialRunner(station, sandbox)
    link.idle.set()
    link.send(Ready(Hello(sandbox.report, cell.info, "camera service")))
    try:
        while isinstance(message := link.inbox.get(), (Start, Observe, ByHand)):
            if isinstance(message, Observe):
                link.send(observed(station, message.task))
                continue
            journal = BenchJournal(link)
            link.idle.clear()
            if isinstance(message, ByHand):
                do_by_hand(message, station, journal)
                link.idle.set()
                link.send(HandDone())
                continue
            with Video(cell, message.trial.trial, spec.video_fps, journal.video):
                closed = runner.run(
                    message.trial, journal, BenchGate(link, station, spec.large_moves)
                )
            link.idle.set()
            link.send(Done(closed))
            if isinstance(message, Quit):
                break
    finally:
        sandbox.close()
        cell.close()


def _act_forever(
    acts: queue.Queue[Act],
    link: Link,
    sandbox: Sandbox,
    cell: CellClient,
    bounded: BoundedCell,
) -> None:
    """What the operator asked for while a call is in flight."""
    while True:
        act = acts.get()
        try:
            if isinstance(act, KillProgram):
                sandbox.kill(f"aborted by {act.who}")
                _abort_until_idle(link, cell, act.who)
            elif isinstance(act, Bound):
                bounded.box = Box(act.lo_m, act.hi_m) if act.lo_m and act.hi_m else None
                cell.set_speed(act.speed, "unattended grant")
            elif isinstance(act, Park):
                for arm in cell.info.arms:
                    parked = cell.stow(arm.name)
                    text = f"{arm.name} parked: {parked.status} {parked.detail}".strip()
                    link.send(Entry((Note(text, "warn", "parked"),)))
            elif isinstance(act, SetSpeed):
                cell.set_speed(act.fraction, act.who)
            elif isinstance(act, HoldNext):
                bounded.hold_next = act.who
            else:
                bounded.hold_next = ""
                if cell.status().held:
                    cell.resume(act.who)
        except (CellRefused, CellFault) as error:
            link.send(Entry((Note(str(error), "warn", "cell"),)))


def _abort_until_idle(link: Link, cell: CellClient, who: str) -> None:
    """End what moves, and what a call that was still planning would move next."""
    while True:
        cell.abort(who)
        if link.idle.wait(ABORT_AGAIN_S):
            return


def main() -> int:
    """Entry of the process: ``--fd`` is the socket pair, ``--spec`` a BenchSpec as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--spec", required=True)
    args = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=args.fd)
    os.set_inheritable(args.fd, False)
    link = Link(sock)
    spec = msgspec.json.decode(args.spec, type=BenchSpec)
    try:
        serve(spec, link)
    except LinkClosed:
        return 0
    except (CellFault, CellRefused) as error:
        link.send(Failed("cell", str(error)))
        return 5
    except OtherCode as other:
        link.send(Failed("evaluation", f"the bench has other code: {', '.join(other.names)}"))
        return 3
    except SandboxUnavailable as error:
        link.send(Failed("sandbox", str(error)))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
