"""The serial line below the bus: exclusive, never waiting longer than told, gone is an OSError."""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import select
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial

from drivers.errors import DeviceFinding, DeviceGone
from drivers.feetech.portlock import PortLock, PortTaken, holders_of
from drivers.findings import found, one_line
from drivers.serial_ports import adapters_without_port, other_ports
from drivers.types import Finding

CHUNK = 4096
SEND_WITHIN_S = 0.1
MOST_UNASKED = 16 * CHUNK


class PortError(DeviceFinding):
    """The port cannot be used."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding, one_line(finding))


class Link(Protocol):
    """Bytes out and in. Every method raises OSError once the device is gone."""

    def send(self, data: bytes) -> None: ...

    def receive(self, until_s: float) -> bytes:
        """What came in, waiting for the first byte until then; empty when nothing came."""
        ...

    def discard(self) -> bytes:
        """What came in unasked, without waiting."""
        ...

    def close(self) -> None: ...


class SerialLink:
    """A serial port that is ours alone."""

    def __init__(
        self,
        port: str,
        baud: int,
        clock: Callable[[], float] = time.monotonic,
        lock_folder: Path | None = None,
    ) -> None:
        """Open without sending anything. Raises PortError naming what is in the way."""
        self.port = port
        self._clock = clock
        self._lock = _lock(port, lock_folder)
        try:
            self._serial = _open(port, baud)
        except BaseException:
            self._lock.release()
            raise
        self._fd: int = self._serial.fileno()
        os.set_blocking(self._fd, False)

    def send(self, data: bytes) -> None:
        until_s = self._clock() + SEND_WITHIN_S
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                left = until_s - self._clock()
                if left <= 0 or not select.select([], [self._fd], [], left)[1]:
                    raise TimeoutError(f"{self.port} does not take what is sent") from None
            except OSError as error:
                raise self._gone(error) from None

    def receive(self, until_s: float) -> bytes:
        left = until_s - self._clock()
        if not select.select([self._fd], [], [], max(0.0, left))[0]:
            return b""
        return self._read()

    def discard(self) -> bytes:
        came = b""
        while len(came) < MOST_UNASKED and select.select([self._fd], [], [], 0.0)[0]:
            came += self._read()
        return came

    def close(self) -> None:
        """Let go of the port; nothing is sent."""
        try:
            self._serial.close()
        finally:
            self._lock.release()

    def _read(self) -> bytes:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error) from None
        if not data:
            raise DeviceGone(f"{self.port} hung up, or another program reads it too")
        return data

    def _gone(self, error: OSError) -> OSError:
        return DeviceGone(
            f"{self.port} is unplugged, or its adapter has no power ({error.strerror})"
        )


def _lock(port: str, folder: Path | None) -> PortLock:
    device = Path(port)
    if not device.exists():
        raise PortError(_missing(port))
    try:
        return PortLock(device, folder)
    except PortTaken as taken:
        raise PortError(_busy(port, str(taken))) from None


def _missing(port: str) -> Finding:
    taken = adapters_without_port()
    if taken:
        seen = f"{', '.join(taken)}, and there is no {port}"
        return found("port_stolen", seen, severity="error")
    return found("port_missing", "there is none", port=port, others=other_ports(port))


def _open(port: str, baud: int) -> serial.Serial:
    try:
        opened = serial.Serial(port, baud, timeout=0, write_timeout=0, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        raise PortError(_why_not(port, baud, error)) from None
    # flock keeps polite programs out; this keeps out plain opens, too.
    fcntl.ioctl(opened.fileno(), termios.TIOCEXCL)
    return opened


def _why_not(port: str, baud: int, error: BaseException) -> Finding:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return found("port_permission", "permission denied", port=port, group=_group_of(port))
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return _busy(port, "")
    return found("port_not_serial", str(error), port=port, baud=baud)


def _busy(port: str, holder: str) -> Finding:
    names = holder or ", ".join(map(str, holders_of(Path(port)))) or "a process of another user"
    return found("port_busy", f"held by {names}", port=port, holder=names)


def also_open_by(port: str) -> Finding | None:
    """Another program on a port that we have open: without a lock it takes answers away."""
    others = ", ".join(map(str, holders_of(Path(port))))
    if not others:
        return None
    return found("port_busy", f"also open in {others}", port=port, holder=others)


def _group_of(port: str) -> str:
    try:
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"
