"""Acts on the tree by key: fork, borrow, prune, promote; each sends what it says, after asking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import Said, bench
from hypothesis import given
from hypothesis import strategies as st
from recorded import Story
from test_by_hand import between_trials, row_text

from aspire_tui.events import PhaseChanged, SkillDrafted, SkillRuled
from aspire_tui.library.front_matter import read_front_matter
from aspire_tui.tui.skill_mark import NoFrontMatter, marked_for


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = between_trials(tmp_path_factory.mktemp("ideas") / "tree.db")
    yield story.path
    story.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    story = between_trials(tmp_path / "held.db")
    story.say(PhaseChanged(2, "held", "HOLD by op1", 1.0))
    yield story.path
    story.close()


async def test_fork_with_a_note_goes_to_the_hypothesis_under_the_cursor(tree: Path) -> None:
    async with bench(tree) as b:
        await b.press("5", "g", "f", *"wider", "enter")
        await b.until(lambda: b.engine.sent == [("fork", {"hypothesis": 1, "note": "wider"})])


async def test_an_edited_fork_only_in_hold_and_only_when_something_changed(
    tree: Path, held: Path
) -> None:
    def untouched(_: Path) -> None:
        pass

    def edited(path: Path) -> None:
        path.write_text(path.read_text() + "home_pose()\n")

    async with bench(tree, editor=edited) as b:
        await b.press("F")
        assert "only in HOLD" in b.bar
    async with bench(held, editor=untouched) as b:
        await b.press("5", "g", "F")
        await b.until(lambda: "nothing was changed" in b.bar)
        assert not b.engine.sent
    async with bench(held, editor=edited) as b:
        await b.press("5", "g", "F")
        await b.until(lambda: b.console.acts.typing == "fork_note")
        await b.press(*"homes", "enter")
        await b.until(lambda: b.engine.sent)
        verb, args = b.engine.sent[0]
        assert (verb, args["hypothesis"], args["note"]) == ("fork", 1, "homes")
        assert args["program"].endswith("home_pose()\n")


async def test_an_editor_that_fails_changes_nothing(held: Path) -> None:
    def broken(_: Path) -> None:
        raise OSError("no such editor")

    async with bench(held, editor=broken) as b:
        await b.press("5", "g", "F")
        await b.until(lambda: "the editor failed: no such editor" in b.bar)
        assert not b.engine.sent and not b.console.acts.typing


async def test_borrow_and_prune_ask_with_cancel_as_default(tree: Path) -> None:
    async with bench(tree) as b:
        await b.press("5", "g", "plus", *"H2", "enter")
        assert "Join what H1 changed into H2?" in b.bar
        await b.press("enter")
        assert not b.engine.sent
        await b.press("plus", *"2", "enter", "y")
        await b.until(lambda: b.engine.sent == [("borrow", {"into": 2, "donor": 1})])
        await b.press("x", *"weak", "enter", "y")
        said = {"hypothesis": 1, "reason": "weak"}
        await b.until(lambda: b.engine.sent[-1] == ("prune", said))
        await b.press("plus", *"me", "enter")
        assert "type another hypothesis" in b.bar


async def test_promote_drafts_shows_the_gate_and_admits_by_name(tmp_path: Path) -> None:
    story = between_trials(tmp_path / "promoting.db")
    folder = tmp_path / "draft"
    folder.mkdir()
    (folder / "SKILL.md").write_text(
        "---\nname: grasp-deeper\ndescription: deeper\n---\n# Grasp deeper\nlower by 12 mm\n"
    )
    try:
        async with bench(story.path) as b:
            await b.press("5", "G", "P", "y")
            await b.until(lambda: b.engine.sent)
            assert b.engine.sent == [("promote", {"step": "draft", "hypothesis": 2})]
            drafted(story, folder)
            await b.until(lambda: b.console.moment.snapshot.promotion is not None)
            await b.press("P")
            await b.until(lambda: b.console.workspace.covered)
            rows = "\n".join(row_text(b))
            for part in ("grasp-deeper", "needs another session", "Grasp deeper", "refused"):
                assert part in rows, part
            assert "[cancel]" in b.bar and "admit" in b.bar and "abandon" in b.bar
            await b.press("tab", "tab", "enter")
            await b.until(lambda: b.engine.verbs == ["promote", "promote"])
            assert b.engine.sent.pop()[1] == {"step": "check", "skill": "grasp-deeper"}
            assert 'task-specific: "cube_stack"' in (folder / "SKILL.md").read_text()
            await b.press("P", "tab", "enter", *"wrong", "enter")
            assert "that is not its name" in b.bar and len(b.engine.sent) == 1
            await b.press("escape", "P", "tab", "enter")
            await b.until(lambda: b.console.acts.typing == "admit")
            await b.press(*"grasp", "minus", *"deeper", "enter")
            said = {"step": "confirm", "skill": "grasp-deeper", "hypothesis": 2}
            await b.until(lambda: b.engine.sent[-1] == ("promote", said))
    finally:
        story.close()


def drafted(story: Story, folder: Path) -> None:
    story.say(
        SkillDrafted("grasp-deeper", 2, 1, 7, str(folder), "rules", ("say when",)),
        SkillRuled("grasp-deeper", "draft", ("needs another session",), ("5/6",), "op1", 2),
    )


async def test_a_refusal_of_the_gate_is_an_alarm(tree: Path) -> None:
    async with bench(tree) as b:
        b.engine.reply = Said(False, "grasp-deeper is refused: needs another session")
        await b.press("5", "G", "P", "y")
        await b.until(lambda: "promote refused" in b.bar and "needs another session" in b.bar)


async def test_nothing_of_this_is_for_a_replay(tree: Path) -> None:
    async with bench(tree, "replay") as b:
        for key in ("f", "F", "plus", "x", "P"):
            await b.press(key)
            assert "replay: no cell attached" in b.bar, key


@given(task=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_a_mark_is_read_back_as_it_was_written_and_replaces_an_earlier_one(task: str) -> None:
    for metadata in ("", 'metadata:\n  kind: "heuristic"\n'):
        text = f"---\nname: deeper\ndescription: goes deeper\n{metadata}---\n# Deeper\n"
        once = marked_for(text, "other")
        found = read_front_matter(marked_for(once, task))
        assert found.metadata["task-specific"] == task
        assert ("kind" in found.metadata) == bool(metadata) and found.name == "deeper"
    with pytest.raises(NoFrontMatter):
        marked_for("# no front matter", task)
