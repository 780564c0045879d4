"""A run whose file was taken away ends; one whose file only grows goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aspire_tui.engine.kept_file import SessionGone, watch_file


async def _watched_while(path: Path, change: str) -> None:
    watching = asyncio.create_task(watch_file(path, 0.001))
    await asyncio.sleep(0)  # it has looked once
    if change == "deleted":
        path.unlink()
    else:
        path.with_suffix(".new").write_text("another")
        path.with_suffix(".new").replace(path)
    await asyncio.wait_for(watching, 30.0)


@pytest.mark.parametrize("change", ["deleted", "replaced"])
async def test_a_file_that_is_no_longer_there_ends_the_watch(tmp_path: Path, change: str) -> None:
    path = tmp_path / "s.db"
    path.write_text("one")
    with pytest.raises(SessionGone, match=r"s\.db was deleted or replaced"):
        await _watched_while(path, change)


async def test_writing_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("one")
    watching = asyncio.create_task(watch_file(path, 0.0))
    for _ in range(50):
        with path.open("a") as more:
            more.write("x")
        await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
