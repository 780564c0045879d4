"""Prompts are taken apart, and what cannot be used is told."""

import pytest

from aspire_tui.environment.perception.prompt import parse


@pytest.mark.parametrize(
    ("text", "colours", "shape", "sizes", "unknown"),
    [
        ("small red cube", ("red",), "cube", ("small",), ()),
        ("the green block", ("green",), None, (), ()),
        ("tall blue cylinder", ("blue",), "cylinder", ("tall",), ()),
        ("Gray BALL", ("grey",), "ball", (), ()),
        ("red cube on the green cube", ("red",), "cube", (), ("on", "the", "green", "cube")),
        ("shiny red hammer", ("red",), None, (), ("shiny", "hammer")),
        ("boxes", (), "box", (), ()),
        ("red and yellow toy", ("red", "yellow"), None, (), ()),
    ],
)
def test_words_go_where_they_belong(text, colours, shape, sizes, unknown):
    p = parse(text)
    assert (p.colours, p.shape, p.sizes, p.unknown) == (colours, shape, sizes, unknown)


@pytest.mark.parametrize("text", ["hammer", "the gripper", "???", "on the table"])
def test_a_prompt_without_a_usable_word_says_so(text):
    assert parse(text).sees_nothing


def test_a_plain_noun_is_usable():
    assert not parse("object").sees_nothing
