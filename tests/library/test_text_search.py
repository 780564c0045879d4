"""Words are asked only where no signature answers, and the answer says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aspire_tui.library.load import Library, load_library
from aspire_tui.library.match import Failure
from aspire_tui.library.text_search import TextIndex, match_or_search, words_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([ROOT / "skills"])


def test_a_signature_is_never_outvoted_by_words(library: Library) -> None:
    failure = Failure("close_gripper", "EMPTY_GRASP", earlier=("sample_grasp_pose", "goto_pose"))
    found = match_or_search(failure, library, TextIndex(library), "slipped out blocked approach")
    assert found[0].skill.name == "regrasp-after-empty"
    assert "no signature fits" not in found[0].why


def test_words_find_what_no_signature_does_and_are_shown(library: Library) -> None:
    failure = Failure("segment", "NOT_FOUND")
    found = match_or_search(failure, library, TextIndex(library), "it slipped out on the way")
    assert found[0].skill.name == "regrasp-after-slip"
    assert found[0].why.startswith("no signature fits; shares the words")
    assert "slipped" in found[0].why


def test_an_undeclared_primitive_and_a_superseded_skill_are_not_offered(library: Library) -> None:
    assert TextIndex(library).search("slipped", declared=()) == ()
    old = library.get("regrasp-after-slip")
    heir = library.get("regrasp-after-empty")
    heir = msgspec.structs.replace(
        heir, definition=msgspec.structs.replace(heir.definition, supersedes=(old.name,))
    )
    index = TextIndex(Library((heir, old)))
    assert old.name not in [m.skill.name for m in index.search("slipped way")]


@pytest.mark.parametrize("text", ["", "the of", "zzz qqq", "\x00"])
def test_nothing_to_say_finds_nothing(library: Library, text: str) -> None:
    assert TextIndex(library).search(text) == ()


def test_an_empty_library_finds_nothing() -> None:
    assert TextIndex(Library(())).search("slipped") == ()
    assert words_of("goto_pose BLOCKED at the grasp") == ["goto", "pose", "blocked", "grasp"]
