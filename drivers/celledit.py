"""Writing into a cell file what was found out at the bench; comments and order stay as they are.

Nothing is written that does not load: the new text is read back as a cell first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from drivers.cameras.section import CameraCalibration, CameraDevice, HoverRecord
from drivers.cellfile import CellFile, load_cell
from drivers.emu.section import StandsAt
from drivers.errors import CellFileError
from drivers.taught import Taught
from drivers.types import CameraSpec

DIGITS = 6


class CellText:
    """The text of one cell file while it is changed; :meth:`save` makes it so."""

    def __init__(self, path: Path) -> None:
        """Raises CellFileError when it cannot be read."""
        self._path = path
        try:
            self._doc: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise CellFileError(f"{path}: {error}") from None

    # -- what there is to say --------------------------------------------------------------

    def name(self, name: str) -> None:
        self._doc["name"] = name

    def port(self, arm: str, port: str) -> None:
        self._entry("device", "arm", arm)["port"] = port

    def calibration(self, arm: str, file: str) -> None:
        """Which file holds an arm's calibration."""
        self._entry("device", "arm", arm)["feetech"]["calibration"] = file

    def joints(self, arm: str, key: str, q_rad: Sequence[float]) -> None:
        """``home_rad`` or ``rest_rad`` of an arm."""
        self._entry("arms", "name", arm)[key] = _row(q_rad)

    def workspace(self, lo_m: Sequence[float], hi_m: Sequence[float]) -> None:
        box = self._doc["workspace"]
        box["lo_m"], box["hi_m"] = _row(lo_m), _row(hi_m)

    def taught(self, name: str, taught: Taught) -> None:
        self._table("taught")[name] = _table(taught)

    def camera_pose(self, camera: str, xyz_m: Sequence[float], wxyz: Sequence[float]) -> None:
        entry = self._entry("cameras", "name", camera)
        entry["mount_xyz_m"], entry["mount_wxyz"] = _row(xyz_m), _row(wxyz)

    def stands(self, camera: CameraSpec) -> None:
        """Of an emulated cell: where a camera was built to stand, unless that is said already."""
        emulator = self._table("emulator")
        if "cameras" not in emulator:
            emulator.append("cameras", tomlkit.table(is_super_table=True))
        if camera.name not in emulator["cameras"]:
            stands = StandsAt(camera.mount_xyz_m, camera.mount_wxyz)
            emulator["cameras"][camera.name] = _table(stands)

    def camera_fovy(self, camera: str, fovy_deg: float) -> None:
        self._entry("cameras", "name", camera)["fovy_deg"] = round(fovy_deg, 4)

    def calibrated(self, camera: str, record: CameraCalibration) -> None:
        self._table("calibrated")[camera] = _table(record)

    def camera_device(self, device: CameraDevice) -> None:
        """Which device takes the pictures of a camera; replaces what was said before."""
        rows = self._doc.get("camera_device")
        if rows is None:
            rows = tomlkit.aot()
            self._doc.append("camera_device", rows)
        for n, row in enumerate(rows):
            if row["camera"] == device.camera:
                rows[n] = _table(device)
                return
        rows.append(_table(device))

    def hover(self, record: HoverRecord) -> None:
        self._doc["hover"] = _table(record)

    # -- writing ---------------------------------------------------------------------------

    def text(self) -> str:
        return str(tomlkit.dumps(self._doc))

    def save(self) -> CellFile:
        """Replace the file in one step.

        Raises:
            CellFileError: What is new makes it no right cell file, or it cannot be written; the
                file is as it was.
        """
        fresh = self._path.with_name(f".{self._path.stem}.new.toml")
        try:
            with fresh.open("w", encoding="utf-8") as out:
                out.write(self.text())
                out.flush()
                os.fsync(out.fileno())
            load_cell(fresh)
            fresh.replace(self._path)
        except OSError as error:
            raise CellFileError(f"{self._path}: cannot be written: {error.strerror}") from None
        except CellFileError as error:
            said = str(error).replace(str(fresh), str(self._path))
            raise CellFileError(f"not written: {said}") from None
        finally:
            fresh.unlink(missing_ok=True)
        return load_cell(self._path)

    # -- inside ----------------------------------------------------------------------------

    def _entry(self, table: str, key: str, value: str) -> Any:
        for row in self._doc.get(table, ()):
            if row[key] == value:
                return row
        raise CellFileError(f"{self._path}: no [[{table}]] with {key} = {value!r}")

    def _table(self, name: str) -> Any:
        if name not in self._doc:
            self._doc.append(name, tomlkit.table(is_super_table=True))
        return self._doc[name]


def _table(value: msgspec.Struct) -> Any:
    out = tomlkit.table()
    for key, item in msgspec.to_builtins(value).items():
        if item in ("", [], {}, None):
            continue
        out.add(key, _row(item) if isinstance(item, list) else _plain(item))
    return out


def _plain(item: Any) -> Any:
    return round(item, DIGITS) if isinstance(item, float) else item


def _row(values: Sequence[Any]) -> Any:
    rounded = [
        _row(v) if isinstance(v, (list, tuple)) else round(float(v), DIGITS) + 0.0 for v in values
    ]
    out = tomlkit.array()
    out.extend(rounded)
    return out
