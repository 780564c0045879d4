"""Whether a calibration may be used: its residual, its spread, and how old it is. Pure."""

from __future__ import annotations

import datetime
import math
from typing import Final

from drivers.cameras.calibration.solve import Solution

WORST_RESIDUAL_RAD: Final = 0.010
"""Root mean square of the residual, over the focal length: arms with play reach 0.006."""
WORST_SPREAD_M: Final = 0.006
WORST_SPREAD_RAD: Final = 0.020
SCALE_OFF: Final = 0.03
OLD_DAYS: Final = 30.0


def refusal(solution: Solution, focal_px: float) -> str:
    """Why this calibration must not be used; empty when it may."""
    if abs(solution.scale - 1.0) > SCALE_OFF:
        return (
            f"the board's squares look {100 * (solution.scale - 1):+.0f} % off their stated size: "
            "measure a printed square and say --square-mm"
        )
    limit_px = WORST_RESIDUAL_RAD * focal_px
    if solution.residual_px > limit_px:
        return (
            f"residual {solution.residual_px:.1f} px, at most {limit_px:.1f}: another board, one "
            "that moved, or joints whose zero is off"
        )
    if not (solution.spread_m <= WORST_SPREAD_M and solution.spread_rad <= WORST_SPREAD_RAD):
        return (
            f"known to {1e3 * solution.spread_m:.1f} mm and {math.degrees(solution.spread_rad):.1f}"
            f"° only, at most {1e3 * WORST_SPREAD_M:.0f} mm and "
            f"{math.degrees(WORST_SPREAD_RAD):.1f}°: more views, turned more"
        )
    return ""


def age_days(at: str, now: datetime.datetime) -> float:
    """How old a calibration is. Raises ValueError when ``at`` is no time with its zone."""
    then = datetime.datetime.fromisoformat(at)
    if then.tzinfo is None:
        raise ValueError(f"{at}: no time zone")
    return (now - then).total_seconds() / 86400.0


def judged_age(at: str, now: datetime.datetime) -> str:
    """What to say of its age; empty while it is fresh."""
    try:
        days = age_days(at, now)
    except ValueError as error:
        return f"its date is not one: {error}"
    if days < -1.0:
        return f"dated {-days:.0f} days from now: look at the clock"
    return f"{days:.0f} days old: do it again" if days > OLD_DAYS else ""
