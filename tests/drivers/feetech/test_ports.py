"""Ports as the system shows them, and one program per port."""

from __future__ import annotations

import multiprocessing
import os
import pty
import subprocess
from pathlib import Path

import pytest

from drivers.feetech.link import PortError, SerialLink
from drivers.feetech.portlock import PortLock, PortTaken, holders_of
from drivers.serial_ports import adapters_without_port, look_at_port


def usb_device(folder: Path, name: str, vendor: str, product: str) -> Path:
    device = folder / name
    device.mkdir()
    (device / "idVendor").write_text(f"{vendor}\n")
    (device / "idProduct").write_text(f"{product}\n")
    return device


def test_a_ch340_without_a_port_was_taken_away(tmp_path: Path) -> None:
    usb_device(tmp_path, "1-1", "0403", "6001")
    usb_device(tmp_path, "1-2", "1a86", "7523")
    owned = usb_device(tmp_path, "1-3", "1a86", "7523")
    (owned / "1-3:1.0" / "ttyUSB0").mkdir(parents=True)
    assert adapters_without_port(tmp_path) == ["1a86:7523 at 1-2"]


def test_a_port_that_is_not_there_has_no_settings() -> None:
    seen = look_at_port("/dev/ttyUSB77")
    assert (seen.by_id, seen.latency_ms) == ("", None)


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    file = tmp_path / "tty"
    file.write_text("")
    with pytest.raises(PortError) as error:
        SerialLink(str(file), 1_000_000)
    assert error.value.finding.code == "port_not_serial"


def test_a_lock_names_its_holder_and_goes_with_it(tmp_path: Path) -> None:
    lock = PortLock(Path("/dev/null"), tmp_path)
    with pytest.raises(PortTaken) as taken:
        PortLock(Path("/dev/null"), tmp_path)
    assert taken.value.holder is not None and taken.value.holder.pid == os.getpid()
    lock.release()
    PortLock(Path("/dev/null"), tmp_path).release()


def _die_with_lock(folder: Path) -> None:
    PortLock(Path("/dev/null"), folder)
    os._exit(0)


def test_a_lock_does_not_outlive_its_process(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die_with_lock, args=(tmp_path,))
    process.start()
    process.join(20)
    PortLock(Path("/dev/null"), tmp_path).release()


def test_who_has_a_port_open_without_asking_is_found() -> None:
    """A plain program is named from the system's own tables."""
    master, slave = pty.openpty()
    other = subprocess.Popen(["sleep", "30"], pass_fds=(slave,))
    try:
        found = holders_of(Path(os.ttyname(slave)))
        assert [(holder.pid, holder.program) for holder in found] == [(other.pid, "sleep 30")]
    finally:
        other.kill()
        other.wait()
        os.close(master)
        os.close(slave)
