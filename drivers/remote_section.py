"""``[remote]``: a cell whose host runs on another machine, and the note of it kept here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import msgspec

from drivers.errors import CellFileError

ENDPOINT: Final = re.compile(r"tcp://([A-Za-z0-9_.-]+):(\d{1,5})")
NOTE: Final = "remote.json"


class RemoteSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a cell's host listens and with which keys. Paths are relative to the cell file."""

    address: str
    """``tcp://HOST:PORT``: commands there, state, stop and pictures on the three ports above."""
    host_key: str
    """File with the host's public key, as ``cell keys`` made it there."""
    keys: str
    """File with our own secret key; what it may do is said by the host."""
    stand_in: str = ""
    """A local socket that leads to a simulated cell's own (reset, truth), for instance one that
    ssh forwards. The network never carries it."""

    @property
    def host(self) -> str:
        return self._endpoint()[0]

    @property
    def port(self) -> int:
        return self._endpoint()[1]

    def _endpoint(self) -> tuple[str, int]:
        match = ENDPOINT.fullmatch(self.address)
        if match is None or not 1 <= int(match[2]) <= 65532:
            raise CellFileError(f"[remote] address {self.address!r}: write it as tcp://HOST:PORT")
        return match[1], int(match[2])

    def beneath(self, folder: Path) -> RemoteSection:
        """The same with absolute paths."""
        return msgspec.structs.replace(
            self,
            host_key=str(folder / Path(self.host_key).expanduser()),
            keys=str(folder / Path(self.keys).expanduser()),
            stand_in=str(folder / Path(self.stand_in).expanduser()) if self.stand_in else "",
        )


def write_note(folder: Path, section: RemoteSection) -> None:
    """Keep in a cell's runtime folder that its host is elsewhere; the key itself stays away."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = folder / f"{NOTE}.{os.getpid()}"
    beside.write_bytes(msgspec.json.encode(section))
    beside.replace(folder / NOTE)


def drop_note(folder: Path) -> None:
    """The cell of this name is one of this machine now."""
    (folder / NOTE).unlink(missing_ok=True)


def read_note(folder: Path) -> RemoteSection | None:
    """What was noted of a cell; None when its host is on this machine."""
    try:
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=RemoteSection)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise CellFileError(f"{folder / NOTE}: {error}; remove it and connect again") from None
