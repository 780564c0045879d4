"""The strip at every width: badge, state and emergency stop are never lost, nothing wraps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded import Story, first_half, whole_session

from aspire_tui.domain import SandboxLevel
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.glyphs import ASCII, UNICODE
from aspire_tui.tui.panes.bars import TABS_CELLS, tabs_row
from aspire_tui.tui.panes.strip import Live, overflow, strip_rows
from aspire_tui.tui.ports import LiveState
from aspire_tui.tui.screen.text import plain, width
from drivers.types import CellStatus

NOW_S = 1_790_000_100.0


def status(**changed: object) -> CellStatus:
    told: dict[str, object] = {
        "t_s": 50.0, "state": "RUN", "mode": "TRAJ", "cause": "program", "who": "engine",
        "since_s": 40.0, "estop": "released", "speed": 0.25, "lease": "op1", "arms": (),
    }  # fmt: skip
    return CellStatus(**{**told, **changed})  # type: ignore[arg-type]


def live(age_s: float = 0.1, **changed: object) -> Live:
    return Live(state=LiveState(status(**changed), age_s), expected=True, now_s=NOW_S)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    story = Story(tmp_path_factory.mktemp("strip") / "running.db")
    first_half(story)
    story.close()
    with SessionReader(story.path) as reader:
        return reader.snapshot()


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path: Path = whole_session(tmp_path_factory.mktemp("strip") / "over.db")
    with SessionReader(path) as reader:
        return reader.snapshot()


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 160, 250])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_what_must_never_be_lost_stays(running: Snapshot, columns: int, glyphs: object) -> None:
    first, second = strip_rows(running, live(), "live", columns, glyphs)  # type: ignore[arg-type]
    assert width(second) <= columns
    if columns >= 60:
        assert width(first) == columns
        assert plain(first).startswith(" SIM ")
        assert "RUN TRAJ" in plain(first) and "released" in plain(first)
        assert "executing" in plain(second)


def test_a_narrow_strip_says_all_that_must_be_seen(running: Snapshot) -> None:
    first, second = strip_rows(running, live(), "live", 80, UNICODE)
    for word in ("SIM", "LIVE", "▶ RUN TRAJ", "since 14:13:28", "e-stop released", "speed 25 %"):
        assert word in plain(first), word
    for word in ("executing", "since", "sandbox B", "budget 1/60 trials", "control op1"):
        assert word in plain(second), word


def test_what_a_full_strip_has_no_room_for_stands_beside_the_tabs(running: Snapshot) -> None:
    held = live(state="HOLD", mode=None, held=True)
    held = dataclasses.replace(held, hold="HOLD confirmed 30 ms")
    rows = [plain(row) for row in strip_rows(running, held, "live", 80, UNICODE)]
    room = 80 - TABS_CELLS - 2
    rows.append(plain(overflow(running, held, "live", 80, UNICODE, room)))
    tabs = tabs_row("search", False, 80, overflow(running, held, "live", 80, UNICODE, room))
    assert width(tabs) == 80 and "budget 1/60" in plain(tabs) and "6 Time" in plain(tabs)
    for word in ("sandbox B", "control op1", "speed 25 %", "budget 1/60"):
        assert sum(word in row for row in rows) == 1, (word, rows)
    assert overflow(running, held, "live", 200, UNICODE, 26) == ()


def test_a_wide_strip_says_everything(running: Snapshot) -> None:
    first, second = strip_rows(running, live(), "live", 200, UNICODE)
    for word in ("SIM", "yam-sim", "LIVE", "▶ RUN TRAJ", "program (engine)", "since",
                 "e-stop released", "speed 25 %"):  # fmt: skip
        assert word in plain(first), word
    for word in ("executing since", "trial 1 cube_stack dev seed 7", "sandbox B", "agent rules",
                 "budget 1/60 trials 0.2/20 min"):  # fmt: skip
        assert word in plain(second), word


def test_an_old_state_is_called_stale_with_its_age(running: Snapshot) -> None:
    first, _ = strip_rows(running, live(age_s=3.2), "live", 80, UNICODE)
    assert "STALE 3 s" in plain(first) and "LIVE" not in plain(first)


def test_no_state_at_all_is_unknown_not_the_session_s_last_word(running: Snapshot) -> None:
    waiting = Live(state=None, expected=True, now_s=NOW_S)
    first, _ = strip_rows(running, waiting, "live", 100, UNICODE)
    assert "UNKNOWN" in plain(first) and "STALE" in plain(first)
    assert "RUN" not in plain(first)


def test_the_emergency_stop_is_only_ever_the_real_one_s_state(running: Snapshot) -> None:
    first, _ = strip_rows(
        running, live(estop="PRESSED", state="PSTOP", mode=None), "live", 80, UNICODE
    )
    assert "e-stop PRESSED" in plain(first) and "◆ PSTOP" in plain(first)


def test_a_replay_says_so_first(over: Snapshot) -> None:
    first, second = strip_rows(over, Live(), "replay", 80, UNICODE)
    assert plain(first).startswith(" REPLAY ") and "LIVE" not in plain(first)
    assert "run ended PASS" in plain(second)


def test_a_lost_engine_is_a_state(running: Snapshot) -> None:
    gone = Live(state=LiveState(status(), 0.1), expected=True, engine_gone="no answer", now_s=NOW_S)
    first, _ = strip_rows(running, gone, "live", 80, UNICODE)
    assert "ENGINE GONE" in plain(first)


def test_when_a_run_is_over_its_engine_and_host_may_go(over: Snapshot) -> None:
    gone = Live(LiveState(status(), 90.0), True, engine_gone="no answer", now_s=NOW_S)
    first, second = strip_rows(over, gone, "live", 120, UNICODE)
    assert "ended" in plain(first) and "HOLD" in plain(first)
    assert "GONE" not in plain(first) and "STALE" not in plain(first)
    assert "run ended PASS" in plain(second)


def test_only_the_pulse_changes_from_one_second_to_the_next(running: Snapshot) -> None:
    def at(second: int) -> str:
        state = LiveState(status(t_s=50.0 + second), 0.1)
        seen = Live(state, True, now_s=NOW_S + second, pulse=bool(second % 2))
        return "".join(plain(row) for row in strip_rows(running, seen, "live", 160, UNICODE))

    differing = [a for a, b in zip(at(0), at(1), strict=True) if a != b]
    assert len(differing) == 1


def test_brands_are_always_there(tmp_path: Path) -> None:
    story = Story(tmp_path / "branded.db")
    story.opens(brands=("NO SANDBOX", "noise-off"))
    story.close()
    with SessionReader(story.path) as reader:
        _, second = strip_rows(reader.snapshot(), Live(), "live", 80, UNICODE)
    assert "NO SANDBOX" in plain(second)


@pytest.mark.parametrize(
    ("level", "columns", "said"),
    [
        ("A", 200, "sandbox A  no files, no network"),
        ("A-", 200, "sandbox A-  no files, no network; no Landlock"),
        ("B", 200, "sandbox B  sees file names; no namespaces"),
        ("D", 200, "NO SANDBOX"),
        ("D", 40, "NO SANDBOX"),
        ("B", 40, "sandbox B"),
    ],
)
def test_the_strip_says_what_holds_programs_in(
    running: Snapshot, level: SandboxLevel, columns: int, said: str
) -> None:
    assert running.session is not None
    report = replace(running.session.sandbox, level=level)
    brands = ("NO SANDBOX",) if level == "D" else ()
    session = replace(running.session, sandbox=report, brands=brands)
    _, second = strip_rows(replace(running, session=session), Live(), "live", columns, UNICODE)
    assert plain(second).count(said) == 1, plain(second)
    if level == "D":
        assert next(s.role for s in second if s.text == said) == "bad"
