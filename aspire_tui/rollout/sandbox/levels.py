"""What each level promises, how it is proved, and what would raise it."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from aspire_tui.domain import Layer, SandboxLevel, SandboxReport
from aspire_tui.rollout.sandbox.frames import ProbeFrame

TOLERATED: dict[SandboxLevel, frozenset[str]] = {
    "A": frozenset(),
    "A-": frozenset(),
    "B": frozenset({"stat /etc/passwd"}),
}
"""What the self-probe may get away with. D promises nothing."""

CONFINED: tuple[SandboxLevel, ...] = ("A", "A-", "B")
"""Levels that hold a program in. D is had only by naming it."""

_ALWAYS: tuple[Layer, ...] = (Layer("cgroup", False, "not used; rlimits bound each program"),)


def admitted(
    *, hardware: bool, waived: bool, system: str = sys.platform
) -> tuple[SandboxLevel, ...]:
    """The levels a cell's programs may run at, best first.

    Args:
        hardware: The cell moves something real.
        waived: ``--i-accept-no-sandbox`` was typed; it stands in the session.
        system: As ``sys.platform``. Elsewhere than on Linux there is only D, and a stand-in may
            have it without being asked for; its session is branded all the same.
    """
    if waived or (system != "linux" and not hardware):
        return (*CONFINED, "D") if system == "linux" else ("D",)
    return CONFINED


def refusal(level: SandboxLevel, *, hardware: bool, waived: bool) -> str:
    """Why this cell may not be driven by programs at this level; empty when it may."""
    if level != "D" or waived or not hardware:
        return ""
    return (
        "no sandbox can be made here and this cell moves real hardware: refused; "
        "--i-accept-no-sandbox runs it all the same and brands the session"
    )


def without_any(why: str) -> str:
    """What an operator is told where no level that was asked for can be had."""
    return (
        f"no sandbox can be made here ({why}): refused; --i-accept-no-sandbox runs programs "
        "without one and brands the session"
    )


def shortfall(level: SandboxLevel, probe: ProbeFrame | None, why: str) -> str:
    """Why the probe disproves the level; empty when it holds."""
    if level == "D":
        return ""
    if probe is None:
        return f"the self-probe gave no answer: {why}"
    leaks = [leak for leak in probe.leaks if leak not in TOLERATED[level]]
    return f"the self-probe got through: {', '.join(leaks)}" if leaks else ""


def report(
    level: SandboxLevel,
    layers: tuple[Layer, ...],
    probe: ProbeFrame | None,
    missed: tuple[str, ...],
) -> SandboxReport:
    """What is written into the session before any program runs.

    Args:
        missed: Why each better level could not be had.
    """
    confined = level != "D"
    more = (
        Layer("seccomp", confined, "" if confined else "not used at level D"),
        Layer("rlimits", True, "address space, processor time, open files, file size, stack"),
        *_ALWAYS,
        *(Layer(f"level {why.partition(':')[0]}", False, why.partition(": ")[2]) for why in missed),
    )
    return SandboxReport(
        level=level,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        layers=(*layers, *more),
        denied=probe.denied if probe else (),
        leaks=probe.leaks if probe else (),
        raise_it=raise_it(level),
    )


def raise_it(
    level: SandboxLevel, proc: Path = Path("/proc/sys"), system: str = sys.platform
) -> str:
    """The one command, or the one thing, that would raise the level here."""
    if level == "A":
        return ""
    if system != "linux":
        return "run programs on Linux (a virtual machine is enough)"
    if level == "A-":
        return "boot a kernel of 5.13 or newer with lsm=landlock,… on its command line"
    for name, bad, good in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("user/max_user_namespaces", "0", "15000"),
    ):
        setting = proc / name
        if setting.exists() and setting.read_text().strip() == bad:
            return f"sudo sysctl -w {name.replace('/', '.')}={good}"
    if level == "B":
        return "run outside of a container that forbids unshare and mount"
    return "start without the flag that accepts running without a sandbox"
