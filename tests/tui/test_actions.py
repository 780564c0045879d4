"""One registry: keys, footer, help and palette cannot disagree; disabled acts say why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.views import EndView, ModeView, PhaseView
from aspire_tui.tui.actions import ACTIONS, BY_ID, Situation, find
from aspire_tui.tui.app import Console
from aspire_tui.tui.keymap import live_only
from aspire_tui.tui.panes.bars import footer_row
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.help import help_body
from aspire_tui.tui.screen.text import plain, width
from aspire_tui.tui.source import SessionSource

HELD = Situation(cell_state="HOLD", held=True, estop="released", engine=True, stop=True)
REPLAY = Situation(mode="replay")


def test_no_key_means_two_things_unless_one_is_of_a_replay_and_one_of_a_cell() -> None:
    for of_replay in (True, False):
        mine = [a for a in ACTIONS if (a.group == "replay") == of_replay]
        keys = Counter(key for action in mine for key in action.keys)
        assert [key for key, times in keys.items() if times > 1] == []
    replay = {key for a in ACTIONS if a.group == "replay" for key in a.keys}
    shared = [a for a in ACTIONS if a.group != "replay" and replay & set(a.keys)]
    assert [a.id for a in shared if not live_only(a)] == []
    assert {a.id for a in shared} == {"pause_agent", "slower", "faster"}


def test_no_two_acts_that_move_the_robot_differ_by_shift_alone() -> None:
    moving = [key.lower() for a in ACTIONS if a.moves_robot for key in a.keys]
    assert len(moving) == len(set(moving))


def test_every_act_can_be_done_by_the_console(tmp_path: Path) -> None:
    console = Console(SessionSource(tmp_path / "none.db", live=False), mode="replay")
    handled = set(console.acts.handlers)
    sent = {action.id for action in ACTIONS if action.verb}
    assert handled | sent == set(BY_ID) and not handled & sent


def test_help_lists_every_act_even_when_disabled() -> None:
    body = help_body(REPLAY, Look(width=100))
    text = "\n".join(plain(body.lines.line(i)) for i in range(len(body.lines)))
    for action in ACTIONS:
        assert action.what.split(".")[0] in text, action.id
    assert "not now: replay: no cell attached" in text


@pytest.mark.parametrize("act", [a.id for a in ACTIONS if a.verb])
def test_nothing_is_sent_from_a_replay(act: str) -> None:
    assert BY_ID[act].why_disabled(REPLAY) == "replay: no cell attached"


@pytest.mark.parametrize("act", ["resume", "step"])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"stale": True}, "stale"),
        ({"estop": "PRESSED"}, "e-stop is PRESSED"),
        ({"estop": "UNKNOWN"}, "e-stop is UNKNOWN"),
        ({"cell_state": "PSTOP"}, "cell is PSTOP"),
        ({"cell_state": "FAULT"}, "cell is FAULT"),
        ({"engine": False}, "no engine"),
        ({"engine_gone": True}, "engine is gone"),
    ],
)
def test_motion_is_refused_with_its_reason(
    act: str, changed: dict[str, object], reason: str
) -> None:
    from dataclasses import replace

    assert BY_ID[act].why_disabled(HELD) is None
    assert reason in (BY_ID[act].why_disabled(replace(HELD, **changed)) or "")  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["HOLD", "RUN TRAJ", "PSTOP", "FAULT", "OFFLINE"])
@pytest.mark.parametrize("stale", [True, False])
def test_hold_is_never_refused_while_a_cell_is_attached(state: str, stale: bool) -> None:
    now = Situation(cell_state=state, stale=stale, stop=True, engine=True, engine_gone=stale)
    assert BY_ID["hold"].why_disabled(now) is None


def test_resume_has_nothing_to_do_while_the_cell_runs() -> None:
    from dataclasses import replace

    running = replace(HELD, cell_state="RUN TRAJ", held=False)
    assert BY_ID["resume"].why_disabled(running) == "nothing is held"
    held = replace(running, snapshot=Snapshot(phase=PhaseView(phase="held")))
    assert BY_ID["resume"].why_disabled(held) is None
    stepping = replace(running, snapshot=Snapshot(mode=ModeView(stepping=True)))
    assert BY_ID["resume"].why_disabled(stepping) is None


def test_what_moves_or_ends_something_asks_with_cancel_as_default() -> None:
    for act in ("abort", "end_run", "resume"):
        confirm = BY_ID[act].confirm(HELD)
        assert confirm is not None and confirm.default == "cancel", act
    assert BY_ID["hold"].confirm(HELD) is None


def test_detach_asks_only_while_something_goes_on() -> None:
    assert BY_ID["detach"].confirm(HELD) is not None
    assert BY_ID["detach"].confirm(REPLAY) is None
    ended = Snapshot(ended=EndView("PASS", "done", None, 1, 1, 0.2, 1.0, "", 9, 0.0))
    assert BY_ID["detach"].confirm(Situation(snapshot=ended, engine=True)) is None


@pytest.mark.parametrize("columns", [60, 80, 120, 160])
@pytest.mark.parametrize("now", [HELD, REPLAY])
def test_the_footer_never_wraps_and_always_offers_help(columns: int, now: Situation) -> None:
    row = footer_row(now, columns)
    assert width(row) <= columns
    assert plain(row).endswith("? help ")


def test_the_footer_says_why_a_key_does_nothing() -> None:
    assert "nothing is held" in plain(footer_row(
        Situation(cell_state="RUN", estop="released", engine=True, stop=True), 160))  # fmt: skip


def test_acts_are_found_by_any_of_their_words() -> None:
    assert find("hold")[0].id == "hold"
    assert "pause_agent" in [a.id for a in find("agent pause")]
    assert find("no such act at all") == []
