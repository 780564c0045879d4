"""Pictures by the kitty protocol: cells that stand for them, sent once, never too large."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from consoles import bench
from PIL import Image
from recorded import whole_session

from aspire_tui.tui.screen.diff import PLAIN, CellDiff
from aspire_tui.tui.screen.kitty import PLACEHOLDER, kitty_picture
from aspire_tui.tui.screen.text import plain, width


def noise(side: int) -> bytes:
    rgb = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("most_B", [200_000, 40_000, 5_000])
def test_it_fits_its_box_and_its_price(most_B: int) -> None:
    picture = kitty_picture(noise(300), 12, 40, most_B)
    sent = picture.sending(in_tmux=False)
    assert len(base64.standard_b64encode(picture.png)) <= most_B
    assert picture.rows <= 12 and picture.columns <= 40
    assert all(width(row) == picture.columns for row in picture.lines())
    payload = "".join(re.findall(r";([^\x1b]*)\x1b", sent))
    assert base64.standard_b64decode(payload) == picture.png
    assert all(len(part) <= 4096 + 80 for part in sent.split("\x1b\\"))


def test_the_cell_diff_keeps_the_marks_of_every_cell() -> None:
    picture = kitty_picture(noise(64), 4, 8, 40_000)
    diff = CellDiff(20, 6)
    for y, row in enumerate(picture.lines()):
        diff.put(2, y, plain(row), PLAIN)
    assert diff.changes().count(PLACEHOLDER) == picture.rows * picture.columns
    marks = plain(picture.lines()[1])[1:3]
    assert marks[0] != marks[1], "row one, column nought"
    assert diff.changes() == ""


def test_through_tmux_every_escape_is_doubled() -> None:
    sent = kitty_picture(noise(64), 4, 8, 40_000).sending(in_tmux=True)
    assert sent.startswith("\x1bPtmux;\x1b\x1b_G") and sent.endswith("\x1b\x1b\\\x1b\\")


async def test_a_picture_is_sent_once_and_drawn_as_cells(tmp_path: Path) -> None:
    sent: list[str] = []
    async with bench(whole_session(tmp_path / "s.db"), "replay", kitty=True) as b:
        b.console.to_terminal = sent.append  # type: ignore[method-assign]
        await b.press("left_curly_bracket", "g", "o")
        rows: Any = b.pane("call")
        assert sum(PLACEHOLDER in row for row in rows) > 3 and not any("▀" in r for r in rows)
        assert any("kB sent once" in row for row in rows)
        pictures = [text for text in sent if "\x1b_G" in text]
        await b.press("tab", "shift+tab", "question_mark", "escape")
        assert len([text for text in sent if "\x1b_G" in text]) == len(pictures), "once"
        await b.press("z")
        assert len([text for text in sent if "\x1b_G" in text]) > len(pictures), "another size"
        await b.press("o", "o")
        assert not any(PLACEHOLDER in row for row in b.pane("call"))
