"""The hand-over note: from the session alone, since a time, with foreign words made plain."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from aspire_tui.events import Bookmarked, HandAct, Note, OperatorAct, VerdictOverridden
from aspire_tui.session.handover import hand_over
from aspire_tui.session.reader import SessionReader

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))

from recorded import BEGAN_WALL_S, Story, first_half

SHIPPED = Path(__file__).parents[2] / "sessions" / "stack-repaired.db"


def note_of(path: Path, since_s: float = 0.0) -> str:
    with SessionReader(path) as reader:
        return hand_over(reader, since_s)


def test_a_run_that_was_recorded_is_told_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    shutil.copy(SHIPPED, path)
    text = note_of(path)
    for part in (
        "# Hand-over: run",
        "ended PASS 49/50 (0.90–1.00), by done",
        "- held-out: 49/50 PASS",
        "## Kept and promoted",
        "H2 look-closer-before-grasp",
    ):
        assert part in text, part


def test_what_people_did_is_there_and_who(tmp_path: Path) -> None:
    story = Story(tmp_path / "shift.db")
    first_half(story)
    story.say(
        OperatorAct("a", "hold", "ana", "operator", True),
        OperatorAct("b", "hold", "ana", "operator", True),
        OperatorAct("c", "resume", "bo", "operator", False, "control is ana's"),
        VerdictOverridden(1, "PASS", "UNSURE", "it wobbled", "ana", "d"),
        HandAct("reset", "ana", "e", "cube_stack", 7, True, "ok: as it should be"),
        Bookmarked(9, "odd light", "bo", "f"),
        Note("ana: swapped the lamp", "info", "operator"),
        Note("servo 3 is warm", "warn"),
    )
    text = note_of(story.path)
    story.close()
    for part in (
        "ana: hold ×2",
        "trial 1: PASS, UNSURE says ana: it wobbled",
        "reset by ana: ok: as it should be",
        "mark at event 9: odd light (bo)",
        "swapped the lamp",
        "servo 3 is warm",
    ):
        assert part in text, part
    assert "resume" not in text, "what was refused did not happen"


def test_only_what_happened_since(tmp_path: Path) -> None:
    story = Story(tmp_path / "since.db")
    first_half(story)
    story.say(Note("early", "warn"))
    middle_s = BEGAN_WALL_S + story.clock.t_s
    story.say(Note("late", "warn"))
    text = note_of(story.path, middle_s)
    story.close()
    assert "late" in text and "early" not in text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "| a | b |", "# big\n## bigger"])
def test_foreign_words_are_no_markup(tmp_path: Path, evil: str) -> None:
    story = Story(tmp_path / "evil.db")
    first_half(story)
    story.say(Note(evil, "error"))
    text = note_of(story.path)
    story.close()
    rows = [line for line in text.splitlines() if "\\" in line]
    assert rows, "what could be markup is escaped"
    for row in rows:
        assert "<" not in row.replace("\\<", "") and "|" not in row.replace("\\|", "")
    assert not any(line.startswith(("# big", "## bigger")) for line in text.splitlines())


def test_an_empty_session_says_so(tmp_path: Path) -> None:
    story = Story(tmp_path / "empty.db")
    story.close()
    assert "Nothing was recorded." in note_of(story.path)
