"""A program that stands: every key, what it sends, and what the screen says of the call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoles import Said, bench
from recorded import Story, first_half

from aspire_tui.domain import Breakpoint, CallPreview
from aspire_tui.events import BreakpointsChanged, CallResult, CallStood, PhaseChanged
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.views import StandingView
from aspire_tui.tui.typed_acts import (
    NotUnderstood,
    arguments_of,
    breakpoint_of,
    result_of,
)

TARGET = (0.312, -0.118, 0.031)
PLAN = CallPreview(
    moves=True,
    detail="0.290 m in 2.1 s, lowest z 0.030 m",
    target_xyz_m=TARGET,
    target_wxyz=(0.0, 0.0, 1.0, 0.0),
    reach_m=0.335,
    travel_m=0.29,
    duration_s=2.1,
    joint="joint2",
    turn_rad=0.8,
)
POINTS = (
    Breakpoint(1, "primitive", "goto_pose"),
    Breakpoint(2, "status", status="BLOCKED"),
)


def stands(story: Story, plan: CallPreview = PLAN, **changed: object) -> None:
    why = "breakpoint 1: before goto_pose"
    args = {"position": list(TARGET), "quaternion_wxyz": [0.0, 0.0, 1.0, 0.0]}
    story.say(
        BreakpointsChanged(POINTS, "a1"),
        PhaseChanged(1, "held", why, story.cell_s, "a answer, s step, R run on"),
        CallStood(1, 1, 6, "goto_pose", 7, why, args, plan, story.cell_s, **changed),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("standing") / "standing.db")
    first_half(story)
    stands(story)
    yield story.path
    story.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    story = Story(tmp_path_factory.mktemp("standing") / "running.db")
    first_half(story)
    yield story.path
    story.close()


async def test_a_standing_call_is_shown_with_arguments_line_and_plan(standing: Path) -> None:
    async with bench(standing) as b:
        assert "STANDS" in b.bar and "goto_pose (call 6, line 7)" in b.bar
        call = "\n".join(b.pane("call"))
        for part in (
            "stands, nothing has run",
            "breakpoint 1: before goto_pose",
            "+0.312 -0.118 +0.031",
            "0.335 m from the base",
            "joint2 45.8°",
            "position",
            "program line 7",
        ):
            assert part in call, part
        assert any("stands: break" in row for row in b.pane("calls"))
        assert "breaks 2" in b.strip


async def test_it_fits_eighty_columns(standing: Path) -> None:
    async with bench(standing, size=(80, 24)) as b:
        assert b.bar.startswith(" STANDS goto_pose (call 6")
        assert "breaks 2" in b.strip
        await b.press("a")
        assert "[cancel]" in b.bar and "A abort" in b.bar and len(b.bar) <= 80
        await b.press("escape", "2")
        assert any("stands, nothing has run" in row for row in b.pane("call"))


async def test_the_bar_offers_cancel_first(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("a")
        assert "[cancel]" in b.bar and "l run on" in b.bar and "e edit" in b.bar
        await b.press("enter")
        assert b.engine.sent == [] and "[cancel]" not in b.bar


@pytest.mark.parametrize("key", ["j", "x", "escape"])
async def test_any_other_key_withdraws_the_bar(standing: Path, key: str) -> None:
    async with bench(standing) as b:
        await b.press("a", key, "enter")
        assert b.engine.sent == [] and "[cancel]" not in b.bar


@pytest.mark.parametrize(("tabs", "verb"), [(1, "run_call"), (2, "step")])
async def test_the_mark_moves_and_enter_takes_it(standing: Path, tabs: int, verb: str) -> None:
    async with bench(standing) as b:
        await b.press("a", *["tab"] * tabs, "enter")
        await b.until(lambda: b.engine.sent == [(verb, {})])


@pytest.mark.parametrize(("key", "verb"), [("l", "run_call"), ("s", "step")])
@pytest.mark.parametrize("bar", [True, False])
async def test_keys_work_with_and_without_the_bar(
    standing: Path, key: str, verb: str, bar: bool
) -> None:
    async with bench(standing) as b:
        await b.press(*(["a"] if bar else []), key)
        await b.until(lambda: b.engine.sent == [(verb, {})])


async def test_abort_from_the_bar_still_asks(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("a", "A")
        assert "Abort trial 1?" in b.bar and b.engine.sent == []
        await b.press("y")
        await b.until(lambda: b.engine.verbs == ["abort"])


async def test_hold_outranks_the_bar(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("a", "space")
        await b.until(lambda: b.stop.holds == ["op1"])
        assert "[cancel]" not in b.bar and set(b.engine.verbs) <= {"hold"}


async def test_skip_states_a_result_and_asks_with_cancel_as_default(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("S")
        assert b.console.typed.value == "OK"
        await b.press(*' {"duration_s":', "space", *"1.5}", "enter")
        assert "Skip goto_pose (call 6)? The program gets OK." in b.bar and "[cancel]" in b.bar
        await b.press("enter")
        assert b.engine.sent == []
        await b.press("S", "enter", "y")
        await b.until(lambda: b.engine.sent == [("skip_call", {"status": "OK"})])


async def test_edit_sends_only_what_changed(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("e")
        text = b.console.typed.value
        assert text.startswith('{"position":[0.312,')
        b.console.typed.value = text.replace("0.031", "0.05")
        await b.press("enter")
        wanted = {"args": {"position": [0.312, -0.118, 0.05]}}
        await b.until(lambda: b.engine.sent == [("edit_call", wanted)])


async def test_an_edit_that_is_no_json_is_kept_to_be_mended(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("e")
        b.console.typed.value = '{"position": [1,'
        await b.press("enter")
        assert b.engine.sent == [] and "not JSON" in b.bar
        await b.press("e")
        assert b.console.typed.value == '{"position": [1,'


async def test_a_refused_edit_says_why(standing: Path) -> None:
    async with bench(standing) as b:
        b.engine.reply = Said(False, "argument position has shape (2,), expected (3,)")
        await b.press("e")
        b.console.typed.value = '{"position": [1, 2]}'
        await b.press("enter")
        await b.until(lambda: "expected (3,)" in b.bar)


async def test_break_begins_with_the_call_under_the_cursor(running: Path) -> None:
    async with bench(running) as b:
        await b.press("b")
        assert b.console.typed.value == "goto_pose"
        await b.press("enter")
        await b.until(lambda: b.engine.sent == [("break", {"primitive": "goto_pose"})])


async def test_break_in_the_program_is_a_line_of_it(running: Path) -> None:
    async with bench(running) as b:
        await b.press("c", "b")
        assert b.console.typed.value == "line 7"
        await b.press("enter")
        await b.until(lambda: bool(b.engine.sent))
        program = b.console.moment.program
        assert program is not None
        assert b.engine.sent == [("break", {"line": 7, "program": program.program})]


async def test_the_list_of_breakpoints_removes_the_one_under_the_cursor(standing: Path) -> None:
    async with bench(standing) as b:
        await b.press("B")
        view = b.console.workspace.overlay
        text = "\n".join(view.render_line(y).text for y in range(view.size.height))
        assert "before goto_pose" in text and "after a call that ends BLOCKED" in text
        await b.press("j", "enter")
        await b.until(lambda: b.engine.sent == [("unbreak", {"number": 2})])
        await b.press("escape")
        assert not b.console.workspace.covered


async def test_dry_run_names_the_shown_program(running: Path) -> None:
    async with bench(running) as b:
        await b.press("D")
        await b.until(lambda: bool(b.engine.sent))
        program = b.console.moment.program
        assert program is not None
        assert b.engine.sent == [("dry_run", {"program": program.program})]


@pytest.mark.parametrize("key", ["a", "l", "S", "e"])
async def test_without_a_standing_call_the_key_says_so(running: Path, key: str) -> None:
    async with bench(running) as b:
        await b.press(key)
        assert "no call stands" in b.bar and b.engine.sent == []


@pytest.mark.parametrize("key", ["a", "l", "S", "e", "b", "D"])
async def test_a_replay_sends_nothing(standing: Path, key: str) -> None:
    async with bench(standing, mode="replay") as b:
        await b.press(key)
        assert "replay: no cell attached" in b.bar


async def test_what_planning_found_is_said_before_running(tmp_path: Path) -> None:
    story = Story(tmp_path / "bad.db")
    first_half(story)
    stands(story, CallPreview(True, "IK_FAILED", "(9, 0, 0) m cannot be reached"))
    async with bench(story.path) as b:
        assert "would end IK_FAILED" in b.bar
        b.feed.state, b.feed.mode = "HOLD", None
        await b.press("R")
        assert "Run on? goto_pose (call 6) runs (IK_FAILED)." in b.bar
    story.close()


async def test_an_edited_call_is_shown_in_the_trace_with_who(tmp_path: Path) -> None:
    story = Story(tmp_path / "edited.db")
    first_half(story)
    stands(story, edited=("position",), edited_by="op1")
    async with bench(story.path) as b:
        assert "edited by op1" in "\n".join(b.pane("call"))
        story.say(
            PhaseChanged(1, "executing", "resumed", story.cell_s),
            CallResult(
                1, 1, 6, "goto_pose", "OK", "0.6 mm from target", 2.3, story.cell_s + 2.3,
                operator="edited", edited_by="op1", edited_args={"position": [0.3, 0.0, 0.2]},
            ),
        )  # fmt: skip
        await b.until(lambda: b.console.moment.snapshot.standing is None)
        await b.until(lambda: "run with, edited by op1" in "\n".join(b.pane("call")))
        assert "[0.3, 0, 0.2]" in "\n".join(b.pane("call"))
        assert any("edited" in row for row in b.pane("calls"))
        assert "STANDS" not in b.bar
    story.close()


def test_a_standing_call_is_over_when_it_ends_or_goes_on(tmp_path: Path) -> None:
    story = Story(tmp_path / "fold.db")
    first_half(story)
    stands(story)
    story.say(PhaseChanged(1, "executing", "resumed", story.cell_s))
    reader = SessionReader(story.path)
    last = reader.last_seq()
    assert reader.snapshot(last - 1).standing is not None
    assert reader.snapshot(last).standing is None
    assert reader.snapshot(last).breakpoints == POINTS
    story.close()


SHOWN = StandingView(
    1, 6, "goto_pose", 7, "why", {"position": [1.0, 2.0, 3.0], "rgb": "<array>"}, PLAN, (), "", 9
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("goto_pose", {"primitive": "goto_pose"}),
        ("line 7", {"line": 7, "program": "abc"}),
        ("12", {"line": 12, "program": "abc"}),
        ("after BLOCKED", {"status": "BLOCKED"}),
        ("blocked", {"status": "BLOCKED"}),
    ],
)
def test_breakpoints_as_they_are_typed(typed: str, meant: dict[str, object]) -> None:
    assert breakpoint_of(typed, "abc") == meant


@pytest.mark.parametrize("typed", ["line zero", "line 0", "after tea", "a b c", "1.5", "x()"])
def test_what_is_no_breakpoint_says_what_would_be(typed: str) -> None:
    with pytest.raises(NotUnderstood, match="line 7"):
        breakpoint_of(typed, "abc")


def test_results_and_arguments_as_they_are_typed() -> None:
    assert result_of("not_found") == {"status": "NOT_FOUND"}
    assert result_of("OK [1, 2]") == {"status": "OK", "value": [1, 2]}
    assert arguments_of('{"position": [1.0, 2.0, 3.0]}', SHOWN) == {}
    assert arguments_of('{"position": [1, 2, 4]}', SHOWN) == {"position": [1, 2, 4]}
    for wrong in ("[1]", "{"):
        with pytest.raises(NotUnderstood):
            arguments_of(wrong, SHOWN)
    with pytest.raises(NotUnderstood, match="no status"):
        result_of("SUPER")
