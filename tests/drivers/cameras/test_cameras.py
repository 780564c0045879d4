"""Real cameras' code as far as it goes without one: streams, files, controls, names."""

from __future__ import annotations

import errno
import struct
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from drivers.cameras.devices import (
    BenchPose,
    DeviceConfig,
    DeviceSource,
    Rectifier,
    open_source,
    pinhole,
)
from drivers.cameras.feed import CameraFeed, Grabbed
from drivers.cameras.freshness import Freshness
from drivers.cameras.section import CameraDevice, problem_of
from drivers.cameras.v4l2 import CONTROLS, CTRL, QUERY, Controls, V4l2Grabber, cameras
from drivers.feetech.portlock import PortLock
from drivers.types import CameraSpec

SPEC = CameraSpec("left", "base", 64, 48, 40.0, (0.1, 0.2, 0.3), (1.0, 0.0, 0.0, 0.0), depth=False)


# -- alive or not --------------------------------------------------------------------------


def test_a_live_stream_has_no_problem_and_its_rate_is_told() -> None:
    fresh = Freshness(stale_s=0.5)
    assert fresh.problem(0.0) == "no picture yet"
    for n in range(31):
        fresh.note(n / 30, bytes([n]))
    assert fresh.problem(1.1) == ""
    stats = fresh.stats(1.1)
    assert stats.fps == pytest.approx(30.0) and stats.repeated == 0
    assert stats.age_s == pytest.approx(0.1)


def test_an_old_picture_is_an_error_and_so_is_one_picture_again_and_again() -> None:
    fresh = Freshness(stale_s=0.5)
    fresh.note(0.0, b"a")
    assert "0.6 s old" in fresh.problem(0.6)
    for n in range(1, 40):
        fresh.note(n / 30, b"a")
    assert "frozen: 40 identical pictures in 1.3 s" in fresh.problem(1.31)
    fresh.note(1.4, b"b")
    assert fresh.problem(1.41) == ""


def test_a_picture_seen_twice_is_counted_and_not_called_frozen() -> None:
    fresh = Freshness(stale_s=0.5)
    for n in range(20):
        fresh.note(n / 30, bytes([n // 2]))
    assert fresh.problem(0.7) == "" and fresh.stats(0.7).repeated == 10


# -- one thread per camera -----------------------------------------------------------------


class Stepped:
    """A device that gives a picture when told to, or breaks."""

    def __init__(self) -> None:
        self.next: list[Grabbed | OSError] = []
        self.came = threading.Condition()
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def grab(self) -> Grabbed:
        with self.came:
            assert self.came.wait_for(lambda: self.next, 10.0)
            given = self.next.pop(0)
        if isinstance(given, OSError):
            raise given
        return given

    def close(self) -> None:
        pass

    def give(self, what: Grabbed | OSError) -> None:
        with self.came:
            self.next.append(what)
            self.came.notify_all()


def picture(shade: int) -> Grabbed:
    return Grabbed(np.full((48, 64, 3), shade, np.uint8))


def test_only_pictures_taken_after_the_question_answer_it() -> None:
    device = Stepped()
    now = [10.0]
    feed = CameraFeed("left", device, 0.5, lambda: now[0])
    feed.start()
    device.give(picture(1))
    assert feed.after(10.0, 5.0).picture.rgb[0, 0, 0] == 1
    now[0] = 10.2
    device.give(picture(2))
    taken = feed.after(10.1, 5.0)
    assert taken.picture.rgb[0, 0, 0] == 2 and taken.seq == 2
    device.give(OSError(errno.ENODEV, "unplugged"))
    feed.close()


def test_a_lost_device_is_told_by_its_own_words() -> None:
    device = Stepped()
    feed = CameraFeed("left", device, 0.5)
    feed.start()
    device.give(OSError("cam sends nothing: unplugged"))
    with pytest.raises(OSError, match="unplugged"):
        feed.after(1e9, 0.3)
    feed.close()


# -- files ---------------------------------------------------------------------------------


def test_a_folder_of_pictures_is_a_camera(tmp_path: Path) -> None:
    for n in range(3):
        Image.fromarray(np.full((48, 64, 3), 50 + n, np.uint8)).save(tmp_path / f"{n}.png")
        Image.fromarray(np.full((48, 64), 400 + n, np.uint16)).save(tmp_path / f"{n}.depth.png")
    spec = msgspec.structs.replace(SPEC, depth=True, mount="arm")
    device = CameraDevice("left", "file", ".", fps=100.0)
    source = open_source(DeviceConfig((spec,), (device,), str(tmp_path)).encode())
    source.update(msgspec.msgpack.encode(BenchPose(1.0, {"arm": (0.1, 0.2)})))
    try:
        frame = source.frame("left")
        assert frame.rgb[0, 0, 0] in (50, 51, 52)
        assert frame.depth is not None and int(frame.depth[0, 0]) == int(frame.rgb[0, 0, 0]) + 350
        assert frame.q_rad == (0.1, 0.2) and frame.age_s < 0.5
        assert np.allclose(frame.T_mount_cam[:3, 3], SPEC.mount_xyz_m)
        with pytest.raises(KeyError):
            source.frame("right")
    finally:
        source.close()


def test_one_picture_for_ever_is_frozen(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "a.png")
    device = CameraDevice("left", "file", ".", fps=200.0, stale_ms=2000.0)
    source = DeviceSource(DeviceConfig((SPEC,), (device,), str(tmp_path)))
    try:
        with pytest.raises(OSError, match="frozen"):
            for _ in range(2000):
                source.frame("left")
    finally:
        source.close()


def test_a_measured_lens_is_taken_out() -> None:
    K = pinhole(SPEC)
    device = CameraDevice(
        "left",
        "file",
        ".",
        intrinsics_px=(K[0, 0], K[1, 1], K[0, 2] + 5.0, K[1, 2]),
        distortion=(0.0,) * 5,
    )
    bent = np.zeros((48, 64, 3), np.uint8)
    bent[:, 40] = 255
    flat = Rectifier(SPEC, device)(Grabbed(bent)).rgb
    assert flat[20, 35, 0] == 255 and flat[20, 40, 0] == 0
    assert Rectifier(SPEC, CameraDevice("left", "file", "."))(Grabbed(bent)).rgb is bent


# -- USB -----------------------------------------------------------------------------------


class FakeControls:
    """A camera's controls by ioctl, as the kernel answers. White balance is missing."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(CONTROLS.values(), 3)
        for name in ("white_balance_automatic", "white_balance_temperature"):
            del self.values[CONTROLS[name]]
        self.stubborn: int | None = None
        self.written: list[int] = []

    def __call__(self, fd: int, request: int, data: bytes) -> bytes:
        (number,) = struct.unpack_from("=I", data)
        if number not in self.values:
            raise OSError(errno.EINVAL, "Invalid argument")
        match request & 0xFF:
            case 0x24:
                return QUERY.pack(number, 1, b"name", 0, 100, 1, 0, 0)
            case 0x1B:
                return CTRL.pack(number, self.values[number])
            case _:
                self.written.append(number)
                if number != self.stubborn:
                    self.values[number] = CTRL.unpack(data)[1]
                return data


def test_what_adjusts_itself_is_switched_off_before_its_value_is_kept() -> None:
    kernel = FakeControls()
    kernel.values[CONTROLS["exposure_time_absolute"]] = 157
    locked = Controls(3, kernel).lock()
    assert locked["auto_exposure"] == 1 and locked["exposure_time_absolute"] == 157
    assert locked["focus_automatic_continuous"] == 0
    assert "white_balance_automatic" not in locked
    order = [kernel.written.index(CONTROLS[n]) for n in ("auto_exposure", "exposure_time_absolute")]
    assert order == sorted(order)


def test_a_control_that_does_not_hold_is_named() -> None:
    kernel = FakeControls()
    kernel.stubborn = CONTROLS["gain"]
    with pytest.raises(OSError, match="gain became 3, not 9"):
        Controls(3, kernel).set({"gain": 9})
    with pytest.raises(OSError, match="no camera control is called gains"):
        Controls(3, kernel).set({"gains": 9})


def test_cameras_are_listed_once_by_the_name_that_stays(tmp_path: Path) -> None:
    by_id, by_path = tmp_path / "by-id", tmp_path / "by-path"
    for folder in (by_id, by_path):
        folder.mkdir()
    for n in (0, 1, 2):
        (tmp_path / f"video{n}").touch()
    (by_id / "usb-Cam_A-video-index0").symlink_to(tmp_path / "video0")
    (by_id / "usb-Cam_A-video-index1").symlink_to(tmp_path / "video1")
    (by_path / "pci-1-video-index0").symlink_to(tmp_path / "video0")
    (by_path / "pci-2-video-index0").symlink_to(tmp_path / "video2")
    seen = cameras(by_id, by_path)
    assert [Path(s.path).name for s in seen] == ["usb-Cam_A-video-index0", "pci-2-video-index0"]


def test_a_camera_that_is_held_names_its_holder(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    lock = PortLock(device, tmp_path)
    grabber = V4l2Grabber(str(device), (64, 48), 30.0, "MJPG", {}, tmp_path)
    try:
        with pytest.raises(OSError, match="is held by process"):
            grabber.open()
    finally:
        lock.release()
    with pytest.raises(OSError, match="there is none"):
        V4l2Grabber(str(tmp_path / "video9"), (64, 48), 30.0, "MJPG", {}, tmp_path).open()


def test_devices_of_a_cell_file_are_checked() -> None:
    good = CameraDevice("left", "v4l2", "/dev/v4l/by-id/x")
    assert problem_of(good) == ""
    wrong = {"path": "", "fps": 0.0, "fourcc": "MJ", "intrinsics_px": (1.0,), "stale_ms": 1.0}
    for key, value in wrong.items():
        assert problem_of(msgspec.structs.replace(good, **{key: value})) != ""
