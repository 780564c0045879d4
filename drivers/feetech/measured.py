"""What ``cell calibrate --measure`` found, as the cell uses it from then on."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

import msgspec

from drivers.feetech.calibration import Beside, CalibrationError, load_beside
from drivers.feetech.section import FeetechSection
from drivers.findings import found
from drivers.types import ArmSpec, Finding

OLD_DAYS: Final = 180.0


def as_measured(spec: ArmSpec, section: FeetechSection, folder: Path) -> ArmSpec:
    """The arm with what was measured of it; as the cell file says where nothing was.

    It was measured in one pose: a tolerance of the cell file that is wider stays. A file that
    cannot be read changes nothing here; the driver's check names it.
    """
    known = _known(section, folder)
    if known is None or not known.measured:
        return spec
    names = [joint.name for joint in spec.joints]
    filed = spec.sag_rad_per_Nm or (0.0,) * len(names)
    sags = [
        known.measured[name].sag_rad_per_Nm if name in known.measured else None for name in names
    ]
    sag = tuple(old if new is None else new for old, new in zip(filed, sags, strict=True))
    return msgspec.structs.replace(
        spec,
        arrival_tolerance_rad=max(spec.arrival_tolerance_rad, known.arrival_tolerance_rad or 0.0),
        sag_rad_per_Nm=sag if any(sag) else spec.sag_rad_per_Nm,
    )


def provenance(arm: str, cell: str, known: Beside, now: datetime.datetime) -> Finding | None:
    """Who measured it and how long ago; None where nothing was measured."""
    if not known.measured:
        return None
    try:
        days = (now - datetime.datetime.fromisoformat(known.when)).total_seconds() / 86400.0
    except (ValueError, TypeError):
        days = OLD_DAYS
    who, when = known.who or "nobody named", known.when[:10] or "no date"
    within = f"arrives within {known.arrival_tolerance_rad} rad"
    seen = f"{within}, measured by {who} on {when}, {days:.0f} days ago"
    return found(
        "arrival_measured", seen, "warn" if days >= OLD_DAYS else "info", arm=arm, cell=cell
    )


def _known(section: FeetechSection, folder: Path) -> Beside | None:
    if not section.calibration:
        return None
    try:
        return load_beside(folder / Path(section.calibration).expanduser())
    except CalibrationError:
        return None
