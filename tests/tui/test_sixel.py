"""Pictures as sixels over cells: drawn where their cells stand, again when those were sent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from consoles import bench
from PIL import Image
from recorded import whole_session

from aspire_tui.tui.screen.diff import PLAIN, CellDiff, Pen
from aspire_tui.tui.screen.sixel import MARK, SixelLayer, SixelPicture, sixel_picture
from aspire_tui.tui.screen.text import plain, width


def noise(side: int) -> bytes:
    rgb = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("most_B", [400_000, 30_000, 4_000])
def test_it_fits_its_box_and_its_price(most_B: int) -> None:
    picture = sixel_picture(noise(200), 8, 30, most_B)
    assert picture.data.startswith("\x1bP") and picture.data.endswith("\x1b\\")
    assert len(picture.data) <= most_B and picture.rows <= 8 and picture.columns <= 30
    assert all(width(row) == picture.columns for row in picture.lines())


class Screen:
    """A cell diff with a layer of pictures over it, as the console sends them."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.diff = CellDiff(40, 12)
        self.layer = SixelLayer(1_000.0, lambda: self.now_s)
        self.picture = SixelPicture(77, 3, 8, "\x1bPq" + "?" * 494 + "\x1b\\")
        self.layer.show(self.picture)

    def put(self, x: int, y: int, rows: int = 3) -> None:
        for row in range(rows):
            self.diff.put(x, y + row, plain(self.picture.lines()[row]), Pen("", "38;5;77", ""))

    def clear(self) -> None:
        for y in range(12):
            self.diff.put(0, y, " " * 40, PLAIN)

    def sent(self) -> tuple[str, int]:
        """What a frame sends: cells, and how often the picture."""
        self.layer.lift(self.diff)
        cells = self.diff.changes()
        return cells, self.layer.drawing(self.diff).count(self.picture.data)


def test_it_is_drawn_once_where_its_cells_stand() -> None:
    screen = Screen()
    screen.put(4, 2)
    _, drawn = screen.sent()
    assert drawn == 1
    screen.diff.put(0, 11, "elsewhere", PLAIN)
    assert screen.sent()[1] == 0, "nothing of it was written over"


def test_what_it_leaves_is_written_anew_and_it_waits_for_its_turn() -> None:
    screen = Screen()
    screen.put(4, 2)
    screen.sent()
    screen.clear()
    screen.put(4, 3)  # a row further down: two of three rows of cells are the same
    cells, drawn = screen.sent()
    assert cells.count(MARK) == 3 * 8, "the cells it covered are all sent, also the unchanged"
    assert drawn == 0 and screen.layer.due_s(screen.diff) == pytest.approx(0.5, abs=0.01), (
        "its price"
    )
    screen.now_s += 0.6
    assert screen.sent()[1] == 1 and screen.layer.due_s(screen.diff) is None


def test_covered_or_cut_it_is_not_drawn_and_redrawn_after() -> None:
    screen = Screen()
    screen.put(4, 2)
    screen.sent()
    screen.now_s += 10.0
    screen.diff.put(5, 3, "a bar", PLAIN)
    assert screen.sent()[1] == 0
    screen.put(4, 2)
    assert screen.sent()[1] == 1
    screen.now_s += 10.0
    screen.diff.forget()
    screen.layer.forget()
    assert screen.sent()[1] == 1, "another terminal: all is sent again"
    cut = Screen()
    cut.put(4, 10, rows=2)
    assert cut.sent()[1] == 0


async def test_the_console_shows_it_with_its_price(tmp_path: Path) -> None:
    async with bench(whole_session(tmp_path / "s.db"), "replay", sixel=True) as b:
        await b.press("left_curly_bracket", "g", "o")
        rows: Any = b.pane("call")
        assert sum(MARK in row for row in rows) > 3 and not any("▀" in row for row in rows)
        assert any("kB whenever it moves" in row for row in rows)
