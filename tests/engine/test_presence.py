"""Presence: the last key, at a terminal that is attached. The clock is the test's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aspire_tui.engine.presence import (
    HEARD_S,
    STARTED_GRACE_S,
    Beat,
    Presence,
    presence_policy,
)

LIMIT_S = 60.0


class Now:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.mark.parametrize(
    ("kind", "wanted", "policy"),
    [
        ("sim", None, "goes-on"),
        ("emulated", None, "goes-on"),
        ("sim", "hold", "hold"),
        ("emulated", "hold", "hold"),
        ("hardware", None, "hold"),
        ("hardware", "goes-on", "hold"),
    ],
)
def test_hardware_always_holds_and_nothing_else_must(kind, wanted, policy) -> None:  # type: ignore[no-untyped-def]
    assert presence_policy(kind, wanted) == policy


def test_a_key_at_an_attached_terminal_is_presence_and_its_age_grows() -> None:
    now = Now()
    presence = Presence(now, LIMIT_S)
    assert presence.look().cause == "no screen is attached"
    presence.beat(Beat("c1", "anna", 2.0, True))
    now.s += 3.0
    seen = presence.look()
    assert seen.present and seen.who == "anna" and seen.age_s == pytest.approx(5.0)


def test_a_multiplexer_without_a_client_is_nobody() -> None:
    now = Now()
    presence = Presence(now, LIMIT_S)
    presence.beat(Beat("c1", "anna", 0.0, False, "tmux: no client is attached"))
    seen = presence.look()
    assert not seen.present and seen.cause == "tmux: no client is attached"


def test_an_old_key_a_silent_screen_and_a_leaving_one_are_nobody() -> None:
    now = Now()
    presence = Presence(now, LIMIT_S)
    presence.beat(Beat("c1", "anna", LIMIT_S + 1, True))
    assert presence.look().cause == f"no key for {LIMIT_S:g} s"
    presence.beat(Beat("c1", "anna", 0.0, True))
    assert presence.look().present
    now.s += HEARD_S + 0.1
    assert "anna's screen has fallen silent" in presence.look().cause
    presence.beat(Beat("c1", "anna", 0.0, True))
    presence.left("c1")
    assert not presence.look().present


def test_who_started_the_run_at_a_terminal_has_time_to_appear() -> None:
    now = Now()
    presence = Presence(now, LIMIT_S, started_by="anna")
    assert presence.look().present
    now.s += STARTED_GRACE_S + 0.1
    assert not presence.look().present


@pytest.mark.parametrize("age", [math.nan, math.inf, -5.0])
def test_an_impossible_age_is_no_key(age: float) -> None:
    presence = Presence(Now(), LIMIT_S)
    presence.beat(Beat("c1", "anna", age, True))
    assert not presence.look().present


class Machine(RuleBasedStateMachine):
    """Against a model: presence is one heard, attached console with a key within the limit."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Now()
        self.presence = Presence(self.now, LIMIT_S)
        self.model: dict[str, tuple[float, float, bool]] = {}

    @rule(
        console=st.sampled_from("abc"),
        age=st.floats(0.0, 2 * LIMIT_S),
        attached=st.booleans(),
    )
    def beats(self, console: str, age: float, attached: bool) -> None:
        self.presence.beat(Beat(console, console, age, attached))
        self.model[console] = (self.now.s, self.now.s - age, attached)

    @rule(console=st.sampled_from("abc"))
    def leaves(self, console: str) -> None:
        self.presence.left(console)
        self.model.pop(console, None)

    @rule(s=st.floats(0.0, 40.0))
    def time_passes(self, s: float) -> None:
        self.now.s += s

    @invariant()
    def present_means_a_person(self) -> None:
        expected = any(
            self.now.s - heard <= HEARD_S and attached and self.now.s - key <= LIMIT_S
            for heard, key, attached in self.model.values()
        )
        seen = self.presence.look()
        assert seen.present == expected
        assert seen.present or seen.cause


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPresence = Machine.TestCase
