"""Whether a candidate may cost time of a bench there is one of: its dry run beside the baseline's.

The stand-in is not the bench, so what it says of success decides nothing. A program that does not
come to its end there, or asks for what the arm or the policy refuses, is told apart from the
baseline by that alone and is not tried on hardware. Pure.
"""

from __future__ import annotations

from aspire_tui.domain import Status
from aspire_tui.events import DryRunReported

NO_WAY: frozenset[Status] = frozenset(
    {"IK_FAILED", "PLANNING_ERROR", "COLLISION", "LIMIT", "INVALID"}
)
"""Ends of a call that were planned, not met: the bench would plan the same."""


def kept_from_bench(baseline: DryRunReported, candidate: DryRunReported) -> str:
    """Why this program does not go to the bench; empty when it does.

    A dry run that could not be made keeps nobody from it.
    """
    if candidate.seen is None or candidate.ended is None:
        return ""
    if candidate.ended != "returned" and baseline.ended == "returned":
        told = f"{candidate.ended}: {candidate.error}" if candidate.error else candidate.ended
        return f"pre-screened in the stand-in: the program {told}"
    known = {(c.primitive, c.status) for c in baseline.calls if c.status in NO_WAY}
    for c in candidate.calls:
        if c.status in NO_WAY and (c.primitive, c.status) not in known:
            return (
                f"pre-screened in the stand-in: {c.primitive} at line {c.line} ended {c.status}: "
                f"{c.summary}"
            )
    return ""
