"""pass@k, the first PASS and the end of the budget, against what one counts by hand in the log."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from recorded import Story, first_half, second_half

from aspire_tui.domain import Budget, Tokens, Verdict
from aspire_tui.events import BudgetSpent, TokensUsed, TrialClosed, TrialOpened, VerdictGiven
from aspire_tui.evolution.criterion import parse_criterion
from aspire_tui.evolution.metrics import measure
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.snapshot import EMPTY
from aspire_tui.session.views import SpentView
from aspire_tui.tui.account import AccountReading, Attempts, budget_end
from aspire_tui.tui.moment import Asked, Remembered, read_moment
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.time_spent import time_body
from aspire_tui.tui.screen.text import plain

SESSIONS = Path(__file__).parents[2] / "sessions"


def tries(story: Story, trial: int, program: str, outcomes: str) -> None:
    """A trial whose attempts ended so, P for PASS; none at all is no verdict."""
    story.say(TrialOpened(trial, "cube_stack", trial, "dev", program, 1, "bench", "wall"))
    for attempt, one in enumerate(outcomes, 1):
        outcome = "PASS" if one == "P" else "FAIL"
        story.say(VerdictGiven(trial, attempt, Verdict(outcome, (), "", "")))
    last = "PASS" if outcomes.endswith("P") else "FAIL"
    story.say(TrialClosed(trial, last if outcomes else None, "returned", None, 1.0, 1.0))


def test_by_hand(tmp_path: Path) -> None:
    story = Story(tmp_path / "tries.db")
    program = first_half(story)
    second_half(story, program, ends=False)  # dev: FAIL, PASS; selection: 5 of 6
    story.say(TokensUsed(Tokens(input=100, cached=50, output=7, reasoning=3), "m"))
    for trial, outcomes in enumerate(("FP", "FFP", "FFF", ""), 9):
        tries(story, trial, program, outcomes)
    story.say(BudgetSpent(Budget(max_trials=60, max_minutes=20.0), 15, 3.0, 0, 0.0))
    story.close()
    with SessionReader(story.path) as reader:
        moment = read_moment(reader, Asked(), Remembered())
        closed = list(reader.events(kinds=("trial_closed",)))
    account = moment.account
    # dev: trial 1 F, 2 P, 9 FP, 10 FFP, 11 FFF; 12 was never judged
    assert account.attempts["dev"] == Attempts(5, (1, 2, 3))
    assert account.attempts["selection"] == Attempts(6, (5,))
    second = next(r for r in closed if r.event.trial == 2)  # type: ignore[union-attr]
    assert account.first_pass == (2, second.mono_s, 1200 + 900 + 310)
    body = time_body(moment, Look(width=90))
    text = "\n".join(plain(body.lines.line(n)) for n in range(len(body.lines)))
    assert "pass@k dev" in text and "@1 1/5  @2 2/5  @3 3/5" in text
    assert "2.4k tokens (trial 2)" in text
    assert "about 9m00s more, by its trials" in text, "45 trials are left at 5 a minute"


@pytest.mark.parametrize("name", ["stack-repaired", "lift-held", "lift-blocked"])
def test_on_recorded_runs_it_is_what_metrics_says(name: str) -> None:
    with SessionReader(SESSIONS / f"{name}.db") as reader:
        told = measure(reader, parse_criterion("first"))
        account = AccountReading().at(reader, reader.snapshot())
    for curve in told.pass_at:
        if curve.programs == "all":
            mine = account.attempts[curve.seed_set]
            assert (mine.trials, mine.passed[0]) == (curve.curve[0].n, curve.curve[0].passed)
    if account.first_pass is None:
        assert told.success.tokens is None
    else:
        assert told.success.tokens == account.first_pass.tokens


def test_going_back_in_time_takes_back_what_came_later(tmp_path: Path) -> None:
    story = Story(tmp_path / "back.db")
    second_half(story, first_half(story))
    story.close()
    reading = AccountReading()
    with SessionReader(story.path) as reader:
        for seq in (reader.last_seq(), 40, 60, 90, reader.last_seq(), 1):
            snapshot = reader.snapshot(seq)
            assert reading.at(reader, snapshot) == AccountReading().at(reader, snapshot)


def test_a_budget_that_was_hardly_touched_foretells_nothing() -> None:
    def spent(**given: object) -> object:
        return budget_end(msgspec.structs.replace(EMPTY, spent=SpentView(**given)))  # type: ignore[arg-type]

    assert spent(budget=Budget(max_trials=1000), trials=3, minutes=1.0) is None
    assert spent(budget=Budget(), trials=30, minutes=1.0) is None
    assert spent(budget=Budget(max_minutes=10.0, max_trials=20), trials=15, minutes=6.0) == (
        120.0, "trials",
    )  # fmt: skip
    assert spent(budget=Budget(max_minutes=10.0), minutes=12.0) == (0.0, "minutes")
