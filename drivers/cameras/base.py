"""What takes pictures: cameras of a cell behind one seam, in a process of their own."""

from __future__ import annotations

from typing import Protocol

from drivers.types import CameraSpec, Frame


class CameraSource(Protocol):
    """All cameras of one cell; called by one thread."""

    def specs(self) -> tuple[CameraSpec, ...]:
        """The cameras as calibrated."""
        ...

    def update(self, state: bytes) -> None:
        """Take over a published state of a simulated world; real cameras ignore it."""
        ...

    def frame(self, camera: str) -> Frame:
        """Take a picture now. Raises KeyError for an unknown camera, OSError when it is gone."""
        ...
