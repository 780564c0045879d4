"""The live camera: bounded in what it costs, one look at a time, gone when it is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from consoles import Bench, bench
from recorded import Story, first_half

from aspire_tui.tui.live_camera import LEAST_S, MOST_S, PictureBudget, Sight


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("camera") / "running.db")
    first_half(story)
    yield story.path
    story.close()


class Scene:
    """Two cameras; one of them may be broken."""

    def __init__(self, broken: str = "") -> None:
        self.asked: list[str] = []
        self.broken = broken
        self.at_once = 0
        self._lock = threading.Lock()

    def see(self, camera: str) -> Sight:
        assert self._lock.acquire(blocking=False), "two looks at a time"
        try:
            self.asked.append(camera)
            if camera == self.broken:
                raise TimeoutError("no picture within 6 s\x1b[2J")
            rgb = np.zeros((24, 32, 3), np.uint8)
            rgb[:12] = (200, 30, 30)
            return Sight(camera, 3.5, rgb)
        finally:
            self._lock.release()


def rows(b: Bench) -> str:
    view = b.console.workspace.overlay
    return "\n".join(view.render_line(y).text for y in range(view.size.height))


async def test_one_camera_after_the_other_at_a_stated_price(running: Path) -> None:
    scene = Scene(broken="wrist")
    async with bench(running, eyes=scene, picture_B_s=5_000.0) as b:
        await b.press("ctrl+o")
        await b.until(lambda: "▀" in rows(b))
        assert "Live: scene at 3.5 s" in rows(b) and "at most 5 kB/s" in rows(b)
        await b.press("ctrl+o")
        await b.until(lambda: "no picture: no picture within 6 s" in rows(b))
        assert "\x1b" not in rows(b) and "▀" not in rows(b)
        await b.press("space")
        await b.until(lambda: b.stop.holds)
        await b.press("escape")
        assert not b.console.workspace.covered
        asked = len(scene.asked)
        b.console.acts.live_camera._ask()
        assert len(scene.asked) == asked == 2, "nobody looks any more"


async def test_a_replay_has_no_live_camera(running: Path) -> None:
    async with bench(running, "replay") as b:
        await b.press("ctrl+o")
        assert "no cell attached" in b.bar and not b.console.workspace.covered


def test_pictures_wait_for_what_the_link_may_carry() -> None:
    budget = PictureBudget(8_000.0)
    assert budget.wait_s == LEAST_S
    budget.spent(32_000)
    assert budget.wait_s == 4.0 and budget.rate_B_s == 8_000.0
    for _ in range(20):
        budget.spent(0)  # a still scene costs nothing
    assert budget.wait_s == LEAST_S and budget.rate_B_s < 1.0
    budget.spent(10_000_000)
    assert budget.wait_s == MOST_S
