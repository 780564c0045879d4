"""Set-up of the joints: is the calibration right, and if not, the walk that makes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aspire_tui.commands.bringup import Bringup
from aspire_tui.commands.hand_calibration import Bench as Calibrated
from aspire_tui.commands.hand_calibration import calibrate_by_hand
from aspire_tui.commands.setup_bench import Bench, bench_of, device_of
from aspire_tui.doctor.report import finding_lines
from drivers.celledit import CellText
from drivers.errors import CellFault
from drivers.feetech.arm import FeetechArm
from drivers.feetech.eeprom import NotKept, TorqueIsOn
from drivers.feetech.link import PortError
from drivers.feetech.section import FeetechSection
from drivers.types import Finding

ASKED_TIMES: Final = 5
ASK_AGAIN_AFTER_S: Final = 0.5
MENDED_BY_HAND: Final = frozenset(
    [
        "calibration_missing",
        "calibration_bad",
        "eeprom_differs",
        "phase_multi_turn",
        "mode_wrong",
        "position_impossible",
        "joint_reversed",
        "pose_outside",
        "pose_turned",
        "arm_swapped",
    ]
)
"""Findings that a calibration by hand mends; others are mended before."""


def calibrate_joints(bringup: Bringup) -> str:
    """Check the calibration; where it does not fit, it is made by hand, here and now."""
    device = device_of(bringup)
    section = device.feetech or FeetechSection()
    with bench_of(bringup) as (bench, port):
        findings = _findings(bringup, section, port)
        bad = tuple(f for f in findings if f.severity == "error")
        for line in finding_lines(bad):
            bringup.person.say(f"   {line}")
        fits = bool(section.calibration) and not bad
        if fits and not bringup.person.yes("   The calibration fits. Do it again?"):
            return f"{section.calibration} fits what the servos hold"
        if beyond := [f for f in bad if f.code not in MENDED_BY_HAND]:
            raise CellFault(f"{beyond[0].what}: {beyond[0].seen}; mend that first")
        name = section.calibration or f"{bringup.cell.info.name}-{bringup.arm.name}.json"
        _by_hand(bringup, bench, port, name)
    if not section.calibration:
        text = CellText(bringup.path)
        text.calibration(bringup.arm.name, name)
        text.save()
        bringup.reload()
    return f"{name}, by hand"


def _by_hand(bringup: Bringup, bench: Bench, port: str, name: str) -> None:
    folder = bringup.path.resolve().parent
    section = device_of(bringup).feetech or FeetechSection()
    arm = FeetechArm(bringup.arm, section, port, time.monotonic, folder, bringup.cell.info.name)
    file = folder / Path(name).expanduser()
    try:
        arm.open()
        calibrate_by_hand(
            Calibrated(arm, bringup.arm, file, bringup.person, bringup.who), bench.hands()
        )
    except (NotKept, TorqueIsOn, OSError) as error:
        raise CellFault(str(error)) from None
    finally:
        arm.close()


def _findings(bringup: Bringup, section: FeetechSection, port: str) -> Sequence[Finding]:
    """What the driver's own check says; asked again where nothing answers yet."""
    folder, name = bringup.path.resolve().parent, bringup.cell.info.name
    for tries_left in reversed(range(ASKED_TIMES)):
        arm = FeetechArm(bringup.arm, section, port, time.monotonic, folder, name)
        try:
            arm.open()
            return arm.check()
        except PortError as error:
            if not tries_left:
                return (error.finding,)
        except OSError as error:
            if not tries_left:
                raise CellFault(f"{port}: {error}") from None
        finally:
            arm.close()
        time.sleep(ASK_AGAIN_AFTER_S)
    return ()
