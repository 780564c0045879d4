"""Whether a cell's devices answer: connecting, checking, losing them, and finding them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from drivers.arm_group import ArmGroup
from drivers.errors import DeviceFinding
from drivers.fsm import StateMachine
from drivers.silence import BAD_CYCLES_ALARM, SilenceWatch
from drivers.types import Finding

RECONNECT_S: Final = 0.5


class Connection:
    """Takes the state machine through OFFLINE, CHECK and LOST. Connecting writes nothing."""

    def __init__(
        self,
        fsm: StateMachine,
        arms: ArmGroup,
        clock: Callable[[], float],
        end_all: Callable[[str], None],
        violate: Callable[[str], None],
        patience: float = 1.0,
    ) -> None:
        """``end_all``: end what is in flight, for this reason. ``violate``: stop protectively."""
        self._fsm = fsm
        self._arms = arms
        self._clock = clock
        self._end_all = end_all
        self._violate = violate
        self._silence = SilenceWatch(clock(), patience)
        self._next_look_s = 0.0

    @property
    def reliable(self) -> bool:
        """Whether the last control period had every answer."""
        return self._silence.bad_cycles == 0

    @property
    def findings(self) -> list[Finding]:
        """What was found when the devices were last connected."""
        return self._arms.findings

    @property
    def _bad(self) -> str | None:
        errors = (f"{f.what}: {f.seen}" for f in self.findings if f.severity == "error")
        return next(errors, None)

    def open(self) -> None:
        """Connect and check, read-only."""
        self._fsm.fire("connect", "connecting", "driver")
        self.check(returned=False)

    def check(self, returned: bool) -> None:
        """From CHECK to what the devices say; ``returned`` ones wait for a person."""
        fsm, arms = self._fsm, self._arms
        try:
            arms.connect()
            energised = arms.energised()
        except OSError as error:
            if self._bad is None or isinstance(error, DeviceFinding):
                self.lose(str(error))
            else:
                # It is there and not as it should be: a person mends it and clears the fault.
                self._end_all(f"the device is not as it should be: {self._bad}")
                arms.wait_for_silent()
                fsm.fire("check_failed", self._bad, "driver", "check_failed")
            self._note_warnings()
            return
        self._silence.heard(self._clock())
        outside = arms.outside()
        arms.leave_alone()
        arms.adopt()
        if self._bad is not None:
            fsm.fire("check_failed", self._bad, "driver", "check_failed")
        elif not energised:
            fsm.fire("checked_limp", outside or "drives are off", "driver")
        elif returned:
            fsm.fire("checked_returned", "the device came back; look, then ack", "driver")
        else:
            fsm.fire("checked_hold", "adopted as it was found", "driver")
        self._note_warnings()

    def _note_warnings(self) -> None:
        for finding in self.findings:
            if finding.severity == "warn":
                self._fsm.note(f"{finding.what}: {finding.seen}", "driver", "finding")

    def heard(self) -> None:
        """Everything answered in this period."""
        self._silence.heard(self._clock())

    def missed(self, error: OSError) -> None:
        """Something did not answer in this period."""
        now = self._clock()
        verdict = self._silence.missed(error, now)
        if verdict == "alarm":
            text = f"{BAD_CYCLES_ALARM} bad cycles in a row: {error}"
            self._fsm.note(text, "driver", "alarm")
        elif verdict == "lost":
            self.lose(str(error))
        elif verdict == "stop" and self._fsm.allows("violate"):
            self._violate(f"blind for {1e3 * self._silence.blind_s:.0f} ms: {error}")

    def lose(self, cause: str) -> None:
        """The devices that do not answer are waited for; the others come to rest and hold."""
        self._end_all(f"the device is lost: {cause}")
        self._arms.wait_for_silent()
        self._fsm.fire("lose", cause, "driver", "lost")
        self._next_look_s = self._clock() + RECONNECT_S

    def look_again(self) -> None:
        """In LOST, now and then: are they back? They come to PSTOP or LIMP, never to motion."""
        if self._clock() < self._next_look_s:
            return
        try:
            self._arms.connect()
        except OSError:
            # Still silent; LOST already says so. A look takes time that others wait for.
            self._next_look_s = self._clock() + RECONNECT_S
            return
        self._fsm.fire("connect", "the device answers again", "driver")
        self.check(returned=True)
