"""The operator's promotion: drafted from what ran, through the same gate, one at a time."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aspire_tui.engine.promotions import Promotions
from aspire_tui.engine.protocol import Command, Reply, refusal
from aspire_tui.events import HypothesisDecided, SkillDrafted, SkillRuled
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "sessions" / "stack-repaired.db"


@dataclass
class Book:
    written: list[Any] = field(default_factory=list)

    async def write(self, *events: Any) -> int:
        self.written += events
        return len(self.written)


@dataclass
class Job:
    session: str
    shelf: str
    skill_folders: tuple[str, ...]


@dataclass
class Run:
    """An engine's job and book; nothing else of it takes part."""

    job: Job
    book: Book = field(default_factory=Book)

    canary: Any = None

    async def before_promotion(self, skill: str) -> bool | None:
        self.looked.append(skill)
        return self.holds

    def ask(self, **args: Any) -> Reply:
        async def asked() -> Reply:
            reply = await self.promotions.act(command(**args))
            await self.promotions.settled()
            return reply

        return asyncio.run(asked())

    def watched(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        return task

    def __post_init__(self) -> None:
        self.holds: bool | None = True
        self.looked: list[str] = []
        self.canary = self
        self.promotions = Promotions(self)  # type: ignore[arg-type]

    tree: Any = None

    def ideas_at(self, hypothesis: int) -> Any:
        """The ideas of a run; None when none is going on."""
        return self.tree


def command(**args: Any) -> Command:
    return Command(1, f"id-{args.get('step')}", "promote", "ann", args=args)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    session = tmp_path / "sessions" / SHIPPED.name
    session.parent.mkdir()
    shutil.copy(SHIPPED, session)
    return Run(Job(str(session), str(tmp_path / "skills"), (str(ROOT / "skills"),)))


@pytest.fixture
def kept(run: Run) -> int:
    with SessionReader(run.job.session) as reader:
        return next(h.hypothesis for h in reader.hypotheses() if h.status == "kept")


def test_a_repair_is_drafted_edited_and_confirmed_through_the_gate(run: Run, kept: int) -> None:
    drafted = run.ask(step="draft", hypothesis=kept, skill="look-first")
    assert drafted.accepted and drafted.data["standing"] == "refused"
    assert "helps cube_stack alone" in drafted.data["missing"][0]
    assert "31/32 with" in drafted.data["shown"][0]
    event = next(e for e in run.book.written if isinstance(e, SkillDrafted))
    assert (event.hypothesis, event.author, event.id) == (kept, "rules", "id-draft")
    assert load_library([Path(run.job.shelf)]).skills == ()

    refused = run.ask(step="confirm", skill="look-first")
    assert not refused.accepted and "helps cube_stack alone" in refused.reason
    text = Path(event.folder) / "SKILL.md"
    text.write_text(text.read_text().replace("  kind:", '  task-specific: "cube_stack"\n  kind:'))
    done = run.ask(step="confirm", skill="look-first")
    assert done.accepted and "it is kept once the canary holds" in done.reason
    assert [s.name for s in load_library([Path(run.job.shelf)]).skills] == ["look-first"]
    ruled = [e for e in run.book.written if isinstance(e, SkillRuled)]
    assert [e.standing for e in ruled] == ["draft", "refused", "admitted"]
    decided = next(e for e in run.book.written if isinstance(e, HypothesisDecided))
    assert (decided.hypothesis, decided.status) == (kept, "promoted")


def test_in_a_run_that_goes_on_the_tree_itself_is_told(run: Run, kept: int) -> None:
    told: list[tuple[int, str]] = []

    async def promoted(number: int, reason: str) -> None:
        told.append((number, reason))

    run.tree = SimpleNamespace(tree=SimpleNamespace(nodes={kept: None}), promoted=promoted)
    folder = run.ask(step="draft", hypothesis=kept, skill="look-first").data["folder"]
    text = Path(folder) / "SKILL.md"
    text.write_text(text.read_text().replace("  kind:", '  task-specific: "cube_stack"\n  kind:'))
    assert run.ask(step="confirm", skill="look-first").accepted
    assert told == [(kept, "promoted as look-first by ann: admitted")]


def test_nothing_is_promoted_into_a_world_that_changed(run: Run, kept: int) -> None:
    folder = run.ask(step="draft", hypothesis=kept, skill="look-first").data["folder"]
    text = Path(folder) / "SKILL.md"
    text.write_text(text.read_text().replace("  kind:", '  task-specific: "cube_stack"\n  kind:'))
    run.holds = False  # found by the canary that the confirmation asks for
    assert run.ask(step="confirm", skill="look-first").accepted
    assert run.looked == ["look-first"]
    last = run.book.written[-1]
    assert isinstance(last, SkillRuled) and last.standing == "refused"
    assert "the world has changed" in last.missing[0] and last.id == "id-confirm"
    assert not (Path(run.job.shelf) / "look-first").exists()


def test_an_edit_that_does_something_else_loses_its_proof(run: Run, kept: int) -> None:
    folder = run.ask(step="draft", hypothesis=kept, skill="look-first").data["folder"]
    sketch = next(Path(folder).glob("scripts/*.py"))
    sketch.write_text(sketch.read_text() + "home_pose()\n")
    checked = run.ask(step="check", skill="look-first")
    assert f"does not give hypothesis {kept} any more" in checked.data["missing"][0]
    assert "no paired runs" in checked.data["missing"][1]


def test_further_recordings_may_be_named_and_one_that_is_none_is_one_line(
    run: Run, kept: int, tmp_path: Path
) -> None:
    run.ask(step="draft", hypothesis=kept, skill="look-first")
    absent = run.ask(step="confirm", skill="look-first", evidence=[str(tmp_path / "gone.db")])
    assert not absent.accepted and absent.reason.endswith("gone.db is no recording")
    again = run.ask(step="check", skill="look-first", evidence=[str(SHIPPED)])
    assert again.data["shown"] == run.ask(step="check", skill="look-first").data["shown"], (
        "the same runs are never counted twice"
    )


def test_of_two_at_once_one_goes_on_and_the_other_is_told_by_whom(run: Run, kept: int) -> None:
    async def both() -> list[Reply]:
        asked = command(step="draft", hypothesis=kept)
        return await asyncio.gather(run.promotions.act(asked), run.promotions.act(asked))

    first, second = asyncio.run(both())
    assert first.accepted and not second.accepted
    assert second.reason == "a promotion by ann is under way; try again after it"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"step": "draft", "hypothesis": 1}, "hypothesis 1 is a first program"),
        ({"step": "draft", "hypothesis": 99}, "there is no hypothesis 99"),
        ({"step": "confirm", "skill": "nobody"}, "no draft of nobody waits"),
        ({"step": "check", "skill": "nobody"}, "no draft of nobody waits"),
        ({"step": "abandon", "skill": ""}, "nothing does not wait"),
        ({"step": "force"}, "Invalid enum value 'force'"),
        ({"step": "draft", "hypothesis": 2, "skill": "No Name"}, "must be 1 to 64 of a-z"),
    ],
)
def test_what_cannot_be_promoted_is_one_line(run: Run, args: dict[str, Any], said: str) -> None:
    reply = run.ask(**args)
    assert not reply.accepted and said in reply.reason and "\n" not in reply.reason
    assert not [e for e in run.book.written if isinstance(e, HypothesisDecided)]


def test_neither_an_agent_nor_a_viewer_promotes() -> None:
    for role in ("agent", "viewer"):
        assert refusal(Command(1, "x", "promote", "ann", role, {"step": "confirm"}))  # type: ignore[arg-type]
