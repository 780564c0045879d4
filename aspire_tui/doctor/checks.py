"""Judges what the probes saw. Pure: every check turns values into findings, nothing else."""

from __future__ import annotations

import re
from typing import Any

from aspire_tui.doctor.finding import finding
from aspire_tui.doctor.logout import check_logout
from aspire_tui.doctor.providers import check_providers
from aspire_tui.doctor.seen import (
    CameraSeen,
    MachineSeen,
    PackageSeen,
    RuntimeFolderSeen,
    SandboxSeen,
    SerialSeen,
    WorkspaceSeen,
)
from aspire_tui.doctor.terminal import check_terminal
from aspire_tui.domain import SandboxLevel
from drivers.findings import found
from drivers.types import Finding, Severity

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 51, 3)
OLDEST_MUJOCO = (4, 0)
LOW_DISK_BYTES = 5_000_000_000
LEAST_DISK_BYTES = 1_000_000_000
LONGEST_SOCKET_PATH = 107
SLOW_FRAME_MS = 100.0

SANDBOX_SEVERITY: dict[SandboxLevel, Severity] = {
    "A": "info",
    "A-": "info",
    "B": "warn",
    "D": "error",
}

MUJOCO_REMEDY = (
    "python -m pip install --force-reinstall --no-deps mujoco mujoco-core mujoco-studio",
)


def judge(seen: MachineSeen) -> tuple[Finding, ...]:
    """One finding per thing looked at, in the order people want them."""
    return (
        check_python(seen.python, seen.executable),
        check_system(seen.system, seen.cores),
        check_mujoco(seen.mujoco),
        check_camera(seen.camera),
        check_sandbox(seen.sandbox),
        check_sqlite(seen.sqlite),
        check_workspace(seen.workspace),
        check_disk(seen.workspace),
        check_runtime_folder(seen.runtime),
        check_logout(seen.logout),
        *check_serial(seen.serial),
        *check_terminal(seen.terminal),
        *check_providers(seen.providers),
    )


def check_python(version: tuple[int, int, int], executable: str) -> Finding:
    text = f"{'.'.join(map(str, version))} ({executable})"
    if version[:2] < OLDEST_PYTHON:
        return finding(
            "python",
            "error",
            "Python",
            text,
            "3.11 or newer",
            do=("install Python 3.11 or newer and make .venv again",),
        )
    return finding("python", "info", "Python", text, "3.11 or newer")


def check_system(system: str, cores: int) -> Finding:
    text = f"{system}, {cores} {'core' if cores == 1 else 'cores'}"
    if re.match(r"Linux .*(x86_64|AMD64)", system):
        return finding("system", "info", "system", text, "Linux on x86_64")
    return finding(
        "system",
        "warn",
        "system",
        text,
        "Linux on x86_64",
        why="nothing else has been tested",
    )


def check_mujoco(seen: PackageSeen) -> Finding:
    expected = "4.x, importable"
    if not seen.installed:
        return finding(
            "mujoco",
            "error",
            "MuJoCo",
            "not installed",
            expected,
            why="there is no stand-in cell without it",
            do=("python -m pip install 'mujoco>=4.0,<5'",),
        )
    installed = ", ".join(f"{name} {version}" for name, version in sorted(seen.installed.items()))
    if seen.error:
        return finding(
            "mujoco",
            "error",
            "MuJoCo",
            f"{installed}; import failed: {seen.error}",
            expected,
            why="MuJoCo 4 installed over MuJoCo 3 (or back) leaves a package that does not import",
            do=MUJOCO_REMEDY,
        )
    if _numbers(seen.version)[:1] != OLDEST_MUJOCO[:1]:
        return finding(
            "mujoco",
            "error",
            "MuJoCo",
            seen.version,
            expected,
            why="the interface changed between major versions",
            do=("python -m pip uninstall -y mujoco", "python -m pip install 'mujoco>=4.0,<5'"),
        )
    return finding("mujoco", "info", "MuJoCo", seen.version, expected)


def check_camera(seen: CameraSeen) -> Finding:
    expected = f"≤ {SLOW_FRAME_MS:g} ms for one RGB-D picture; no GL needed"
    if seen.error or seen.frame_ms is None:
        return finding(
            "camera",
            "error",
            "stand-in camera",
            seen.error or "unknown",
            expected,
            why="the stand-in cell cannot see",
        )
    text = f"{seen.path}, {seen.frame_ms:.0f} ms at {seen.width}×{seen.height}"
    if seen.frame_ms > SLOW_FRAME_MS:
        return finding(
            "camera",
            "warn",
            "stand-in camera",
            text,
            expected,
            why="trials of the stand-in will be slow",
            do=("run fewer workers, or on a machine with nothing else to do",),
        )
    return finding("camera", "info", "stand-in camera", text, expected)


def check_sandbox(seen: SandboxSeen) -> Finding:
    expected = "level A: no files, no network, nothing outside of the declared primitives"
    if seen.report is None:
        return finding(
            "sandbox",
            "error",
            "sandbox",
            seen.error or "unknown",
            expected,
            why="programs will not run here without a flag that brands the session",
        )
    report = seen.report
    off = [f"{layer.name}: {layer.why}" for layer in report.layers if not layer.on and layer.why]
    text = f"level {report.level} on {report.kernel}; refused: {', '.join(report.denied)}"
    if report.leaks:
        text += f"; got: {', '.join(report.leaks)}"
    return finding(
        "sandbox",
        SANDBOX_SEVERITY[report.level],
        "sandbox",
        text,
        expected,
        why="; ".join(off) if report.level != "A" else "",
        do=(report.raise_it,) if report.raise_it else (),
    )


def check_sqlite(seen: PackageSeen) -> Finding:
    expected = f"{'.'.join(map(str, OLDEST_SQLITE))} or newer, from apsw"
    if not seen.version:
        return finding(
            "sqlite",
            "error",
            "SQLite",
            seen.error or "apsw is not installed",
            expected,
            why="sessions cannot be written",
            do=("python -m pip install 'apsw>=3.51.3'",),
        )
    if _numbers(seen.version) < OLDEST_SQLITE:
        return finding(
            "sqlite",
            "error",
            "SQLite",
            seen.version,
            expected,
            why="older ones can damage a session that is read while it is written",
            do=("python -m pip install --upgrade 'apsw>=3.51.3'",),
        )
    return finding("sqlite", "info", "SQLite", seen.version, expected)


def check_workspace(seen: WorkspaceSeen) -> Finding:
    text = f"{seen.root} ({seen.source})"
    if seen.error:
        return finding(
            "workspace",
            "error",
            "workspace",
            f"{text}: {seen.error}",
            "a local folder that can be written",
            why="sessions and skills are kept there",
            do=("name another with --workspace or ASPIRE_TUI_HOME",),
        )
    return finding("workspace", "info", "workspace", text, "a local folder that can be written")


def check_disk(seen: WorkspaceSeen) -> Finding:
    expected = f"{LOW_DISK_BYTES / 1e9:g} GB or more"
    if seen.free_bytes is None:
        return finding("disk", "warn", "free disk", "unknown", expected)
    text = f"{seen.free_bytes / 1e9:.1f} GB"
    if seen.free_bytes >= LOW_DISK_BYTES:
        return finding("disk", "info", "free disk", text, expected)
    return finding(
        "disk",
        "error" if seen.free_bytes < LEAST_DISK_BYTES else "warn",
        "free disk",
        text,
        expected,
        why="a session takes up to some hundred megabytes; a full disk holds the cell",
        do=(f"remove sessions you do not need from {seen.root}/sessions",),
    )


def check_runtime_folder(seen: RuntimeFolderSeen) -> Finding:
    expected = f"private, socket paths of at most {LONGEST_SOCKET_PATH} bytes"
    remedy = ("set XDG_RUNTIME_DIR to a short folder of your own, mode 0700",)
    if seen.error:
        return finding("runtime", "error", "sockets", seen.error, expected, do=remedy)
    text = f"{seen.folder} ({seen.longest_path} bytes)"
    if seen.longest_path > LONGEST_SOCKET_PATH:
        return finding(
            "runtime",
            "error",
            "sockets",
            text,
            expected,
            why="the system cuts longer paths off",
            do=remedy,
        )
    return finding("runtime", "info", "sockets", text, expected)


def check_serial(seen: SerialSeen) -> tuple[Finding, ...]:
    """What an arm may hang on. The words are those of the drivers' own checks."""
    out = []
    for port in seen.ports:
        words: dict[str, Any] = {"port": port.port}
        if not port.usable:
            out.append(found("port_permission", "not for this user", group=port.group, **words))
        if port.latency_ms is not None and port.latency_ms > 1:
            slow = f"{port.latency_ms} ms"
            out.append(found("latency_timer", slow, file=port.latency_file, **words))
    out += [found("port_stolen", adapter) for adapter in seen.taken]
    names = ", ".join(port.port for port in seen.ports) or "no serial port"
    said = (
        f"accepted: {', '.join(seen.accepted)}"
        if seen.accepted
        else "emulator only: no accepted arm is on file"
    )
    text = f"{said}; {names}"
    expected = "a report of `aspire-tui cell accept` before real arms are trusted"
    return (*out, finding("hardware", "info", "hardware", text, expected))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:3])
