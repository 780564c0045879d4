"""No tool of any agent opens a trial but on dev scenes, and none tells what the referee saw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from two_faults import PLAIN, ideas_on, opened

from aspire_tui.domain import Budget
from aspire_tui.engine.book import Book
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import ProgramEnded, RefereeJudged, TrialClosed
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from tests.session.story import BLOBS, intent, opening, result, trial_opened, verdict

TASK = find_task("cube_lift")
SKILLS = Path(__file__).parents[2] / "skills"
SETS = ("dev", "selection", "held_out", "dev")
TRUTH = "z_of_the_cube_as_the_simulator_has_it"
WORDS = {
    "skill": "look-closer-before-grasp",
    "name": "look-again",
    "description": "d",
    "when": "w",
    "why": "y",
    "sketch": "look()",
    "hypothesis": 1,
    "call": 1,
}


@pytest.fixture
async def tools(tmp_path: Path) -> Any:
    """The real toolbox over a session with a trial on each set of scenes, and one more on dev."""
    recorder = Recorder.create(tmp_path / "s.db")
    told: list[Any] = [opening()]
    for number, seed_set in enumerate(SETS, 1):
        told += [trial_opened(number, "worker", seed_set, 1), intent(number, 1)]
        told += [result(number, 1), ProgramEnded(number, 1, "returned", "", None, "", 1)]
        told += [verdict(number, "FAIL"), RefereeJudged(number, 1, "PASS", {TRUTH: 0.25})]
        told += [TrialClosed(number, "FAIL", "returned", 1, 1.0, 1.0)]
    recorder.append(tuple(told), BLOBS, (), ())
    reader, book = SessionReader(tmp_path / "s.db"), Book(recorder, Budget())
    ideas = ideas_on(TASK)
    await opened(ideas, PLAIN, None)
    search = SimpleNamespace(mine=lambda _: True, brief=None, race=None)
    yield Toolbox(
        task_def=TASK,
        book=book,
        trials=ideas.trials,
        ideas=ideas,
        search=search,  # type: ignore[arg-type]
        reader=reader,
        library=load_library((SKILLS,)),
        names=SimpleNamespace(get=None),  # type: ignore[arg-type]
        author="llm",
        cell_info=None,  # type: ignore[arg-type]
        conversation=Conversation(book, lambda: False),
    )
    reader.close()
    recorder.close()


def of_trials() -> Iterator[tuple[str, str]]:
    """Every tool with every argument of it that names a trial."""
    for tool in TOOLS.values():
        for name in tool.schema().get("properties", {}):  # type: ignore[union-attr]
            if name == "trial" or (tool.name == "compare" and name in ("a", "b")):
                yield tool.name, name


def asked(tool: str, names: str, trial: int) -> dict[str, Any]:
    """Arguments of a tool, with this one of them naming the trial and any other a dev trial."""
    fields = TOOLS[tool].arguments.__struct_fields__
    dev = {n: 1 for n in ("trial", "a", "b") if n in fields}
    return {n: w for n, w in WORDS.items() if n in fields} | dev | {names: trial}


@pytest.mark.parametrize(("tool", "names"), of_trials())
async def test_a_trial_that_decides_or_proves_is_closed_to_every_tool(
    tools: Toolbox, tool: str, names: str
) -> None:
    for number in (2, 3):
        with pytest.raises(ToolRefused, match=f"trial {number} ran on a {SETS[number - 1]} scene"):
            await tools.use(tool, asked(tool, names, number))
    with pytest.raises(ToolRefused, match="no trial 99"):
        await tools.use(tool, asked(tool, names, 99))


async def test_what_the_referee_saw_is_in_no_answer(tools: Toolbox) -> None:
    answers = []
    for tool in ("calls", "call", "checks", "compare", "leaderboard", "program", "budget", "told"):
        fields = TOOLS[tool].arguments.__struct_fields__
        args = {"trial": 1, "a": 1, "b": 4, "call": 1, "hypothesis": 1}
        answers.append(await tools.use(tool, {n: v for n, v in args.items() if n in fields}))
    text = msgspec.json.encode(answers).decode()
    assert "height" in text, "the verifier's own checks are told"
    assert TRUTH not in text and "referee" not in text.lower()


def test_every_tool_that_takes_a_trial_is_tried_above() -> None:
    assert {tool for tool, _ in of_trials()} == {
        "calls", "call", "checks", "view", "compare", "match_skills", "apply_skill",
        "propose_skill",
    }  # fmt: skip
