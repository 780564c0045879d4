"""The cell host as the console sees it: its stop socket and its cameras."""

from __future__ import annotations

from aspire_tui.tui.live_camera import Sight
from drivers.client import FrameClient, StopClient, address_of


class CellStop:
    """HOLD over the stop socket of one cell. Used by the hold line's thread alone."""

    def __init__(self, cell: str) -> None:
        self._cell = cell
        self._client: StopClient | None = None

    def hold(self, who: str) -> None:
        """HOLD, confirmed by the host. Raises CellFault when it did not answer in time."""
        if self._client is None:
            self._client = StopClient(self._cell, who)
        self._client.hold("operator")


class CellCameras:
    """The cameras of one cell, glanced at: whatever was seen last, moving or not."""

    def __init__(self, cell: str) -> None:
        self._cell = cell

    def see(self, camera: str) -> Sight:
        """One picture. Raises CellFault or KeyError when there is none."""
        client = FrameClient(address_of(self._cell, None))
        try:
            frame = client.take(camera, fresh=False, after_s=0.0)
        finally:
            client.close()
        return Sight(frame.camera, frame.t_s, frame.rgb)
