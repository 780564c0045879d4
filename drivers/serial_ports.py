"""What the system says of serial ports: their lasting names, settings and rights. Opens none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

BY_ID: Final = Path("/dev/serial/by-id")
SYSTEM: Final = Path("/sys/bus")
"""Where Linux shows its buses."""
CH340: Final = ("1a86:7523", "1a86:5523")
"""USB ids of the adapters that brltty takes for braille displays."""


@dataclass(frozen=True)
class PortSeen:
    """One port; ``by_id`` is its lasting name, empty when it has none."""

    port: str
    by_id: str = ""
    latency_ms: int | None = None
    latency_file: str = ""
    usable: bool = True
    """Whether this user may read and write it."""


def look_at_port(port: str) -> PortSeen:
    """What there is to know of a port; it need not exist."""
    real = Path(port).resolve()
    by_id = next((str(p) for p in BY_ID.glob("*") if p.resolve() == real), "")
    file = SYSTEM / "usb-serial" / "devices" / real.name / "latency_timer"
    try:
        latency_ms: int | None = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        latency_ms = None
    usable = not real.exists() or os.access(real, os.R_OK | os.W_OK)
    return PortSeen(port, by_id, latency_ms, str(file), usable)


def port_names() -> list[str]:
    """USB serial ports there are, by their lasting names where they have one."""
    by_id = {str(p.resolve()): str(p) for p in BY_ID.glob("*")}
    devices = [info.device for info in list_ports.comports() if info.vid is not None]
    return sorted(by_id.get(device, device) for device in devices)


def other_ports(port: str) -> str:
    """The serial ports there are besides this one, in words."""
    return ", ".join(name for name in port_names() if name != port) or "none"


def adapters_without_port() -> list[str]:
    """CH340 adapters on USB that no serial driver owns: something took them away."""
    found = []
    for folder in sorted((SYSTEM / "usb" / "devices").glob("*")):
        try:
            vendor = (folder / "idVendor").read_text(encoding="ascii").strip()
            product = (folder / "idProduct").read_text(encoding="ascii").strip()
        except OSError:
            continue
        has_port = any(folder.glob("*/ttyUSB*")) or any(folder.glob("*/tty/tty*"))
        if f"{vendor}:{product}" in CH340 and not has_port:
            found.append(f"{vendor}:{product} at {folder.name}")
    return found
