"""The cell host as the console sees it: its stop socket."""

from __future__ import annotations

from drivers.client import StopClient


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
