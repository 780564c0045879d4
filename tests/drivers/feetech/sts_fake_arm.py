"""The arm driver on the fake line, in the states that tests begin from."""

from __future__ import annotations

from sts_fake import FakeLine
from sts_process import so101

from drivers.feetech.arm import FeetechArm
from drivers.feetech.section import FeetechSection


def arm_on(line: FakeLine, section: FeetechSection | None = None) -> FeetechArm:
    return FeetechArm(
        so101(),
        section or FeetechSection(),
        "fake",
        line.clock,
        link=lambda port, baud: line,
        pause=line.pause,
    )


def opened(line: FakeLine, section: FeetechSection | None = None) -> FeetechArm:
    arm = arm_on(line, section)
    arm.open()
    arm.check()
    arm.energised()
    arm.read(0.008)
    return arm


def energised(line: FakeLine) -> FeetechArm:
    arm = opened(line)
    arm.energise()
    arm.read(0.008)
    line.writes.clear()
    return arm
