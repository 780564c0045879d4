"""A replay runs, steps and is searched; what is found can be opened, copied, taken along."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import bench
from recorded import whole_session

from aspire_tui.config import ConfigError
from aspire_tui.tui.acts import Departure
from aspire_tui.tui.keymap import key_map
from aspire_tui.tui.sharing import COPIED_MOST, osc52


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("replaying") / "over.db")


def shown(b) -> list[str]:  # type: ignore[no-untyped-def]
    view = b.console.workspace.overlay
    return [view.render_line(y).text for y in range(view.size.height)]


async def test_it_plays_at_its_speed_and_stops_at_the_end(over: Path) -> None:
    async with bench(over, "replay", at=1) as b:
        replaying = b.console.acts.replaying
        await b.press("p", "right_square_bracket", "right_square_bracket")
        assert replaying.playing and replaying.speed == 4.0 and "playing at 4×" in b.bar
        before = b.console.moment.snapshot.mono_s
        replaying.tick(1.0)
        await b.settled()
        passed_s = b.console.moment.snapshot.mono_s - before
        assert passed_s > 2.0
        for _ in range(20):
            await b.press("right_square_bracket")
        assert replaying.speed == 64.0
        for _ in range(20):
            replaying.tick(1.0)
            await b.settled()
        assert b.console.moment.at_end and not replaying.playing
        for _ in range(20):
            await b.press("left_square_bracket")
        assert replaying.speed == 0.25


async def test_p_never_pauses_an_agent_in_a_replay_nor_plays_live(over: Path) -> None:
    async with bench(over) as b:
        await b.press("p")
        assert not b.console.acts.replaying.playing and "the run has ended" in b.bar


async def test_steps_by_trial_and_phase(over: Path) -> None:
    async with bench(over, "replay", at=1) as b:
        await b.press("right_parenthesis")
        first = b.console.moment
        assert first.trial is not None and (first.trial.trial, first.trial.outcome) == (1, "FAIL")
        await b.press("right_parenthesis")
        assert b.console.moment.trial is not None and b.console.moment.trial.trial == 2
        await b.press("left_parenthesis")
        assert b.console.moment.snapshot.seq == first.snapshot.seq
        await b.press("minus")
        assert b.console.moment.snapshot.phase.phase == "recorded"
        await b.press("minus")
        assert b.console.moment.snapshot.phase.phase == "verifying"
        await b.press("equals_sign")
        assert b.console.moment.snapshot.phase.phase == "recorded"


async def test_bookmarks_of_a_replay_are_kept_beside_it(over: Path, tmp_path: Path) -> None:
    before = over.read_bytes()
    async with bench(over, "replay", at=40, keeps=tmp_path / "bookmarks") as b:
        await b.press("apostrophe", *"here", "enter")
        await b.press("end", "ctrl+left")
        assert b.console.moment.snapshot.seq == 40
        await b.press("end", "J")
        assert any("here (yours)" in row for row in shown(b))
    async with bench(over, "replay", keeps=tmp_path / "bookmarks") as b:
        await b.press("ctrl+left")
        assert b.console.moment.snapshot.seq == 40
    assert over.read_bytes() == before, "the recording stays as it is"


@pytest.mark.parametrize(
    ("typed", "kind"), [("met nothing", "agent"), ("goto_pose", "code"), ("0.6 mm", "call")]
)
async def test_finding_in_text_code_and_calls(over: Path, typed: str, kind: str) -> None:
    async with bench(over, "replay") as b:
        keys = ["space" if c == " " else "full_stop" if c == "." else c for c in typed]
        await b.press("ctrl+f", *[k if k != "_" else "underscore" for k in keys], "enter")
        await b.until(lambda: b.console.workspace.covered)
        assert any(kind in row for row in shown(b)), shown(b)


async def test_what_is_found_is_gone_to(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("ctrl+f", *"closed", "space", *"on", "space", *"nothing", "enter")
        await b.until(lambda: b.console.workspace.covered)
        await b.press("enter")
        call = b.console.moment.call
        assert call is not None and (call.intent.trial, call.intent.call) == (1, 7)
        assert not b.console.moment.at_end


async def test_go_to_takes_a_moment_or_says_how(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("at", *"event", "space", *"40", "enter")
        assert b.console.moment.snapshot.seq == 40
        await b.press("at", *"soon", "enter")
        assert "not a moment" in b.bar and b.console.moment.snapshot.seq == 40


async def test_a_link_opens_the_same_moment(over: Path) -> None:
    async with bench(over, "replay", at=40) as b:
        sent: list[str] = []
        b.console.to_terminal = sent.append  # type: ignore[method-assign]
        await b.press("L")
        assert f"aspire-tui replay {over} --at 'event 40'" in b.bar
        assert sent[0].startswith("\x1b]52;c;")


def test_nothing_longer_than_a_terminal_takes_is_copied() -> None:
    with pytest.raises(ValueError, match="more than a terminal takes"):
        osc52("x" * COPIED_MOST)


async def test_a_program_is_taken_along_only_after_yes(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("K")
        trial = b.console.moment.trial
        assert trial is not None and f"run the program of trial {trial.trial}" in b.bar
        await b.press("y")
        left = b.console.return_value
        assert isinstance(left, Departure) and left.kind == "take"
        assert left.text == f"{over} {trial.trial}"


async def test_the_hand_over_note_is_written_and_shown(over: Path, tmp_path: Path) -> None:
    async with bench(over, "replay", keeps=tmp_path / "bookmarks") as b:
        await b.press("H")
        await b.until(lambda: b.console.workspace.covered)
        text = (tmp_path / "papers" / "over-hand-over.md").read_text()
        for part in ("ended PASS 5/6", "H2 grasping 12 mm deeper", "selection: 5/6 PASS"):
            assert part in text, part
        assert any("Hand-over" in row for row in shown(b))


def test_keys_can_be_changed_and_conflicts_are_refused() -> None:
    keys = key_map({"message": ["ctrl+e"]})
    assert keys.act_of("ctrl+e", "live") == "message" and not keys.act_of("i", "live")
    for changed, why in (
        ({"mesage": ["x"]}, "did you mean 'message'"),
        ({"message": ["s"]}, "would be both"),
        ({"hold": ["x"]}, "fixed"),
        ({"message": []}, "at least one"),
        ({"home": ["r"]}, "shift alone"),
    ):
        with pytest.raises(ConfigError, match=why):
            key_map(changed)


async def test_a_changed_key_acts_and_is_shown(over: Path) -> None:
    async with bench(over, "replay", keys=key_map({"zoom": ["ctrl+e"]})) as b:
        await b.press("ctrl+e")
        assert b.console.workspace.zoomed
        await b.press("z")
        assert b.console.workspace.zoomed, "the old key does nothing"


async def test_help_begins_with_the_pane_in_focus(over: Path) -> None:
    async with bench(over, "replay") as b:
        for pane, words in (("4", "What the agent thinks"), ("5", "Hypotheses with their claim")):
            await b.press(pane, "question_mark")
            assert words in "\n".join(shown(b)[:4])
            await b.press("escape")


async def test_the_hypotheses_are_exported_beside_the_session(over: Path, tmp_path: Path) -> None:
    async with bench(over, "replay", keeps=tmp_path / "bookmarks") as b:
        await b.press("W")
        await b.until(lambda: "2 hypotheses" in b.bar, timeout_s=60.0)
        assert (tmp_path / "papers" / "over-git" / ".git").is_dir()
