"""A screen says who is there and whether anybody can be: and acts between people are typed."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from consoles import NOW_S, bench
from recorded import Story, first_half

from aspire_tui.tui.attachment import Attachment, terminal_answers
from aspire_tui.tui.people import UNTOLD, PeopleSeen, seen_in


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("console") / "running.db")
    first_half(story)
    yield story.path
    story.close()


TMUX = {"TMUX": "/tmp/tmux-0/default,1,0", "TMUX_PANE": "%3"}
WATCHED = {
    "policy": "hold",
    "present": True,
    "age_s": 3.0,
    "control": "anna",
    "mine": False,
    "take": "take control from anna",
    "grant_until_s": None,
    "grant_template": "op1 leaves yam on cube_stack until 18:30 at 30 % …",
}


@pytest.mark.parametrize(
    ("said", "there", "how"),
    [("1\n", True, "1 attached"), ("0\n", False, "no client"), ("", False, "no client")],
)
def test_under_tmux_the_attached_clients_count(said: str, there: bool, how: str) -> None:
    asked: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        asked.append(command)
        return said

    found = Attachment(TMUX, run, lambda: True).look()
    assert found.there is there and how in found.how
    assert asked == [["tmux", "display-message", "-p", "-t", "%3", "#{session_attached}"]]


def test_a_multiplexer_that_does_not_answer_is_nobody() -> None:
    def run(_: Sequence[str]) -> str:
        raise subprocess.TimeoutExpired("tmux", 1.0)

    assert not Attachment(TMUX, run, lambda: True).look().there


@pytest.mark.parametrize(("word", "there"), [("(Attached)", True), ("(Detached)", False)])
def test_a_screen_session_says_whether_it_is_attached(word: str, there: bool) -> None:
    listed = f"There are screens on:\n\t12.other\t(Attached)\n\t7.cell1\t{word}\n"
    found = Attachment({"STY": "7.cell1"}, lambda _: listed, lambda: True).look()
    assert found.there is there


def test_a_terminal_that_hung_up_is_nobody() -> None:
    ours, theirs = pty.openpty()
    assert terminal_answers(theirs)
    os.close(ours)  # as sshd does when the connection is gone
    assert not terminal_answers(theirs)
    os.close(theirs)
    assert Attachment({}, answers=lambda: False).look().how == "the terminal has hung up"


def test_what_the_engine_says_is_read_field_by_field() -> None:
    assert seen_in({}) == UNTOLD
    hostile = seen_in({"age_s": "soon", "control": "x\x1b[2J" * 40, "present": 1})
    assert hostile.age_s is None and "\x1b" not in hostile.control and not hostile.present
    assert seen_in(WATCHED) == PeopleSeen(
        "hold", True, 3.0, "", "anna", False, "take control from anna", None,
        "op1 leaves yam on cube_stack until 18:30 at 30 % …",
    )  # fmt: skip


async def test_the_strip_shows_presence_and_who_has_control(running: Path) -> None:
    async with bench(running) as b:
        b.engine.people = WATCHED
        b.console._report()
        await b.until(lambda: b.console.live.people.policy == "hold")
        b.console.draw_bars()
        assert "presence 3 s" in b.strip and "control anna" in b.strip
        b.engine.people = {**WATCHED, "present": False}
        b.console._report()
        await b.until(lambda: "NOBODY PRESENT" in b.strip)
        b.engine.people = {**WATCHED, "grant_until_s": NOW_S + 600}
        b.console._report()
        await b.until(lambda: "UNATTENDED until" in b.strip)


async def test_a_report_tells_how_long_ago_a_key_came(running: Path) -> None:
    async with bench(running) as b:
        b.console._key_s = NOW_S - 42.0
        b.console._report()
        await b.until(lambda: any(r["key_age_s"] == 42.0 for r in b.engine.reports))
        await b.press("j")
        b.console._report()
        await b.until(lambda: b.engine.reports[-1]["key_age_s"] == 0.0)
        assert b.engine.reports[-1]["attached"] is False  # no terminal was given to this test


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_control_is_taken_by_typing_the_sentence(
    running: Path, size: tuple[int, int]
) -> None:
    async with bench(running, size=size) as b:
        b.engine.people = WATCHED
        b.console._report()
        await b.until(lambda: b.console.live.people.control == "anna")
        await b.press("T")
        assert "take control from anna" in b.console.typed.placeholder
        b.console.typed.value = "take control from anna"
        await b.press("enter")
        await b.until(
            lambda: ("take_control", {"typed": "take control from anna"}) in b.engine.sent
        )


async def test_a_grant_is_typed_with_its_form_in_sight_and_a_name_travels(running: Path) -> None:
    async with bench(running) as b:
        b.engine.people = WATCHED
        b.console._report()
        await b.until(lambda: b.console.live.people.policy == "hold")
        await b.press("U")
        assert "leaves yam on cube_stack" in b.console.typed.placeholder
        b.console.typed.value = "op1 leaves"
        await b.press("enter")
        await b.until(lambda: ("grant", {"sentence": "op1 leaves"}) in b.engine.sent)
        await b.press("colon")
        b.console.typed.value = "iam Grace Hopper"
        await b.press("enter")
        assert b.engine.who == "Grace-Hopper"
        assert "you are Grace-Hopper" in b.bar
