"""One holder of control; everybody may HOLD; taking over is typed and names who loses."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aspire_tui.engine.control import Control, Holder


def test_the_first_screen_has_control_and_the_second_may_only_watch_and_hold() -> None:
    control = Control()
    assert control.arrive("c1", "anna")
    assert not control.arrive("c2", "ben")
    assert control.refusal("resume", "c1", "anna") == ""
    assert "anna has control" in control.refusal("resume", "c2", "ben")
    assert control.refusal("hold", "c2", "ben") == ""


def test_taking_over_needs_the_sentence_that_names_the_holder() -> None:
    control = Control(Holder("c1", "anna"))
    assert control.take("c2", "ben", "take control") == "type exactly: take control from anna"
    assert control.holder == Holder("c1", "anna")
    assert control.take("c2", "ben", " Take control from Anna ") == ""
    assert control.holder == Holder("c2", "ben")
    assert "ben has control" in control.refusal("step", "c1", "anna")


def test_a_single_command_acts_where_nobody_or_the_same_person_has_control() -> None:
    control = Control()
    assert control.refusal("stop", "", "ben") == ""
    control.arrive("c1", "anna")
    assert control.refusal("stop", "", "anna") == ""
    assert "take over" in control.refusal("stop", "", "ben")


def test_control_of_a_screen_that_is_gone_is_free() -> None:
    control = Control(Holder("c1", "anna"))
    assert control.lapse({"c1"}) is None
    assert control.lapse({"c2"}) == Holder("c1", "anna")
    assert control.arrive("c2", "ben")


class Machine(RuleBasedStateMachine):
    """Never two holders; nobody loses control but by leaving, lapsing, or a typed sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.control = Control()
        self.alive: set[str] = set()

    consoles = st.sampled_from("abc")

    @rule(c=consoles)
    def arrives(self, c: str) -> None:
        before = self.control.holder
        self.alive.add(c)
        self.control.arrive(c, c)
        assert before is None or self.control.holder == before

    @rule(c=consoles, right=st.booleans())
    def takes(self, c: str, right: bool) -> None:
        before = self.control.holder
        self.alive.add(c)
        typed = self.control.sentence() if right else "give it to me"
        refused = self.control.take(c, c, typed)
        assert (refused == "") is right
        assert self.control.holder == (Holder(c, c) if right else before)

    @rule(c=consoles)
    def leaves(self, c: str) -> None:
        self.alive.discard(c)
        self.control.left(c)

    @rule(c=consoles)
    def falls_silent(self, c: str) -> None:
        self.alive.discard(c)
        self.control.lapse(self.alive)

    @invariant()
    def at_most_one_may_act_and_all_may_hold(self) -> None:
        may = [c for c in "abc" if not self.control.refusal("resume", c, c)]
        assert may == ([self.control.holder.console] if self.control.holder else list("abc"))
        assert all(not self.control.refusal("hold", c, c) for c in "abc")
        assert self.control.holder is None or self.control.holder.console in self.alive


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestControl = Machine.TestCase
