"""Ports as the system shows them, and one program per port."""

from __future__ import annotations

import contextlib
import grp
import json
import multiprocessing
import os
import pty
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hosts import cells_folder, until
from sts_process import Command, EmulatedBus, hardware_cell
from test_findings import calibrate, found_on

from drivers.client import CellClient
from drivers.errors import CellRefused
from drivers.feetech.link import PortError, SerialLink
from drivers.feetech.portlock import PortLock, PortTaken, holders_of
from drivers.serial_ports import adapters_without_port, look_at_port
from drivers.spawn import ensure_host

NOBODY = 65534


def usb_device(folder: Path, name: str, vendor: str, product: str) -> Path:
    device = folder / name
    device.mkdir()
    (device / "idVendor").write_text(f"{vendor}\n")
    (device / "idProduct").write_text(f"{product}\n")
    return device


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tree as Linux shows its buses, in place of this machine's."""
    monkeypatch.setattr("drivers.serial_ports.SYSTEM", tmp_path / "bus")
    (tmp_path / "bus" / "usb" / "devices").mkdir(parents=True)
    return tmp_path / "bus"


def test_a_ch340_without_a_port_was_taken_away(system: Path) -> None:
    usb = system / "usb" / "devices"
    usb_device(usb, "1-1", "0403", "6001")
    usb_device(usb, "1-2", "1a86", "7523")
    owned = usb_device(usb, "1-3", "1a86", "7523")
    (owned / "1-3:1.0" / "ttyUSB0").mkdir(parents=True)
    assert adapters_without_port() == ["1a86:7523 at 1-2"]


def test_who_looks_for_an_arm_whose_adapter_brltty_took_is_told_of_brltty(
    aspire: Command, emulated: EmulatedBus, system: Path
) -> None:
    cell = str(hardware_cell(emulated.folder, emulated.port))
    emulated.inject("unplug")  # the port goes, and the adapter stays on USB
    usb_device(system / "usb" / "devices", "1-2", "1a86", "7523")
    code, out, err = aspire("cell", "check", cell, "--json")
    assert (code, err) == (5, "")
    told = {f["code"]: f for f in json.loads(out)["findings"]}
    assert "1a86:7523 at 1-2" in told["port_stolen"]["seen"]
    assert "remove brltty" in told["port_stolen"]["do"][0] and "port_missing" not in told
    code, out, _ = aspire("doctor", "--json")
    assert "1a86:7523" in next(
        f["seen"] for f in json.loads(out)["findings"] if f["code"] == "port_stolen"
    )
    usb_device(system / "usb" / "devices" / "1-2", "1-2:1.0", "", "")
    (system / "usb" / "devices" / "1-2" / "1-2:1.0" / "ttyUSB0").mkdir()
    assert "port_missing" in found_on(emulated), "it is only unplugged"


def test_a_latency_timer_as_delivered_is_found_and_the_remedy_mends_it(
    emulated: EmulatedBus, system: Path
) -> None:
    timer = system / "usb-serial" / "devices" / Path(emulated.port).resolve().name / "latency_timer"
    timer.parent.mkdir(parents=True)
    timer.write_text("16\n")
    emulated.inject("latency", ms=16)
    told = found_on(emulated)["latency_timer"]
    assert told.severity == "warn" and told.seen.startswith("16 ms; one reading takes")
    assert float(told.seen.split()[5]) > 16.0 and "controlled at" in told.seen
    assert told.do[0] == f"echo 1 | sudo tee {timer}"
    timer.write_text("1\n")  # as it says; and the adapter does so
    emulated.inject("latency", ms=1)
    assert "latency_timer" not in found_on(emulated)


def _as_nobody(port: str, folder: Path, told: Connection) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        SerialLink(port, 1_000_000, lock_folder=folder)
        told.send(None)
    except PortError as error:
        told.send((error.finding, look_at_port(port).usable))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_is_told_which_group_to_join(emulated: EmulatedBus) -> None:
    device = Path(emulated.port).resolve()
    os.chown(device, 0, grp.getgrnam("dialout").gr_gid)
    device.chmod(0o660)  # as udev leaves a serial port
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(
            target=_as_nobody, args=(str(device), Path(folder), theirs)
        )
        child.start()
        assert ours.poll(20)
        finding, usable = ours.recv()
        child.join(20)
    assert (finding.code, usable) == ("port_permission", False)
    assert finding.do[0].startswith("sudo usermod -aG dialout")


READS_ALONG = "import os, sys\nfd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n" + (
    "print('open', flush=True)\nwhile True: os.read(fd, 4096)"
)


@pytest.mark.alone
def test_a_second_program_that_takes_the_answers_of_a_running_arm_is_named(
    emulated: EmulatedBus, tmp_path: Path
) -> None:
    with cells_folder() as runtime:
        calibrate(emulated.folder)
        ensure_host(hardware_cell(emulated.folder, emulated.port), "bench-so101", "t", runtime)
        client = CellClient("bench-so101", who="ann", runtime=runtime)
        until(lambda: client.status().state in ("LIMP", "PSTOP"), "it is there")
        before = emulated.faults.ask(do="goals")["arms"]["arm"]["servos"]
        thief = subprocess.Popen([sys.executable, "-c", READS_ALONG, emulated.port])
        taken = f"also open in process {thief.pid}"
        try:
            # FAULT, or LOST again while it goes on: either way it was said who it is.
            until(lambda: any(taken in e.cause for e in client.events()), "it is told", 60.0)
            told = [f for f in client.findings() if f.code == "port_busy"]
            assert all(f"end process {thief.pid}" in f.do[0] for f in told)
        finally:
            thief.kill()
            thief.wait()

        def mended() -> bool:
            with contextlib.suppress(CellRefused):
                if client.status().state == "FAULT":
                    client.clear_fault("ann")
            return client.status().state in ("LIMP", "PSTOP")

        until(mended, "the answers come again", 60.0)
        assert "port_busy" not in {f.code for f in client.findings()}
        assert emulated.faults.ask(do="goals")["arms"]["arm"]["servos"] == before
        client.close()


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
