"""What the probes saw, as plain values the checks can judge."""

from __future__ import annotations

from aspire_tui.domain import SandboxReport, Struct


class PackageSeen(Struct, frozen=True):
    """One package: what is installed, and whether it can be imported."""

    installed: dict[str, str]
    """Distribution name to version; empty when there is none."""
    version: str = ""
    """What the imported package says of itself; empty when the import failed."""
    error: str = ""


class CameraSeen(Struct, frozen=True):
    """How the stand-in makes its pictures here."""

    path: str = ""
    frame_ms: float | None = None
    """Median for one picture with depth."""
    width: int = 0
    height: int = 0
    error: str = ""


class SandboxSeen(Struct, frozen=True):
    report: SandboxReport | None = None
    error: str = ""


class TerminalSeen(Struct, frozen=True):
    """What the environment says of the terminal; nothing is sent to it."""

    is_tty: bool
    columns: int
    rows: int
    encoding: str
    environment: dict[str, str]
    """TERM, COLORTERM, NO_COLOR, TMUX and the like, as far as they are set."""


class WorkspaceSeen(Struct, frozen=True):
    root: str
    source: str
    error: str = ""
    """Why it cannot be written; empty when it can."""
    free_bytes: int | None = None


class RuntimeFolderSeen(Struct, frozen=True):
    folder: str
    longest_path: int = 0
    """Bytes of the longest socket path a cell would have there."""
    error: str = ""


class SerialPortSeen(Struct, frozen=True):
    """One USB serial port; nothing was sent to it."""

    port: str
    usable: bool
    """Whether this user may read and write it."""
    group: str = ""
    """Who owns it, for people who may not."""
    latency_ms: int | None = None
    latency_file: str = ""


class SerialSeen(Struct, frozen=True):
    """What is plugged in that an arm may hang on."""

    ports: tuple[SerialPortSeen, ...] = ()
    taken: tuple[str, ...] = ()
    """Adapters on USB without a port."""
    accepted: tuple[str, ...] = ()
    """Cells whose real arm has an accepted report on file."""


class LogoutSeen(Struct, frozen=True):
    """What becomes of a user's processes when that user logs out."""

    logind: bool = False
    kills: bool | None = None
    """None: nobody says."""
    lingers: bool = False
    source: str = ""


class ProvidersSeen(Struct, frozen=True):
    """Clients of model providers by version, and which key variables are set."""

    installed: dict[str, str] = {}
    keys: dict[str, bool] = {}


class MachineSeen(Struct, frozen=True):
    """Everything the probes saw."""

    python: tuple[int, int, int]
    executable: str
    system: str
    cores: int
    mujoco: PackageSeen
    sqlite: PackageSeen
    camera: CameraSeen
    sandbox: SandboxSeen
    terminal: TerminalSeen
    workspace: WorkspaceSeen
    runtime: RuntimeFolderSeen
    serial: SerialSeen = SerialSeen()
    logout: LogoutSeen = LogoutSeen()
    providers: ProvidersSeen = ProvidersSeen()
