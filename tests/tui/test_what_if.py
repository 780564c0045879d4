"""What if a call had been asked otherwise: on a recorded run's own pictures, and into a fork."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from consoles import bench
from test_by_hand import row_text

from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.what_if import Asked, NotAsked, asked_in, changed_program

SHIPPED = Path(__file__).parents[2] / "sessions" / "stack-repaired.db"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("what-if") / "run.db"
    shutil.copy(SHIPPED, path)
    return path


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("small red cube", Asked(prompt="small red cube")),
        ("at 120, 88", Asked(point="120,88")),
        ("red cube >= 0.6, camera wrist", Asked("red cube", "", "0.6", "wrist")),
        (">= .9", Asked(threshold=".9")),
    ],
)
def test_what_is_typed(text: str, asked: Asked) -> None:
    assert asked_in(text) == asked


def test_nothing_typed_asks_nothing() -> None:
    with pytest.raises(NotAsked, match="a prompt, or at 120,88"):
        asked_in("  ")


def test_the_prompt_is_changed_in_its_line_and_nowhere_else() -> None:
    text = 'a = get_object_pose("cube")\nb = get_object_pose("cube")\n'
    changed = changed_program(text, 2, "cube", 'red "cube"')
    assert changed == 'a = get_object_pose("cube")\nb = get_object_pose("red \\"cube\\"")\n'
    assert changed_program(text, 1, "sphere", "cube") is None
    assert changed_program(text, 9, "cube", "red cube") is None


async def test_the_call_looks_again_and_both_answers_stand_side_by_side(recorded: Path) -> None:
    with SessionReader(recorded) as reader:
        result = reader.call(1, 1)
    assert result is not None and result.result is not None
    async with bench(recorded, "replay") as b:
        b.console.source.choose(trial=1, call=1)
        await b.settled()
        await b.press("u")
        assert b.console.typed.value == "red cube"
        b.console.typed.value = "green cube"
        await b.press("enter")
        await b.until(lambda: b.console.workspace.covered, timeout_s=60.0)
        await b.settled()
        rows = "\n".join(row_text(b))
        assert "“red cube”" in rows and "“green cube”" in rows and "▀" in rows
        assert result.result.summary[:20] in rows, "what it was stays as it was recorded"
        await b.press("f")
        assert "replay: no cell attached" in b.bar, "a replay has no engine to fork in"


async def test_a_call_that_kept_no_picture_says_so(recorded: Path) -> None:
    async with bench(recorded, "replay") as b:
        b.console.source.choose(trial=1, call=4)
        await b.settled()
        await b.press("u")
        assert "this call kept no picture" in b.bar
