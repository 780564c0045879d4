"""What takes pictures: cameras of a cell behind one seam, in a process of their own."""

from __future__ import annotations

from typing import Literal, Protocol

from drivers.types import CameraSpec, Frame

TroubleCode = Literal["missing", "stale", "frozen"]


class CameraTrouble(OSError):
    """There is no picture that may be used; ``code`` says of which kind."""

    def __init__(self, code: TroubleCode, text: str) -> None:
        super().__init__(text)
        self.code: TroubleCode = code


class CameraSource(Protocol):
    """All cameras of one cell; called by one thread."""

    def specs(self) -> tuple[CameraSpec, ...]:
        """The cameras as calibrated."""
        ...

    def update(self, state: bytes) -> None:
        """Take over a published state of a simulated world; real cameras ignore it."""
        ...

    def frame(self, camera: str) -> Frame:
        """Take a picture now.

        Raises:
            KeyError: An unknown camera.
            OSError: There is no picture; a CameraTrouble where it is known why.
        """
        ...
