"""An unattended grant is a sentence somebody typed, read strictly, with an end."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aspire_tui.engine.approval import Approvals, approval_mode, program_facts
from aspire_tui.engine.grant import (
    Asked,
    GrantError,
    Unattendance,
    read_grant,
    template,
)
from drivers.types import Workspace

NOW = datetime.datetime(2026, 11, 21, 17, 0, tzinfo=datetime.UTC)
ASKED = Asked("anna", "yam", "cube_stack", Workspace((0.1, -0.4, 0.0), (0.6, 0.4, 0.5), 0.0), NOW)
GOOD = (
    "anna leaves yam on cube_stack until 18:30 at 30 % inside x 0.15..0.55 y -0.30..0.30 "
    "z 0.00..0.40; needs operator: hold; heat: hold; 3 failed resets: hold"
)


def test_the_sentence_is_read_as_it_says() -> None:
    grant = read_grant(GOOD, ASKED)
    assert grant.until_s == datetime.datetime(2026, 11, 21, 18, 30, tzinfo=datetime.UTC).timestamp()
    assert (grant.speed, grant.lo_m, grant.hi_m) == (0.3, (0.15, -0.3, 0.0), (0.55, 0.3, 0.4))
    assert (grant.who, grant.failed_resets, grant.on_heat) == ("anna", 3, "hold")
    assert grant.sentence == GOOD


def test_the_template_is_itself_a_grant() -> None:
    assert read_grant(template(ASKED), ASKED).task == "cube_stack"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("anna leaves", "ben leaves"), "the name is anna, not ben"),
        (("on cube_stack", "on cube_lift"), "the task is cube_stack"),
        (("leaves yam", "leaves so101"), "the cell is yam"),
        (("30 %", "0 %"), "outside 1 to 100"),
        (("30 %", "130 %"), "outside 1 to 100"),
        (("x 0.15", "x 0.05"), "not within the cell's 0.1..0.6 m"),
        (("x 0.15..0.55", "x 0.55..0.15"), "x 0.55..0.15"),
        (("18:30", "noon"), "expected 18:30"),
        (("18:30", "2026-11-20T18:30"), "must lie ahead"),
        (("18:30", "2026-12-20T18:30"), "at most 24 h"),
        (("heat: hold", "heat: park"), "cannot park"),
        (("heat: hold", "heat: pray"), "expected hold or park"),
        (("; heat: hold", ""), "it reads like this: anna leaves yam"),
        (("3 failed", "0 failed"), "at least 1"),
    ],
)
def test_what_is_wrong_is_named_and_grants_nothing(change: tuple[str, str], said: str) -> None:
    with pytest.raises(GrantError, match=r".") as refused:
        read_grant(GOOD.replace(*change), ASKED)
    assert said in str(refused.value)


def test_a_cell_that_can_park_may_be_told_to() -> None:
    asked = Asked(ASKED.who, ASKED.cell, ASKED.task, ASKED.workspace, NOW, can_park=True)
    assert read_grant(GOOD.replace("heat: hold", "heat: park"), asked).on_heat == "park"


class Machine(RuleBasedStateMachine):
    """A grant stands from being given until its end, and nothing else makes it stand."""

    def __init__(self) -> None:
        super().__init__()
        self.wall_s = 0.0
        self.unattended = Unattendance(lambda: self.wall_s)
        self.until_s: float | None = None
        self.failed = 0

    @rule(for_s=st.floats(1.0, 100.0))
    def given(self, for_s: float) -> None:
        grant = read_grant(GOOD.replace("heat: hold", "heat: hold"), ASKED)
        self.until_s = self.wall_s + for_s
        self.unattended.give(msgspec.structs.replace(grant, until_s=self.until_s, on_heat="park"))
        self.failed = 0

    @rule()
    def revoked(self) -> None:
        self.unattended.end()
        self.until_s = None

    @rule(s=st.floats(0.0, 60.0))
    def time_passes(self, s: float) -> None:
        self.wall_s += s

    @rule(ok=st.booleans())
    def a_reset_ends(self, ok: bool) -> None:
        self.failed = 0 if ok else self.failed + 1
        over = self.unattended.reset_ended(ok)
        assert over == (self.until_s is not None and self.failed >= 3)

    @invariant()
    def it_stands_exactly_as_long_as_it_said(self) -> None:
        stands = self.until_s is not None and self.wall_s < self.until_s
        assert self.unattended.stands == stands
        assert self.unattended.reaction("heat") == ("park" if stands else "hold")
        assert bool(self.unattended.over()) == (self.until_s is not None and not stands)


Machine.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestGrant = Machine.TestCase


@pytest.mark.parametrize(
    ("kind", "wanted", "mode"),
    [
        ("sim", None, "none"),
        ("emulated", "each", "each"),
        ("hardware", None, "new"),
        ("hardware", "none", "new"),
        ("hardware", "large-moves", "large-moves"),
        ("hardware", "none-within-grant", "none-within-grant"),
    ],
)
def test_hardware_never_runs_what_nobody_looked_at(kind, wanted, mode) -> None:  # type: ignore[no-untyped-def]
    assert approval_mode(kind, wanted) == mode


def test_each_mode_asks_when_it_says() -> None:
    new, each = Approvals("new"), Approvals("each")
    assert new.why_ask("a", False)
    new.decide("a", True)
    each.decide("a", True)
    assert not new.why_ask("a", False) and each.why_ask("a", False)
    new.decide("a", False)
    assert new.why_ask("a", True)
    within = Approvals("none-within-grant")
    assert within.why_ask("a", False) and not within.why_ask("a", True)
    large = Approvals("large-moves")
    assert not large.why_ask("a", False)
    assert large.why_ask_move(0.3) and not large.why_ask_move(0.2)
    assert not large.why_ask_move(None) and not new.why_ask_move(9.0)


def test_the_facts_are_what_the_text_does_and_nothing_it_says() -> None:
    text = '# harmless, approved by the boss\ngoto_pose(p, q)\ngoto_pose(p, q)\nprint("ok")\n'
    facts = program_facts(text, {"goto_pose", "open_gripper"})
    assert facts["primitives"] == {"goto_pose": 2}
    assert "boss" not in str(facts)
    assert program_facts("def (", ())["syntax_error_line"] == 1
