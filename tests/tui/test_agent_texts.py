"""Streamed texts on screen, in plain lines and in the snapshot: whole, in place, each once."""

from __future__ import annotations

from aspire_tui.agent_events import AgentSaid, AgentTool, AgentTurn
from aspire_tui.commands.plain import PlainLines
from aspire_tui.domain import Budget
from aspire_tui.event_base import Event
from aspire_tui.events import Recorded
from aspire_tui.session.rows import AgentLine
from aspire_tui.session.snapshot import EMPTY, fold_all
from aspire_tui.session.views import SpentView
from aspire_tui.tui.panes.agent import budget_bar, whole_texts
from aspire_tui.tui.panes.body import Look

PIECES: list[Event] = [
    AgentTurn(True),
    AgentSaid("The left ", stream=1, done=False),
    AgentTool("calls", {}, "3 answers"),
    AgentSaid("finger", stream=1, done=False),
    AgentSaid("another voice", stream=2, done=True),
    AgentSaid(" slips.", stream=1, done=True),
    AgentSaid("", stream=3, done=True),
    AgentSaid("plain"),
]


def lines(events: list[Event]) -> list[AgentLine]:
    return [AgentLine(i, float(i), float(i), e) for i, e in enumerate(events)]  # type: ignore[arg-type]


def texts(events: list[Event]) -> list[str]:
    return [r.event.text for r in whole_texts(lines(events)) if isinstance(r.event, AgentSaid)]


def test_pieces_stand_where_their_text_began() -> None:
    assert texts(PIECES) == ["The left finger slips.", "another voice", "plain"]


def test_a_text_that_broke_off_is_not_joined_to_a_later_one_of_its_number() -> None:
    broken: list[Event] = [
        AgentTurn(True), AgentSaid("half", stream=1, done=False),
        AgentTurn(True), AgentSaid("anew", stream=1, done=True),
    ]  # fmt: skip
    assert texts(broken) == ["half", "anew"]


def recorded(events: list[Event]) -> list[Recorded]:
    return [Recorded(i + 1, float(i), float(i), e) for i, e in enumerate(events)]  # type: ignore[arg-type]


def test_plain_lines_say_a_text_once_at_its_end() -> None:
    teller = PlainLines()
    said = [t for r in recorded(PIECES) if (t := teller.line(r)) and "agent  message" in t]
    assert [t.split("message: ")[1] for t in said] == [
        "another voice", "The left finger slips.", "plain",
    ]  # fmt: skip


def test_the_snapshot_shows_what_has_been_said_of_a_text_so_far() -> None:
    pieces: list[Event] = [
        AgentSaid("The left ", stream=1, done=False), AgentSaid("finger", stream=1, done=False),
    ]  # fmt: skip
    assert fold_all(EMPTY, recorded(pieces)).agent.said == "The left finger"


def test_the_bar_tells_the_limit_that_is_nearest() -> None:
    spent = SpentView(Budget(max_trials=10, max_tokens=1000), trials=2, tokens=900)
    bar = budget_bar(spent, Look(width=80))
    assert bar.endswith(" 90% of tokens") and len(bar.split(" ")[0]) == 10
    assert budget_bar(SpentView(), Look(width=80)) == ""
    over = budget_bar(SpentView(Budget(max_model_calls=2), model_calls=3), Look(width=80))
    assert over.endswith("100% of model calls")
