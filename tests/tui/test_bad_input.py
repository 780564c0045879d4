"""What no screen may stumble over: foreign text, broken pictures, a lost file, a jumping clock."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from consoles import NOW_S, bench
from PIL import Image
from recorded import Story, first_half, whole_session

from aspire_tui.events import AgentSaid, Note, ProgramEnded
from aspire_tui.tui.panes.picture import decode

NASTY = {
    "a line of a megabyte": "x" * 1_000_000,
    "an ANSI bomb": "\x1b[2J\x1b]0;owned\x07\x1b[999;999H\x9b31m" * 500,
    "right to left": "\u202eevil\u202c שלום مرحبا",
    "zero width": "a\u200b\u200d\ufeff" * 400,
    "marks on marks": "Z" + "\u0335\u0489" * 300,
    "wide glyphs": "测试🤖👩‍🚀" * 300,
    "lone surrogates": "\\ud800 " * 10,
}


@pytest.mark.parametrize("kind", NASTY)
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_foreign_text_is_inert_wherever_it_is_shown(
    tmp_path: Path, kind: str, size: tuple[int, int]
) -> None:
    text = NASTY[kind]
    story = Story(tmp_path / "nasty.db")
    first_half(story)
    try:
        async with bench(story.path, size=size) as b:
            seq = b.console.moment.snapshot.seq
            story.say(
                AgentSaid(text, "finding"), Note(text, "warn"),
                ProgramEnded(1, 1, "raised", text, None, text, 5),
            )  # fmt: skip
            await b.until(lambda: b.console.moment.snapshot.seq > seq + 2)
            for key in ("3", "4", "J", "escape", "H"):
                await b.press(key)
                rows = [r for rows in b.screen().values() for r in rows] + [b.bar, b.strip]
                assert not any("\x1b" in row or "\u202e" in row for row in rows)
            assert all(len(row) <= size[0] for row in b.pane("agent"))
    finally:
        story.close()


def test_a_picture_that_is_none_is_told_in_a_line() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "JPEG")
    broken = out.getvalue()[: len(out.getvalue()) // 2]
    for data in (b"", b"no picture", broken, out.getvalue()[:20]):
        told = decode(data)
        assert isinstance(told, str) and "cannot be read" in told and "\n" not in told


def test_a_picture_of_ten_thousand_pixels_a_side_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    told = decode(out.getvalue())
    assert isinstance(told, str) and "too large" in told


@pytest.mark.parametrize("mode", ["live", "replay"])
async def test_a_session_deleted_while_it_is_open(tmp_path: Path, mode: str) -> None:
    path = whole_session(tmp_path / "gone.db")
    async with bench(path, mode) as b:
        for left in tmp_path.glob("gone.db*"):
            left.unlink()
        await b.press("5", "g", "enter", "1", "4")
        assert b.console.moment.snapshot.seq > 0 and b.console.is_running
        await b.press("u", "d", "escape", "q")


async def test_a_clock_that_jumps_only_changes_what_is_said_of_time(tmp_path: Path) -> None:
    story = Story(tmp_path / "jump.db")
    first_half(story)
    try:
        async with bench(story.path) as b:
            for now_s in (NOW_S - 1e6, 0.0, NOW_S + 800.0):
                b.console._clock = lambda now_s=now_s: now_s
                b.console._tick()
                await b.press("1")
            await b.press("space")
            await b.until(lambda: b.stop.holds)
    finally:
        story.close()
