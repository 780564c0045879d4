"""Every act by its key: what left the console, and what the screen says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import Said, bench
from recorded import Story, first_half, second_half, whole_session

from aspire_tui.tui.actions import ACTIONS


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("console") / "running.db")
    first_half(story)
    yield story.path
    story.close()


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_session(tmp_path_factory.mktemp("console") / "over.db")


# -- the robot ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["space", "ctrl+c"])
async def test_hold_goes_to_the_cell_and_to_the_engine(running: Path, key: str) -> None:
    async with bench(running) as b:
        await b.press(key)
        await b.until(lambda: b.stop.holds and "hold" in b.engine.verbs)
        await b.until(lambda: "HOLD confirmed" in b.strip)
        assert b.stop.holds == ["op1"]
        assert "resume" not in b.engine.verbs


async def test_hold_pressed_again_only_ever_holds(running: Path) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode, b.feed.held = "HOLD", None, True
        await b.press("space", "space", "ctrl+c")
        await b.until(lambda: b.stop.holds)
        assert set(b.engine.verbs) == {"hold"}


async def test_a_hold_the_cell_did_not_confirm_is_said_loudly(running: Path) -> None:
    async with bench(running) as b:
        b.stop.broken = "no answer within 150 ms"
        await b.press("space")
        await b.until(lambda: "HOLD NOT CONFIRMED" in b.strip)
        await b.until(lambda: "no answer within 150 ms" in b.bar)


@pytest.mark.parametrize("first", ["colon", "slash", "question_mark", "A", "R", "q"])
async def test_ctrl_c_holds_in_every_place(running: Path, first: str) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode, b.feed.held = "HOLD", None, True
        await b.press(first, "ctrl+c")
        await b.until(lambda: b.stop.holds)
        assert b.engine.verbs in ([], ["hold"])


async def test_space_is_a_blank_while_typing(running: Path) -> None:
    async with bench(running) as b:
        await b.press("slash", *"red", "space", *"cube")
        assert b.console.typed.value == "red cube"
        assert "search in calls" in b.footer and "^C HOLD" in b.footer and "space" not in b.footer
        assert not b.stop.holds and not b.engine.sent


async def test_resume_asks_first_with_cancel_as_default(running: Path) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode, b.feed.held = "HOLD", None, True
        await b.press("R")
        assert "Resume? goto_pose (call 6) goes on, motion from the measured pose." in b.bar
        assert "[cancel]" in b.bar and "takes the marked one" in b.footer
        await b.press("enter")
        assert b.engine.sent == []
        await b.press("R", "y")
        await b.until(lambda: b.engine.verbs == ["resume"])


async def test_a_cell_at_rest_has_nothing_to_resume(running: Path) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode = "HOLD", None
        await b.press("R")
        assert "nothing is held" in b.bar
        await b.press("]")
        assert "at full speed" in b.bar


@pytest.mark.parametrize("key", ["escape", "n", "space", "j", "x"])
async def test_anything_else_does_not_resume(running: Path, key: str) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode, b.feed.held = "HOLD", None, True
        await b.press("R", key, "enter")
        assert "resume" not in b.engine.verbs


async def test_resume_is_refused_on_a_stale_state(running: Path) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.held, b.feed.age_s = "HOLD", True, 5.0
        await b.press("R")
        assert "stale" in b.bar
        await b.press("enter")
        assert b.engine.sent == []


async def test_a_state_that_turns_stale_while_asking_stops_the_resume(running: Path) -> None:
    async with bench(running) as b:
        b.feed.state, b.feed.mode, b.feed.held = "HOLD", None, True
        await b.press("R")
        b.feed.age_s = 5.0
        await b.press("y")
        assert "resume" not in b.engine.verbs and "stale" in b.bar


async def test_step_runs_one_call(running: Path) -> None:
    async with bench(running) as b:
        await b.press("s")
        await b.until(lambda: b.engine.verbs == ["step"])


async def test_abort_asks_with_cancel_as_default(running: Path) -> None:
    async with bench(running) as b:
        await b.press("A")
        assert "[cancel]" in b.bar and "Abort trial 1?" in b.bar
        await b.press("enter")
        assert b.engine.sent == []
        await b.press("A", "tab", "enter")
        await b.until(lambda: b.engine.verbs == ["abort"])


async def test_a_question_is_answered_with_y(running: Path) -> None:
    async with bench(running) as b:
        await b.press("E")
        assert "End the run?" in b.bar
        await b.press("y")
        await b.until(lambda: b.engine.verbs == ["stop"])


async def test_pausing_the_agent_touches_only_the_agent(running: Path) -> None:
    async with bench(running) as b:
        await b.press("p")
        await b.until(lambda: b.engine.sent == [("pause_agent", {"on": True})])
        assert not b.stop.holds


async def test_a_refusal_is_shown_with_its_reason(running: Path) -> None:
    async with bench(running) as b:
        b.engine.reply = Said(False, "an abort is under way")
        await b.press("s")
        await b.until(lambda: "step refused: an abort is under way" in b.bar)


async def test_a_lost_engine_is_a_state_and_hold_still_goes_out(running: Path) -> None:
    async with bench(running) as b:
        b.engine.gone = True
        await b.press("s")
        await b.until(lambda: "ENGINE GONE" in b.strip)
        await b.press("space")
        await b.until(lambda: b.stop.holds == ["op1"])
        await b.press("q")
        assert b.console.return_value is not None


async def test_detaching_says_what_goes_on(running: Path) -> None:
    async with bench(running) as b:
        await b.press("q")
        assert "The engine goes on: trial 1 executing." in b.bar
        await b.press("escape")
        assert b.console.is_running
        await b.press("q", "enter")
        assert "trial 1 executing" in b.console.return_value.text
        assert b.engine.sent == [] and not b.stop.holds


async def test_escape_never_touches_agent_or_robot(running: Path) -> None:
    async with bench(running) as b:
        for key in ("escape", "z", "escape", "o", "escape", "slash", "escape", "c", "escape"):
            await b.press(key)
        assert b.engine.sent == [] and not b.stop.holds


# -- replay ---------------------------------------------------------------------------------------


async def test_no_act_of_a_replay_reaches_anyone(over: Path) -> None:
    async with bench(over, "replay") as b:
        for action in ACTIONS:
            if action.verb and b.console.keys.act_of(action.keys[0], "replay") == action.id:
                await b.press(action.keys[0])
                assert "no cell attached" in b.bar, action.id
        assert b.engine.sent == [] and not b.stop.holds


async def test_replay_goes_by_call_by_failure_and_by_time(over: Path) -> None:
    async with bench(over, "replay") as b:
        end = b.console.moment.snapshot.seq
        await b.press("left_curly_bracket")
        moment = b.console.moment
        assert moment.call is not None and moment.call.result is not None
        assert moment.call.result.status == "EMPTY_GRASP"
        failed_at = moment.snapshot.seq
        await b.press("left")
        assert b.console.moment.call.intent.call == 6  # type: ignore[union-attr]
        await b.press("right")
        assert b.console.moment.snapshot.seq == failed_at
        await b.press("greater_than_sign")
        later = b.console.moment.snapshot
        assert later.seq > failed_at
        await b.press("home")
        assert b.console.moment.snapshot.seq == 1
        await b.press("end")
        assert b.console.moment.snapshot.seq == end


async def test_fast_keys_are_not_lost(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("home")
        for _ in range(5):
            await b.pilot.press("right")
        await b.settled()
        assert b.console.moment.call.intent.call == 5  # type: ignore[union-attr]


async def test_scrubbing_is_only_for_replays(running: Path) -> None:
    async with bench(running) as b:
        before = b.console.moment.snapshot.seq
        await b.press("left")
        assert b.console.moment.snapshot.seq == before and "only in a replay" in b.bar


# -- looking around -------------------------------------------------------------------------------


async def test_the_failing_call_of_a_trial_is_found_and_read(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("5", "g", "enter")
        assert any("FAIL trial 1" in row for row in b.pane("search"))
        await b.press("j", "enter")
        assert b.console.moment.trial.trial == 1  # type: ignore[union-attr]
        assert "◀" in next(row for row in b.pane("calls") if "close_gripper" in row)
        text = "\n".join(b.pane("call"))
        assert "EMPTY_GRASP" in text and "closed on nothing" in text
        checks = "\n".join(b.pane("checks"))
        assert "returned" in checks and "claims   done" in checks and "✗ FAIL" in checks
        assert "truth" in checks and "still lies on the table" in checks


async def test_another_call_is_shown_as_the_cursor_moves(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("left_curly_bracket", "k", "k")
        assert b.console.moment.call.intent.call == 5  # type: ignore[union-attr]
        text = "\n".join(b.pane("call"))
        assert "sample_grasp_pose" in text and "IK_FAILED" in text
        assert "pinned" in b.pane("calls")[0]
        await b.press("escape")
        assert b.console.moment.call.intent.call == 7  # type: ignore[union-attr]


async def test_a_picture_is_drawn_on_demand_and_goes_again(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("left_curly_bracket", "g")
        assert not any("▀" in row for row in b.pane("call"))
        await b.press("o")
        assert sum("▀" in row for row in b.pane("call")) > 5
        assert any("overlay" in row for row in b.pane("call"))
        await b.press("o")
        assert any("picture at" in row for row in b.pane("call"))
        await b.press("o")
        assert not any("▀" in row for row in b.pane("call"))


async def test_the_program_is_shown_with_the_line_of_the_call(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("left_curly_bracket", "c")
        marked = next(row for row in b.pane("call") if "▸" in row)
        assert "8 close_gripper()" in marked


async def test_search_finds_and_goes_on(over: Path) -> None:
    async with bench(over, "replay") as b:
        await b.press("left_curly_bracket", "1", "slash", *"get_object", "enter")
        assert b.console.moment.call.intent.call == 1  # type: ignore[union-attr]
        await b.press("n")
        assert b.console.moment.call.intent.call == 2  # type: ignore[union-attr]
        await b.press("N")
        assert b.console.moment.call.intent.call == 1  # type: ignore[union-attr]
        await b.press("slash", *"nowhere", "enter")
        assert "nothing here has" in b.bar


async def test_acts_are_found_by_name_and_done(running: Path) -> None:
    async with bench(running) as b:
        await b.press("ctrl+p", *"pause", "enter")
        await b.until(lambda: b.engine.verbs == ["pause_agent"])
        assert not b.console.workspace.covered


async def test_help_never_covers_the_strip(running: Path) -> None:
    async with bench(running, size=(80, 24)) as b:
        await b.press("question_mark")
        assert b.console.workspace.overlay.region.y >= 2
        assert b.strip.startswith(" SIM ")
        await b.press("escape")
        assert not b.console.workspace.covered


@pytest.mark.parametrize(
    ("size", "visible"), [((80, 24), 1), ((120, 36), 4), ((160, 48), 6), ((200, 60), 6)]
)
async def test_panes_by_size(running: Path, size: tuple[int, int], visible: int) -> None:
    async with bench(running, size=size) as b:
        assert len(b.screen()) == visible
        for number, pane in enumerate(("calls", "call", "checks", "agent", "search", "time"), 1):
            await b.press(str(number))
            assert "*" in b.pane(pane)[0] and pane in b.screen()
        await b.press("z")
        assert list(b.screen()) == ["time"]
        await b.press("z")
        assert len(b.screen()) == visible


async def test_resizing_keeps_a_right_screen(running: Path) -> None:
    async with bench(running, size=(160, 48)) as b:
        await b.pilot.resize_terminal(80, 24)
        await b.settled()
        assert list(b.screen()) == ["calls"]
        assert all(len(row) == 80 for row in b.pane("calls"))
        await b.pilot.resize_terminal(160, 48)
        await b.settled()
        assert len(b.screen()) == 6


# -- live and replay ------------------------------------------------------------------------------


async def test_what_is_committed_comes_to_the_screen(tmp_path: Path) -> None:
    story = Story(tmp_path / "live.db")
    program = first_half(story)
    async with bench(story.path) as b:
        assert "in flight" in "\n".join(b.pane("calls"))
        second_half(story, program)
        end = story.recorder.append([])
        await b.until(lambda: b.console.moment.snapshot.ended is not None)
        assert end <= b.console.moment.snapshot.seq
    story.close()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_replay_ends_in_the_screen_the_live_view_ended_in(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    story = Story(tmp_path / "live.db")
    program = first_half(story)
    async with bench(story.path, size=size) as b:
        second_half(story, program)
        await b.until(lambda: b.console.moment.snapshot.ended is not None)
        await b.settled()
        live, live_trial = b.screen(), b.rows("strip")[1]
    story.close()
    async with bench(story.path, "replay", size=size) as b:
        assert b.screen() == live
        live_trial, _, control = live_trial.rpartition("control")
        same = live_trial.strip().removesuffix("…")  # control takes its room from the budget
        assert b.rows("strip")[1].strip().startswith(same) and control.strip() == "op1"


async def test_a_file_that_is_no_session_is_named(tmp_path: Path) -> None:
    from aspire_tui.tui.app import Console
    from aspire_tui.tui.source import SessionSource

    path = tmp_path / "broken.db"
    path.write_bytes(b"not a session")
    console = Console(SessionSource(path, live=False), mode="replay", driver_class=None)
    async with console.run_test(size=(120, 30)) as pilot:
        for _ in range(200):
            if console.notice[0]:
                break
            await pilot.pause(0.01)
        assert "broken.db" in console.notice[0]


async def test_esc_and_a_key_that_came_as_one_are_both(tmp_path: Path) -> None:
    async with bench(whole_session(tmp_path / "s.db"), "replay") as b:
        await b.press("question_mark")
        assert b.console.workspace.covered
        await b.press("alt+5")
        assert not b.console.workspace.covered, "esc closed the help"
        assert b.console.workspace.focused == "search"
        await b.press("question_mark", "alt+shift+g")
        assert not b.console.workspace.covered
        assert b.console.workspace.pane("search").row == len(b.console.moment.tree.order) - 1
