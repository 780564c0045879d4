"""Looks at this machine. Each probe answers, or says why it cannot; none of them moves anything.

What may crash the interpreter (a broken MuJoCo does) is looked at in a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from aspire_tui.config import Workspace
from aspire_tui.doctor.logout import look_at_logout
from aspire_tui.doctor.providers import look_at_providers
from aspire_tui.doctor.seen import (
    CameraSeen,
    MachineSeen,
    PackageSeen,
    RuntimeFolderSeen,
    SandboxSeen,
    SerialPortSeen,
    SerialSeen,
    TerminalSeen,
    WorkspaceSeen,
)

TIME_LIMIT_S = 30.0
LONGEST_CELL_NAME = 32

TERMINAL_VARIABLES = (
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TERM_PROGRAM",
    "TMUX",
    "STY",
    "KITTY_WINDOW_ID",
)

IMPORT_MUJOCO = "import mujoco; print(mujoco.__version__)"

MEASURE_CAMERA = """
import json, statistics, sys, time
from pathlib import Path
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.raycam import camera_path
cell = SimCell(load_cell(Path(sys.argv[1])))
camera = cell.info.cameras[0]
taken_ms = []
for _ in range(6):
    cell.wait(0.02)
    started = time.perf_counter()
    cell.frame(camera.name)
    taken_ms.append((time.perf_counter() - started) * 1e3)
print(json.dumps({"path": camera_path(), "frame_ms": statistics.median(taken_ms[1:]),
                  "width": camera.width, "height": camera.height}))
"""


def look(workspace: Workspace) -> MachineSeen:
    """Everything, in a few seconds."""
    version = sys.version_info
    return MachineSeen(
        python=(version.major, version.minor, version.micro),
        executable=sys.executable,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        mujoco=look_at_mujoco(),
        sqlite=look_at_sqlite(),
        camera=look_at_camera(workspace),
        sandbox=look_at_sandbox(),
        terminal=look_at_terminal(),
        workspace=look_at_workspace(workspace),
        runtime=look_at_runtime_folder(),
        logout=look_at_logout(),
        serial=look_at_serial_ports(workspace),
        providers=look_at_providers(os.environ),
    )


def look_at_mujoco() -> PackageSeen:
    installed = {}
    for name in ("mujoco", "mujoco-core", "mujoco-studio"):
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if not installed:
        return PackageSeen({})
    version, error = _ask_python(IMPORT_MUJOCO)
    return PackageSeen(installed, version, error)


def look_at_sqlite() -> PackageSeen:
    try:
        import apsw
    except ImportError as error:
        return PackageSeen({}, error=str(error))
    return PackageSeen({"apsw": apsw.apsw_version()}, apsw.sqlite_lib_version())


def look_at_camera(workspace: Workspace) -> CameraSeen:
    """Time the default stand-in's first camera."""
    for folder in workspace.cell_folders():
        cell_file = folder / "yam.toml"
        if cell_file.is_file():
            break
    else:
        return CameraSeen(error="there is no cell file yam.toml")
    answer, error = _ask_python(MEASURE_CAMERA, str(cell_file))
    if error:
        return CameraSeen(error=error)
    measured = json.loads(answer)
    return CameraSeen(measured["path"], measured["frame_ms"], measured["width"], measured["height"])


def look_at_sandbox() -> SandboxSeen:
    """Start the sandbox, which proves its level, and let go of it."""
    try:
        from aspire_tui.rollout.sandbox.api import SandboxUnavailable
        from aspire_tui.rollout.sandbox.launcher import Sandbox
    except ImportError as error:
        return SandboxSeen(error=str(error))
    try:
        with Sandbox.start() as sandbox:
            return SandboxSeen(sandbox.report)
    except (SandboxUnavailable, OSError) as error:
        return SandboxSeen(error=str(error))


def look_at_terminal() -> TerminalSeen:
    size = shutil.get_terminal_size(fallback=(0, 0))
    return TerminalSeen(
        is_tty=sys.stdout.isatty(),
        columns=size.columns,
        rows=size.lines,
        encoding=sys.stdout.encoding or "",
        environment={k: os.environ[k] for k in TERMINAL_VARIABLES if k in os.environ},
    )


def look_at_workspace(workspace: Workspace) -> WorkspaceSeen:
    """Whether a session could be written, without leaving anything behind."""
    folder = workspace.sessions
    while not folder.exists():
        folder = folder.parent
    error = ""
    free: int | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".aspire-"):
            free = shutil.disk_usage(folder).free
    except OSError as reason:
        error = reason.strerror or str(reason)
    return WorkspaceSeen(str(workspace.root), workspace.source, error or _remote(folder), free)


def look_at_runtime_folder() -> RuntimeFolderSeen:
    from drivers.runtime_dir import RuntimeDirError, cell_paths, runtime_dir

    try:
        folder = runtime_dir()
        paths = cell_paths("x" * LONGEST_CELL_NAME, folder)
    except RuntimeDirError as error:
        return RuntimeFolderSeen("", error=str(error))
    return RuntimeFolderSeen(str(folder), len(os.fsencode(paths.frames)))


def look_at_serial_ports(workspace: Workspace) -> SerialSeen:
    """Ports by their lasting names; none is opened."""
    from drivers.acceptance import accepted_cells
    from drivers.serial_ports import adapters_without_port, look_at_port, port_names

    ports = []
    for name in port_names():
        seen = look_at_port(name)
        try:
            group = Path(name).group()
        except (OSError, KeyError):
            group = "dialout"
        ports.append(SerialPortSeen(name, seen.usable, group, seen.latency_ms, seen.latency_file))
    accepted = tuple(accepted_cells(workspace.cell_folders()))
    return SerialSeen(tuple(ports), tuple(adapters_without_port()), accepted)


def _remote(folder: Path) -> str:
    """Why this file system cannot hold a live session, empty when it can."""
    from aspire_tui.session.database import refuse_network
    from aspire_tui.session.errors import SessionFileError

    try:
        refuse_network(folder)
    except SessionFileError as error:
        return str(error)
    return ""


def _ask_python(code: str, *arguments: str) -> tuple[str, str]:
    """What a fresh interpreter printed, and the last line of its complaint."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TIME_LIMIT_S:g} s"
    if done.returncode == 0:
        return done.stdout.strip(), ""
    complaint = done.stderr.strip().splitlines()
    return "", complaint[-1] if complaint else f"ended with {done.returncode}"
