"""All arms of a cell, and the waits that pass beside them, as the core speaks to them: at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from drivers.arm import ArmDriver, AskedAheadArm, PacedArm, SoftenableArm
from drivers.channel import ArmChannel, Worse
from drivers.errors import CellFault, CellRefused, DeviceFinding
from drivers.hermite import Vector
from drivers.reactions import SOFTENED_SHARE
from drivers.silence import is_gone
from drivers.ticket import Ticket
from drivers.together import Teams
from drivers.types import ArmSample, ArmSpec, Finding, MotionStatus

READ_SHARE: Final = 0.8
"""Of a control period, what reading may take."""
TAKE_S: Final = 0.001
"""What it takes to read an answer that is there."""
WRITE_S: Final = 0.001
"""What a line that is too slow for the cell's rate leaves for writing."""


class ArmGroup:
    """One channel per arm, in the order of the cell file.

    Attributes:
        dt_s: The control period: the cell file's, or a longer one that slow lines keep up with.
        eased: Drives push less, for a slow way; they are to get their torque back after it.
    """

    def __init__(
        self,
        specs: tuple[ArmSpec, ...],
        drivers: Mapping[str, ArmDriver],
        dt_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._channels = {spec.name: ArmChannel(spec, drivers[spec.name], dt_s) for spec in specs}
        self.dt_s = self._asked_dt_s = dt_s
        self._paces = dict.fromkeys(self._channels, dt_s)
        self._clock = clock
        self._waits: list[Ticket] = []
        self.teams = Teams()
        self.eased = False

    def __iter__(self) -> Iterator[ArmChannel]:
        return iter(self._channels.values())

    def named(self, arm: str) -> ArmChannel:
        """The channel of an arm. Raises CellRefused."""
        channel = self._channels.get(arm)
        if channel is None:
            known = ", ".join(self._channels)
            raise CellRefused("no_such_arm", f"no arm {arm!r} in this cell; it has {known}")
        return channel

    @property
    def several(self) -> bool:
        """Whether arms could meet."""
        return len(self._channels) > 1

    # -- devices ---------------------------------------------------------------------------

    @property
    def findings(self) -> list[Finding]:
        """What was found when each was last connected."""
        return [finding for channel in self for finding in channel.findings]

    def connect(self) -> None:
        """Open and check devices and take one reading, writing nothing. Raises OSError.

        While some are waited for, the others are left alone. What is found stands in ``findings``,
        also when it ends with an error.
        """
        waited_for = [channel for channel in self if channel.gone]
        asked = waited_for or list(self)
        for channel in asked:
            self._open(channel)
        for channel in asked:
            channel.findings = channel.driver.check()
            channel.gone = False
        self._keep_pace()
        try:
            self.read(10.0 * self.dt_s)
        except OSError:
            for channel in waited_for:
                channel.gone = True
            raise

    def _open(self, channel: ArmChannel) -> None:
        channel.heard, channel.findings = False, []
        try:
            channel.driver.open()
        except DeviceFinding as error:
            channel.findings = [error.finding]
            raise

    def _keep_pace(self) -> None:
        """As fast as the cell file says, or as the slowest line keeps up with."""
        self._paces = {channel.spec.name: self._pace_s(channel) for channel in self}
        slowed = any(pace > self._asked_dt_s for pace in self._paces.values())
        self.dt_s = sum(self._paces.values()) if slowed else self._asked_dt_s
        for channel in self:
            channel.retime(self.dt_s)

    def _pace_s(self, channel: ArmChannel) -> float:
        driver = channel.driver
        needed_s = driver.period_s if isinstance(driver, PacedArm) else 0.0
        return max(needed_s, self._asked_dt_s)

    @property
    def read_s(self) -> float:
        """What reading may take of a control period."""
        slowed = self.dt_s > self._asked_dt_s
        return self.dt_s - WRITE_S if slowed else READ_SHARE * self.dt_s

    def wait_for_silent(self) -> None:
        """From now on, ask those that do not answer no more, until they are connected again."""
        for channel in self:
            channel.gone = not channel.heard

    def read(self, deadline_s: float) -> None:
        """One reading of every arm. Raises the worst error after all were asked."""
        if self._ask_ahead():
            until_s = self._clock() + deadline_s
            # Who comes last has had its answer under way all the time: it only has to be taken.
            self._each(lambda channel: channel.read(max(until_s - self._clock(), TAKE_S)))
            return
        share = deadline_s / sum(self._paces.values())
        self._each(lambda channel: channel.read(share * self._paces[channel.spec.name]))

    def _ask_ahead(self) -> bool:
        """Ask several arms before any is read; whether all those there are were asked."""
        there = [channel.driver for channel in self if not channel.gone]
        if len(there) < 2:  # every tick of a cell with one arm ends here
            return False
        asked = [driver for driver in there if isinstance(driver, AskedAheadArm)]
        if len(asked) < len(there) or self.dt_s > self._asked_dt_s:
            return False
        for driver in asked:
            with contextlib.suppress(OSError):  # its reading says so
                driver.ask_ahead()
        return True

    def drive(self, speed: float, stop: bool, worse: Worse) -> None:
        """One set-point for every arm that answers. Raises the worst OSError after all."""
        now_s = self._clock()
        self._each(lambda channel: channel.drive(speed, stop, now_s, worse))

    def _each(self, ask: Callable[[ArmChannel], None]) -> None:
        """Ask all that are there. One that is gone for good counts more than one that is late."""
        worst: OSError | None = None
        for channel in self:
            if channel.gone:
                continue
            try:
                ask(channel)
            except OSError as error:
                if worst is None or is_gone(error):
                    worst = error
        if worst is not None:
            raise worst

    def energised(self) -> bool:
        return all(channel.driver.energised() for channel in self)

    def energise(self) -> None:
        """Switch on whatever is off, where it is. Raises OSError."""
        for channel in self:
            if not channel.driver.energised():
                channel.driver.energise()
                # Where the drives hold it now, not where it was at the last look.
                channel.read(10.0 * self.dt_s)
                channel.seed(channel.sample.q_cmd_rad, channel.sample.width_cmd_m)
                channel.driving = True

    def release(self) -> None:
        """Switch torque off everywhere: the arms fall."""
        for channel in self:
            channel.driving = False
            channel.driver.release()

    def adopt(self) -> None:
        """Take the devices' own set-points as ours."""
        for channel in self:
            channel.seed(channel.sample.q_cmd_rad, channel.sample.width_cmd_m)

    def leave_alone(self) -> None:
        """Write nothing until something is asked for."""
        for channel in self:
            channel.driving = False

    def softened(self, arm: str, joint: str) -> None:
        """Make one drive push less, where the device can. Raises OSError."""
        driver = self.named(arm).driver
        if isinstance(driver, SoftenableArm):
            driver.soften(joint, SOFTENED_SHARE)

    def ease(self, arm: str, share: float) -> None:
        """Let the joints of an arm push less, its gripper as before. Raises CellFault."""
        driver = self.named(arm).driver
        if isinstance(driver, SoftenableArm):
            self.eased = True
            try:
                for joint in self.named(arm).spec.joints:
                    driver.soften(joint.name, share)
            except OSError as error:
                raise CellFault(f"{arm} does not take another torque limit: {error}") from error

    def restore(self) -> None:
        """Give softened drives their torque back. Raises OSError."""
        self.eased = False
        for channel in self:
            if isinstance(channel.driver, SoftenableArm):
                channel.driver.restore()

    def close(self) -> None:
        for channel in self:
            channel.driver.close()

    def samples(self) -> tuple[ArmSample, ...]:
        return tuple(channel.sample for channel in self)

    def outside(self) -> str | None:
        """The first joint measured beyond its range, in words."""
        return next((words for channel in self if (words := channel.outside())), None)

    def setpoints(self) -> dict[str, Vector]:
        """Where every arm is being held or led to."""
        return {channel.spec.name: channel.gate.q_rad for channel in self}

    def braking_points(self) -> dict[str, Vector]:
        """Where every arm would come to rest if all braked now."""
        return {channel.spec.name: channel.gate.braking_point() for channel in self}

    @property
    def recovering(self) -> bool:
        """Whether a joint is being brought back from beyond its range."""
        return any(channel.recovering for channel in self)

    # -- what is in flight -----------------------------------------------------------------

    @property
    def moving(self) -> bool:
        """Whether a motion or a grip is in flight."""
        return any(channel.busy for channel in self)

    @property
    def at_rest(self) -> bool:
        """Whether every set-point stands still."""
        return all(channel.gate.at_rest for channel in self)

    def in_flight(self) -> list[Ticket]:
        motions = [t for c in self for t in (c.motion, c.grip) if t is not None]
        return [*motions, *self._waits]

    def add_wait(self, ticket: Ticket) -> None:
        self._waits.append(ticket)

    def count_time(self, standing: bool) -> None:
        """One control period passed; while ``standing`` it is time held and no wait goes on."""
        self.teams.keep_together()
        if standing:
            for ticket in self.in_flight():
                ticket.held_s += self.dt_s
        elif self._waits:
            for ticket in self._waits:
                ticket.remaining_s -= self.dt_s
                ticket.done = ticket.remaining_s <= 1e-9
            self._waits = [ticket for ticket in self._waits if not ticket.done]

    def check_resume(self) -> None:
        """Raises CellRefused when an arm was moved too far while it was held."""
        for channel in self:
            channel.check_resume()

    def resume(self) -> None:
        for channel in self:
            channel.resume()

    def stop(self, detail: str) -> bool:
        """Slow every motion down to end with STOPPED; whether there was anything to end."""
        ended = bool(self._waits)
        self._end_waits("STOPPED", detail)
        for channel in self:
            for ticket in (channel.motion, channel.grip):
                if ticket is not None and ticket.ending is None:
                    ticket.ending = ("STOPPED", detail)
                    ended = True
        return ended

    def end_all(self, status: MotionStatus, detail: str) -> None:
        """End everything at once."""
        for channel in self:
            channel.end_all(status, detail, self._clock())
        self._end_waits(status, detail)

    def _end_waits(self, status: MotionStatus, detail: str) -> None:
        for ticket in self._waits:
            ticket.done, ticket.ending = True, (status, detail)
        self._waits = []
