"""An arm of Feetech STS servos as the control loop sees it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus, NoAnswer
from drivers.feetech.energise import energise, goal_row
from drivers.feetech.gripping import Grip
from drivers.feetech.guiding import Guiding
from drivers.feetech.judgement import Judged, judge, why_missing
from drivers.feetech.link import Link, PortError, SerialLink, also_open_by
from drivers.feetech.nobody import nobody
from drivers.feetech.pace import period_s
from drivers.feetech.reading import pose_of, sample_of
from drivers.feetech.section import GRIPPER, FeetechSection
from drivers.feetech.setpoints import Setpoints
from drivers.feetech.survey import BusSeen, survey
from drivers.feetech.takeover import take_over
from drivers.feetech.telemetry import AlarmWatch, Telemetry, decode
from drivers.feetech.wiring import Wiring, wire
from drivers.serial_ports import look_at_port
from drivers.types import Alarm, ArmSample, ArmSpec, Finding

MAX_AGE_S: Final = 0.05
"""A servo may miss a few cycles; older than this its reading is no reading."""
CONFIRM_TIME_S: Final = 0.003
"""What is kept back of a cycle for reading goals back."""

LOOKS: Final = 2
FIRST_LOOKS: Final = 8
"""Nobody waits yet, and a busy computer may be late."""

LinkFactory = Callable[[str, int], Link]


class FeetechArm:
    """Implements :class:`drivers.arm.ArmDriver`, ``SoftenableArm`` and ``CompliantArm`` there.

    Opening, checking and adopting write nothing. Leaving (``close``, a crash) leaves torque as it
    is: there is no destructor that lets an arm fall.
    """

    def __init__(
        self,
        spec: ArmSpec,
        section: FeetechSection,
        port: str,
        clock: Callable[[], float] = time.monotonic,
        folder: Path | None = None,
        cell: str = "CELL",
        *,
        link: LinkFactory | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Touches no device.

        Args:
            folder: Where the cell file is: calibration files are relative to it.
            cell: The cell's name, for what findings tell to do.
            link: Opens the line, instead of a serial port.

        Raises:
            CellFileError: The section does not fit the arm.
        """
        self.spec = spec
        self._section = section
        self._port = port
        self._clock = clock
        self._folder = folder or Path()
        self._cell = cell
        self._open_link: LinkFactory = link or (lambda p, baud: SerialLink(p, baud, clock))
        self._pause = pause
        self._wiring, self._calibration_findings = wire(spec, section, self._folder, cell)
        self._bus: Bus | None = None
        self._opened = 0
        self._seen = BusSeen({})
        self._setpoints = Setpoints(self._wiring.ids)
        self._last: dict[int, Telemetry] = {}
        self._watches: dict[int, AlarmWatch] = {}
        self._allowed: dict[int, int] = {}
        self._softened: dict[int, float] = {}
        self._speeds: dict[int, int] = {}
        self._holding = False
        self._prepared = False
        self._q_cmd: tuple[float, ...] = ()
        self._width_cmd_m = 0.0
        self._guiding: Guiding | None = None
        self._grip = Grip(self._wiring.jaw, section.no_load_rad_s)
        self._asked_instead = False

    # -- connecting ------------------------------------------------------------------------

    @property
    def bus(self) -> Bus:
        """The open bus. Raises OSError when it is not open."""
        if self._bus is None:
            raise OSError(f"{self._port} is not open")
        return self._bus

    @property
    def wiring(self) -> Wiring:
        return self._wiring

    def open(self) -> ArmSpec:
        """Connect and read everything; nothing is written.

        Raises:
            PortError: The port cannot be had, or nobody answers: with a finding.
            OSError: The port went away meanwhile.
        """
        self.close()
        self._opened += 1
        self._wiring, self._calibration_findings = wire(
            self.spec, self._section, self._folder, self._cell
        )
        self._bus = bus = self._connect(self._section.baud)
        ids = self._wiring.ids
        try:
            bus.detect_echo(ids[0])
            # Asked first, because somebody may wait: an arm that is lost is looked for again and
            # again beside others that go on.
            if not bus.anybody(ids, FIRST_LOOKS if self._opened == 1 else LOOKS):
                raise PortError(self._nobody())
            self._seen = survey(bus, ids, self._clock, look_for_strays=self._opened == 1)
            if not self._seen.servos and not self._seen.colliding:
                raise PortError(self._nobody())
        except OSError:
            self.close()
            raise
        if self.period_s > 0.0:
            bus.ask_again_s = 0.0
        self._take_over()
        return self.spec

    def check(self) -> list[Finding]:
        """What was seen when it was opened, judged. Reads nothing more, writes nothing."""
        about = Judged(self.spec, self._section, self._wiring, self._cell, look_at_port(self._port))
        findings = [*self._calibration_findings, *judge(about, self._seen)]
        others = also_open_by(self._port)
        return [others, *findings] if others else findings

    def close(self) -> None:
        """Let go of the port; torque stays as it is."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _connect(self, baud: int) -> Bus:
        return Bus(self._open_link(self._port, baud), baud, self._clock)

    def _nobody(self) -> Finding:
        """Nobody answers: does somebody take the answers, or (asked once) is it another speed?"""
        others = also_open_by(self._port)
        if others is not None:
            return others
        tried = r.BAUDS if self._opened == 1 else ()
        return nobody(self.spec.name, self._wiring.ids, self._section.baud, tried, self._reopen)

    def _reopen(self, baud: int) -> Bus:
        self.close()
        self._bus = bus = self._connect(baud)
        return bus

    def _take_over(self) -> None:
        servos = self._seen.servos
        taken = take_over(servos, self._wiring, self._section, self._clock())
        self._wiring, self._setpoints = taken.wiring, taken.setpoints
        self._last, self._watches = taken.last, taken.watches
        self._allowed, self._speeds = taken.allowed, taken.speeds
        self._holding, self._prepared = taken.holding, taken.prepared
        self._softened, self._guiding = {}, None
        self._grip = Grip(self._wiring.jaw, self._section.no_load_rad_s)
        if len(servos) == len(self._wiring.ids):
            self._adopt_goals()

    def _adopt_goals(self) -> None:
        goals = self._setpoints.goals
        *ids, jaw = self._wiring.ids
        self._q_cmd = tuple(m.rad(goals[n]) for m, n in zip(self._wiring.joints, ids, strict=True))
        self._width_cmd_m = self._wiring.jaw.width_m(goals[jaw])

    # -- reading ---------------------------------------------------------------------------

    @property
    def period_s(self) -> float:
        """As of :class:`drivers.arm.PacedArm`."""
        return period_s(self._seen.round_trip_s) or 0.0

    def ask_ahead(self) -> None:
        """As of :class:`drivers.arm.AskedAheadArm`."""
        if not self._asks_instead:
            self.bus.ask_ahead(r.TELEMETRY, self._wiring.ids)

    def read(self, deadline_s: float) -> ArmSample:
        """All telemetry of all servos, by one question."""
        bus = self.bus
        until_s = self._clock() + deadline_s
        self._asked_instead = self._asks_instead
        if self._asked_instead:
            self._setpoints.confirm(bus, until_s)
        else:
            self._look(bus, until_s)
        now = self._clock()
        self._require_fresh(now)
        return self._sample(now)

    def _look(self, bus: Bus, until_s: float) -> None:
        """Read the telemetry, and what the servos were told when it is time and there is time."""
        ids = self._wiring.ids
        blocks = bus.sync_read(r.TELEMETRY, ids, until_s)
        now = self._clock()
        self._last.update({n: decode(block, now) for n, block in blocks.items()})
        if self._guiding is not None:
            self._guiding.step(bus, now)
        elif self._holding:
            self._setpoints.doubt(n for n in ids if n not in blocks)
            left_s = until_s - now
            if self._setpoints.due and left_s > CONFIRM_TIME_S and self.period_s == 0.0:
                self._setpoints.confirm(bus, until_s)

    @property
    def _asks_instead(self) -> bool:
        """Whether the next question is what the servos were told, in place of telemetry.

        Not twice in a row: what was read last must not grow old.
        """
        instead = self._one_question and not self._asked_instead and self._setpoints.due
        return instead and self._holding and self._guiding is None

    @property
    def _one_question(self) -> bool:
        """Whether a control period is long enough for one question only.

        So on a slow line; and when a busy computer left no time to ask about a servo in doubt.
        """
        return self.period_s > 0.0 or self._setpoints.in_doubt

    def _require_fresh(self, now: float) -> None:
        # A servo whose settings nobody could read is not there, whatever it answers since.
        old = [
            n
            for n in self._wiring.ids
            if n not in self._watches or now - self._last[n].t_s > MAX_AGE_S
        ]
        if old:
            cause, _ = why_missing(self._wiring.ids, old)
            names = ", ".join(f"{n} ({self._wiring.name_of(n)})" for n in old)
            raise OSError(f"no answer from servo {names}: {cause}")

    def _sample(self, now: float) -> ArmSample:
        rows = [self._last[n] for n in self._wiring.ids]
        if not self._holding:
            self._q_cmd, self._width_cmd_m = pose_of(self._wiring, rows)
        told = (self._q_cmd, self._width_cmd_m)
        stall_Nm = self._section.stall_torque_Nm
        return sample_of(self._wiring, rows, told, now, stall_Nm, self._alarms())

    def _alarms(self) -> tuple[Alarm, ...]:
        out: list[Alarm] = []
        for name, n in self._named():
            out += self._watches[n].judge(self._last[n], self.bus.counts(n).loss)
            if n in self._setpoints.torque_lost:
                out.append(Alarm("torque_lost", name, "restarted: its torque is off"))
            elif n in self._setpoints.not_taken:
                out.append(Alarm("goal_not_taken", name, "does not take its goals"))
        return tuple(out)

    def energised(self) -> bool:
        """Whether every drive holds torque now, by asking them."""
        ids = self._wiring.ids
        torque = self.bus.sync_read(r.Block(r.TORQUE.address, 1), ids)
        missing = [n for n in ids if n not in torque]
        if missing:
            raise NoAnswer(missing, "whether torque is on")
        self._holding = all(torque[n] != b"\0" for n in ids)
        return self._holding

    # -- acting ----------------------------------------------------------------------------

    def energise(self) -> None:
        """Switch on what is off, at the measured pose; what holds already stays as it is.

        Raises:
            Jumped: Something moved; torque is off again.
        """
        bus, ids = self.bus, self._wiring.ids
        energise(bus, ids, self._allowed, self._speeds, self._pause)
        self._take_as_told(bus, ids)

    def _take_as_told(self, bus: Bus, ids: tuple[int, ...]) -> None:
        """What the servos were given by other means than set-points is the set-point now."""
        told = bus.sync_read(r.GOALS, ids)
        missing = [n for n in ids if n not in told]
        if missing:
            raise NoAnswer(missing, "what its goal is")
        first = r.GOALS.first
        self._setpoints.adopt(
            {n: r.GOAL_POSITION.of(block, first) for n, block in told.items()},
            {n: r.TORQUE_LIMIT.of(block, first) for n, block in told.items()},
        )
        self._adopt_goals()
        self._softened = {}
        self._guiding = None
        self._holding = self._prepared = True

    def release(self) -> None:
        """Switch torque off. Raises OSError when it is not sure that it is."""
        off = dict.fromkeys(self._wiring.ids, b"\0")
        self._holding, self._guiding = False, None
        self.bus.sync_write_sure(r.TORQUE.address, off)

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        """One set-point for all servos; beyond what a servo accepts, the nearest it does."""
        if not all(map(math.isfinite, (*q_rad, width_m, force_N))):
            raise ValueError("a set-point that is not finite")
        bus, wiring = self.bus, self._wiring
        *ids, jaw = wiring.ids
        if not self._prepared:
            self._prepare(bus)
        goals = {n: m.ticks(q) for m, n, q in zip(wiring.joints, ids, q_rad, strict=True)}
        goals[jaw] = self._grip.ask(width_m, self._clock())
        limits = {n: self._limit(n) for n in ids}
        limits[jaw] = min(self._limit(jaw), self._grip.limit(force_N, self._last[jaw]))
        self._setpoints.write(bus, goals, limits)
        self._q_cmd, self._width_cmd_m = tuple(q_rad), width_m

    def _prepare(self, bus: Bus) -> None:
        """An adopted arm keeps the speed it was left with until it is first told to move."""
        goals = self._setpoints.goals
        rows = {n: goal_row(goals[n], self._speeds[n]) for n in self._wiring.ids}
        bus.sync_write(r.ACCELERATION.address, rows)
        self._prepared = True

    def _limit(self, servo: int) -> int:
        return round(self._softened.get(servo, 1.0) * self._allowed[servo])

    def comply(self, on: bool) -> None:
        """Fade the joints' strength so that a person can move them, or hold where they are now.

        They hang after a moment: the person carries the arm. The gripper keeps what it holds.
        """
        bus, ids = self.bus, self._wiring.ids
        if on:
            self._guiding = Guiding(ids[:-1], self._allowed, self._clock())
            self._holding = False
            self._guiding.step(bus, self._clock())
        elif self._guiding is not None:
            present = {n: self._last[n].position_ticks for n in ids}
            self._guiding.end(bus, present, self._speeds, self._pause)
            self._take_as_told(bus, ids)

    # -- answers to alarms -----------------------------------------------------------------

    def soften(self, joint: str, fraction: float) -> None:
        """Limit one drive's torque; a softened gripper stops squeezing where it is."""
        servo = self._wiring.id_of(joint)
        self._softened[servo] = min(max(fraction, 0.05), 1.0)
        goals: dict[int, int] = {}
        if joint == GRIPPER:
            goals = {servo: self._grip.let_go(self._last[servo], self._width_cmd_m)}
        self._setpoints.write(self.bus, goals, {servo: self._limit(servo)})

    def restore(self) -> None:
        """Give every softened drive its torque back; the gripper stays where it is."""
        softened, self._softened = tuple(self._softened), {}
        self._setpoints.write(self.bus, {}, {n: self._limit(n) for n in softened})

    def _named(self) -> tuple[tuple[str, int], ...]:
        return tuple(zip(self._wiring.names, self._wiring.ids, strict=True))
