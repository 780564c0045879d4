"""One control period of a cell: read all, judge, follow, filter, write; and the acts between two.

Part of the core. The acts (hold, resume, abort, speed) may be asked for by any thread and take
effect at the next tick.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

from drivers.arm_group import ArmGroup
from drivers.connection import Connection
from drivers.errors import CellFault, CellRefused
from drivers.fsm import ENERGISED, StateMachine
from drivers.guard import PoseGuard
from drivers.manual import Manual
from drivers.reactions import reaction_to, words
from drivers.safety import TOUCH_SLACK_M
from drivers.silence import BLIND_STOP_S, EMULATED_PATIENCE
from drivers.stow import rests
from drivers.types import Alarm, CellInfo, MotionStatus

HARDWARE_START_SPEED: Final = 0.25
"""Speed override of real drives after enabling, a fault or an operator's stop: going faster is an
act of its own."""
MACHINES: Final = ("driver", "watchdog")
"""Who holds without being a person."""
LATE_SAID_EVERY_S: Final = 5.0
MOVING: Final = ("RUN", "STOW")

ActName = Literal["hold", "resume", "abort", "speed"]


class Cycle:
    """Ticks the arms of one cell through one state machine, one set of limits and one last gate.

    Attributes:
        held: HOLD was asked for: nothing moves until somebody resumes.
        speed: The speed override.
    """

    def __init__(
        self,
        info: CellInfo,
        fsm: StateMachine,
        arms: ArmGroup,
        guard: PoseGuard,
        clock: Callable[[], float],
    ) -> None:
        self.held = False
        self._start_speed = HARDWARE_START_SPEED if info.kind == "hardware" else 1.0
        self.speed = self._start_speed
        self._fsm = fsm
        self._arms = arms
        self._guard = guard
        self._clock = clock
        self._ticked_s = clock()
        self._complete = True
        self._late_said_s = -math.inf
        self._acts: deque[tuple[ActName, str, str, float]] = deque()
        patience = EMULATED_PATIENCE if info.kind == "emulated" else 1.0
        self.connection = Connection(fsm, arms, clock, self._end_all_lost, self._violate, patience)
        self.manual = Manual(fsm, arms, guard, clock, self.require_free)

    def ask(self, act: ActName, cause: str, who: str, value: float = 0.0) -> None:
        """Put an act before the next tick; from any thread."""
        self._acts.append((act, cause, who, value))

    def require_free(self) -> None:
        """Raises CellRefused while the cell is held."""
        if self.held:
            raise CellRefused("held", f"HOLD was asked for ({self._fsm.cause}): resume first")

    def slow_down(self) -> None:
        """After a stop or a fault nobody is surprised by full speed."""
        self.speed = min(self.speed, self._start_speed)

    def started(self) -> None:
        """The drives were switched on: as at the beginning."""
        self.held, self.speed = False, self._start_speed

    def end_all(self, status: MotionStatus, detail: str) -> None:
        """End everything in flight at once."""
        self._arms.end_all(status, detail)
        self.held = False

    def stowed(self) -> bool:
        """Whether all arms lie where they may lose torque; on the way past it they do not yet."""
        return not self._arms.moving and all(
            rests(channel.spec, channel.sample.q_rad) for channel in self._arms
        )

    def alarms(self) -> list[Alarm]:
        """What the drives complain of now."""
        return [alarm for channel in self._arms for alarm in channel.sample.alarms]

    def _end_all_lost(self, why: str) -> None:
        self.end_all("FAULT", why)

    # -- one control period ----------------------------------------------------------------

    def tick(self) -> None:
        """One control period. Never blocks past the devices' read deadlines."""
        self._keep_time()
        while self._acts:
            self._apply(*self._acts.popleft())
        if self._fsm.state == "LOST":
            self.connection.look_again()
        if self._fsm.state != "OFFLINE":
            self._complete = True
            self._read()
            self._judge()
            self._drive()
            self._settle()
            if self._complete and self._fsm.state != "LOST":
                self.connection.heard()

    def _keep_time(self) -> None:
        """Say so when this computer, and not a device, was what came late."""
        now = self._clock()
        late_s, self._ticked_s = now - self._ticked_s, now
        if late_s < BLIND_STOP_S or now - self._late_said_s < LATE_SAID_EVERY_S:
            return
        self._late_said_s = now
        text = f"this computer was busy for {1e3 * late_s:.0f} ms: no device was asked meanwhile"
        self._fsm.note(text, "driver", "late")

    def _read(self) -> None:
        try:
            self._arms.read(self._arms.read_s)
        except OSError as error:
            self._missed(error)
        except CellFault as fault:
            self.end_all("FAULT", str(fault))
            if self._fsm.allows("fault"):
                self._fsm.fire("fault", str(fault), "driver", "fault")
                self.slow_down()

    def _missed(self, error: OSError) -> None:
        """LOST already says so of a device that is waited for."""
        self._complete = False
        if self._fsm.state == "LOST":
            self._arms.wait_for_silent()
        else:
            self.connection.missed(error)

    def _judge(self) -> None:
        now, stop = self._clock(), self._fsm.state not in MOVING
        for channel in self._arms:
            if not channel.heard or channel.gone:
                continue
            cause = channel.judge(stop, now)
            for alarm in channel.alarms.begun(channel.sample.alarms):
                self._react(channel.spec.name, alarm)
            if self._fsm.state in ENERGISED:
                cause = cause or channel.outside()
                if cause is None and channel.steering is not None:
                    cause = self._guard.beyond(channel.spec.name, channel.sample.q_rad)
                if cause is not None and self._fsm.allows("violate"):
                    self._violate(f"{channel.spec.name}: {cause}")

    def _react(self, arm: str, alarm: Alarm) -> None:
        """What follows from a drive that began to complain."""
        said = f"{arm} {words(alarm)}"
        reaction = reaction_to(alarm)
        self._fsm.note(said, "driver", "stow_offer" if reaction == "offer_stow" else "alarm")
        if self._fsm.state not in ENERGISED:
            return
        if reaction == "pstop" and self._fsm.allows("violate"):
            self._violate(said)
        elif reaction == "hold":
            self._apply_hold(said, "driver")
            try:
                self._arms.softened(arm, alarm.joint)
            except OSError as error:
                self._missed(error)

    def _drive(self) -> None:
        state = self._fsm.state
        if state not in ENERGISED and state not in ("LOST", "FAULT"):
            return  # In the last two, what still answers is brought to rest and held.
        if self._arms.several and state in MOVING:
            self._look_ahead()
        stop = self._fsm.state not in MOVING
        try:
            self._arms.drive(self.speed, stop, self._guard.worse)
        except OSError as error:
            self._missed(error)

    def _look_ahead(self) -> None:
        """Arms that move at once were judged apart: would they touch where they come to rest?"""
        ahead = self._guard.touch_ahead(self._arms.braking_points())
        if ahead is None:
            return
        now = self._guard.touch_ahead(self._arms.setpoints())
        if now is None or ahead.clearance_m < now.clearance_m - TOUCH_SLACK_M:
            self._violate(f"{ahead.parts} would touch")

    def _settle(self) -> None:
        self.manual.tick()
        state = self._fsm.state
        standing_still = self.held or state not in ("HOLD", "RUN", "LIMP", "STOW")
        self._arms.count_time(standing_still)
        if self._arms.eased and state in ("HOLD", "RUN") and not self.held:
            self._restore()
        if state in MOVING and not self._arms.moving:
            stowed = state == "STOW" and self.stowed()
            self._fsm.fire("finish", "stowed" if stowed else "motion ended", "driver")

    # -- acts ------------------------------------------------------------------------------

    def _apply(self, act: ActName, cause: str, who: str, value: float) -> None:
        if act == "hold":
            self._apply_hold(cause, who)
        elif act == "resume":
            self._apply_resume(who)
        elif act == "abort":
            self._apply_abort(who)
        else:
            self.speed = value
            self._fsm.note(cause, who, "speed")

    def _apply_hold(self, cause: str, who: str) -> None:
        if self.held:
            return
        if who not in MACHINES:
            self.slow_down()
        if self._fsm.state == "HOLD":
            self.held = True
            self._fsm.restate(cause, who, "hold")
        elif self._fsm.fire("hold", cause, who, "hold") is not None:
            self.held = True
        else:
            self._fsm.note(f"hold asked in {self._fsm.state}: {cause}", who, "hold")

    def _apply_resume(self, who: str) -> None:
        if self._fsm.state != "HOLD" or not self.held:
            return
        try:
            self._arms.check_resume()
        except CellRefused as refused:
            self._fsm.note(refused.text, who, "refused")
            return
        self.held = False
        self._restore()
        if self._arms.moving:
            self._arms.resume()
            self._fsm.fire("start_traj", "resumed", who, "resume")
        else:
            self._fsm.restate("resumed; nothing in flight", who, "resume")

    def _restore(self) -> None:
        try:
            self._arms.restore()
        except OSError as error:
            self._missed(error)

    def _apply_abort(self, who: str) -> None:
        ended = self._arms.stop(f"aborted by {who}")
        if self._fsm.state == "RUN":
            self._fsm.fire("hold", "aborted", who, "abort")
        elif ended:
            self._fsm.restate("aborted", who, "abort")

    def _violate(self, cause: str) -> None:
        self._arms.stop(f"protective stop: {cause}")
        self.held = False
        self._fsm.fire("violate", cause, "driver", "pstop")
