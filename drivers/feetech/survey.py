"""Looking at a whole bus before trusting it: everything is read, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from drivers.feetech import codec
from drivers.feetech import registers as r
from drivers.feetech.bus import Bus

TIMED_READS: Final = 6
LISTENS: Final = 4
LOSSY_FROM: Final = 2
LISTEN_S: Final = 0.025
PATIENT_S: Final = 0.15


@dataclass(frozen=True)
class ServoSeen:
    """All registers of one servo that anything depends on, as they lay in its memory."""

    settings: bytes
    drive: bytes
    telemetry: bytes

    def value(self, register: r.Register) -> int:
        for block, data in (
            (r.SETTINGS, self.settings),
            (r.DRIVE, self.drive),
            (r.TELEMETRY, self.telemetry),
        ):
            if block.first <= register.address < block.first + block.count:
                return register.of(data, block.first)
        raise KeyError(register.name)


@dataclass(frozen=True)
class BusSeen:
    """A bus as it answered.

    Attributes:
        servos: Those of the arm that answered, by id.
        strays: Ids that answered although the cell file does not know them; looked for only when
            some were missing.
        colliding: Ids whose answers were broken more often than not.
        lossy: Id to the share of answers that were lost while looking.
        round_trip_s: Fastest telemetry reading of all of them: a busy computer is no slow bus.
    """

    servos: dict[int, ServoSeen]
    strays: tuple[int, ...] = ()
    colliding: tuple[int, ...] = ()
    lossy: dict[int, float] = field(default_factory=dict)
    round_trip_s: float = 0.0
    echo: bool = False


def survey(
    bus: Bus, servos: Sequence[int], clock: Callable[[], float], look_for_strays: bool
) -> BusSeen:
    """Read everything. Raises OSError only when the port itself is gone.

    Whoever stays silent at first is asked no more: somebody waits, maybe beside an arm that holds.
    """
    settings = bus.sync_read(r.SETTINGS, servos)
    there = [servo for servo in servos if servo in settings]
    drive = bus.sync_read(r.DRIVE, there)
    telemetry, times = _timed(bus, there, clock)
    seen = {
        servo: ServoSeen(settings[servo], drive[servo], telemetry[servo])
        for servo in servos
        if servo in settings and servo in drive and servo in telemetry
    }
    missing = [servo for servo in servos if servo not in seen]
    counts = {servo: bus.counts(servo) for servo in servos}
    lossy = {s: c.missed / c.asked for s, c in counts.items() if c.missed >= LOSSY_FROM}
    colliding = tuple(servo for servo in lossy if _collides(bus, servo))
    strays: tuple[int, ...] = ()
    if missing and look_for_strays:
        strays = tuple(n for n in bus.everyone() if n not in servos)
    return BusSeen(
        servos=seen,
        strays=strays,
        colliding=colliding,
        lossy={s: share for s, share in lossy.items() if s in seen},
        round_trip_s=min(times),
        echo=bus.echo,
    )


def _timed(
    bus: Bus, servos: Sequence[int], clock: Callable[[], float]
) -> tuple[dict[int, bytes], list[float]]:
    found: dict[int, bytes] = {}
    times = []
    for _ in range(TIMED_READS):
        begun = clock()
        found |= bus.sync_read(r.TELEMETRY, servos, begun + PATIENT_S)
        times.append(clock() - begun)
    return found, times


def _collides(bus: Bus, servo: int) -> bool:
    """Whether two answer at once: what comes back is more often broken than not there or whole."""
    asked = codec.read(servo, r.TELEMETRY.first, r.TELEMETRY.count)
    broken = 0
    for _ in range(LISTENS):
        heard = bus.listen(asked, None, LISTEN_S)
        if not heard.answers and not heard.noise:
            return False
        whole = [a for a in heard.answers if a.id == servo]
        broken += len(whole) > 1 or (not whole and heard.noise > 0)
    return broken * 2 >= LISTENS
