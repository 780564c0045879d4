"""An arm behind its own server as the control loop sees it; limits and watchdog are ours."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from drivers.compat.exchange import BadAnswer, Exchange, Heard, Peer
from drivers.compat.ramp import Ramp
from drivers.compat.section import ServedSection
from drivers.errors import CellFileError
from drivers.findings import found
from drivers.types import ArmSample, ArmSpec, Finding

MAX_AGE_S: Final = 0.05
FIRST_ANSWER_S: Final = 2.0
"""How long connecting for the first time may take; afterwards it is never waited for."""
BEYOND_RAD: Final = 0.5
"""A joint reported this far outside its range is a wrong sign, offset or arm."""
PRESSED_M: Final = 0.002
STILL_M: Final = 0.0005
STILL_S: Final = 0.15


class ServedArm:
    """Implements :class:`drivers.arm.ArmDriver`.

    Such a server holds torque as long as it runs and says nothing of it, nor of forces. That the
    gripper presses is inferred: it stands although it was sent further.
    """

    def __init__(
        self, spec: ArmSpec, section: ServedSection, port: str, peer: Peer,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        n = len(spec.joints)
        self.spec, self._port, self._clock = spec, port, clock
        self._sign = section.sign or (1,) * n
        self._offset = section.offset_rad or (0.0,) * n
        if len(self._sign) != n or len(self._offset) != n or set(self._sign) - {1, -1}:
            raise CellFileError(f"arm {spec.name}: sign (1 or -1) and offset_rad: one per joint")
        if section.gripper_open == section.gripper_closed or not 10.0 <= section.rate_hz <= 500.0:
            raise CellFileError(
                f"arm {spec.name}: gripper_open must not be gripper_closed; rate_hz 10 to 500"
            )
        self._grip = (section.gripper_closed, section.gripper_open)
        self._exchange = Exchange(
            peer, Ramp(spec), self._ours, self._theirs, 1.0 / section.rate_hz, clock
        )
        self._told: tuple[float, ...] = ()
        self._force_N = 0.0
        self._openings: deque[tuple[float, float]] = deque()

    def open(self) -> ArmSpec:
        """Connect, read-only. Waits for an answer the first time, later only looks for one."""
        exchange = self._exchange
        exchange.forget()
        self._told = ()
        if not exchange.running:
            exchange.start()
            until_s = self._clock() + FIRST_ANSWER_S
            while exchange.heard is None and self._clock() < until_s:
                exchange.wait(0.1)
        self._require_answer()
        return self.spec

    def check(self) -> list[Finding]:
        """What the server does not tell is said; it is asked nothing that it might not know."""
        return [found("server_blind", self._port, arm=self.spec.name)]

    def read(self, deadline_s: float) -> ArmSample:
        """The newest answer. Raises OSError when it is too old."""
        heard = self._require_answer()
        q, width = heard.values[:-1], heard.values[-1]
        told = self._told or heard.values
        return ArmSample(
            t_s=heard.t_s,
            q_rad=q,
            dq_rad_s=heard.rates[:-1],
            q_cmd_rad=told[:-1],
            width_m=width,
            width_cmd_m=told[-1],
            grip_force_N=self._pressing(width, told[-1], heard.t_s),
            age_s=(max(0.0, self._clock() - heard.t_s),) * len(heard.values),
        )

    def energised(self) -> bool:
        """The server holds torque whenever it runs."""
        self._require_answer()
        return True

    def energise(self) -> None:
        self._require_answer()

    def release(self) -> None:
        raise OSError(f"{self._port}: this arm's server cannot switch torque off; support the arm "
                      "and end the server, or cut the arm's power")  # fmt: skip

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        """One set-point, sent with the next exchange; never waits."""
        values = (*q_rad, width_m)
        if len(q_rad) != len(self.spec.joints) or not all(map(math.isfinite, (*values, force_N))):
            raise ValueError("a set-point that is not finite, or of the wrong length")
        self._told, self._force_N = values, force_N
        self._exchange.want(values)

    def close(self) -> None:
        """Let go of the server, which goes on holding the arm where it was sent."""
        self._exchange.close()

    # -- inside ----------------------------------------------------------------------------

    def _require_answer(self) -> Heard:
        heard, trouble = self._exchange.heard, self._exchange.trouble
        if heard is None:
            raise OSError(f"{self._port} does not answer: {trouble}")
        age_s = self._clock() - heard.t_s
        if age_s > MAX_AGE_S:
            raise OSError(f"{self._port}: last answer {1e3 * age_s:.0f} ms ago; {trouble}")
        return heard

    def _ours(self, theirs: Sequence[float]) -> tuple[float, ...]:
        """Their numbers as joints and opening. Raises BadAnswer when they are no pose."""
        n = len(self.spec.joints)
        if len(theirs) != n + 1:
            raise BadAnswer(f"{self._port} has {len(theirs)} numbers; {n} joints and a gripper")
        if not all(map(math.isfinite, theirs)):
            raise BadAnswer(f"{self._port} answered a number that is not finite")
        q = [s * v + o for s, v, o in zip(self._sign, theirs, self._offset, strict=False)]
        for joint, value in zip(self.spec.joints, q, strict=True):
            if not joint.lo_rad - BEYOND_RAD <= value <= joint.hi_rad + BEYOND_RAD:
                raise BadAnswer(
                    f"{self._port}: {joint.name} at {value:.2f} rad, far outside "
                    f"{joint.lo_rad:.2f} to {joint.hi_rad:.2f}: wrong sign, offset or arm"
                )
        grip, (closed, wide) = self.spec.gripper, self._grip
        share = min(max((theirs[n] - closed) / (wide - closed), 0.0), 1.0)
        width = grip.closed_width_m + share * (grip.open_width_m - grip.closed_width_m)
        return (*q, width)

    def _theirs(self, ours: Sequence[float]) -> list[float]:
        grip, (closed, wide) = self.spec.gripper, self._grip
        share = (ours[-1] - grip.closed_width_m) / (grip.open_width_m - grip.closed_width_m)
        q = [s * (v - o) for s, v, o in zip(self._sign, ours, self._offset, strict=False)]
        return [*q, closed + share * (wide - closed)]

    def _pressing(self, width_m: float, told_m: float, t_s: float) -> float:
        """The force asked for, once the fingers stand short of where they were sent."""
        seen = self._openings
        if not seen or seen[-1][0] != t_s:
            seen.append((t_s, width_m))
        while len(seen) > 1 and seen[1][0] <= t_s - STILL_S:
            seen.popleft()
        short = width_m - told_m
        widths = [w for _, w in seen]
        still = t_s - seen[0][0] >= STILL_S and max(widths) - min(widths) <= STILL_M
        if not still or abs(short) <= PRESSED_M:
            return 0.0
        return math.copysign(self._force_N, short)
