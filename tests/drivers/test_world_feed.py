"""A camera process that dies at once, again and again, does not take the host's time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import zmq

from drivers.cellfile import load_cell
from drivers.runtime_dir import CellPaths
from drivers.types import CellInfo
from drivers.world_feed import LONGEST_PAUSE_S, WorldFeed, pause_s

YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"


class NoCamera:
    """A world whose camera source cannot be made."""

    camera_factory = "drivers.no_such_source:made"
    camera_config = b""

    def __init__(self, info: CellInfo) -> None:
        self.info = info

    def clock(self) -> float:
        return 0.0

    def world_state(self) -> bytes:
        return b""


def test_it_is_replaced_more_slowly_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    feed = WorldFeed(NoCamera(load_cell(YAM).info), CellPaths(tmp_path), context)
    starts: list[float] = []
    real = feed.start
    now_s = 1000.0

    def start() -> None:
        starts.append(now_s)
        real()

    monkeypatch.setattr(feed, "start", start)
    feed.start()
    try:
        for _ in range(4):
            process = feed._process
            assert process is not None and process.wait(30.0) != 0
            replaced = len(starts) + 1
            while len(starts) < replaced:
                now_s += 0.5
                feed.after_tick(now_s)
    finally:
        feed.close()
        context.term()
    pauses = [b - a for a, b in pairwise(starts[1:])]
    assert pauses == sorted(pauses) and pauses[-1] >= 4.0


def test_the_pause_ends_growing() -> None:
    assert pause_s(1) <= 1.0 and pause_s(100) == LONGEST_PAUSE_S
